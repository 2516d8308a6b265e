"""The case that most tests begin with: alice of one account reads reports through a role of another."""

import json
import secrets
from pathlib import Path
from typing import Any

from xacct_nb.aws.clients import connect
from xacct_nb.aws.profile_clients import Endpoint
from xacct_nb.aws.reader import read
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.aws.writer import apply
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.state import State
from xacct_nb.sandbox.server.accounts import World

ALICE = "arn:aws:iam::111111111111:user/alice"
ROLE = "arn:aws:iam::222222222222:role/reports-reader"
READ = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}
SOME_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}
GOLDEN = Path(__file__).parent.parent / "golden"


def an_account() -> str:
    """The id of an account that no other test has."""
    return f"{secrets.randbelow(10**12):012d}"


def a_grant(**fields: Any) -> Grant:
    """The article's case in accounts 111111111111 and 222222222222, with some fields as given."""
    usual = {"name": "reports", "sources": [ALICE], "destinations": [ROLE], "permissions": [READ]}
    return Grant(**{**usual, **fields})


def golden(name: str) -> str:
    return (GOLDEN / name).read_text()


def as_text(document: Any) -> str:
    """The document as the golden files have it; the order of keys shows."""
    return json.dumps(document, indent=2) + "\n"


def grant_in(world: World, **fields: Any) -> Grant:
    """The article's case in the accounts of a world."""
    usual = {
        "sources": [f"arn:aws:iam::{world.source}:user/alice"],
        "destinations": [f"arn:aws:iam::{world.destination}:role/reports-reader"],
        "permissions": [{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{world.bucket}/*"]}],
    }
    return a_grant(**{**usual, **fields})


def endpoint_of(world: World) -> Endpoint:
    return Endpoint(str(world.config_file), str(world.credentials_file), world.endpoint)


def sessions_in(
    world: World,
    grant: Grant,
    callers: tuple[str, ...] = ("alice", "mallory"),
    source_admin: str = "source-admin",
    destination_admin: str = "destination-admin",
) -> Sessions:
    return open_sessions(
        grant,
        source_profiles=[source_admin],
        destination_profiles=[destination_admin],
        caller_profiles=callers,
        endpoint=endpoint_of(world),
    )


def root_iam(world: World, account: str) -> Any:
    """An IAM client of an administrator: for changes that others make by hand."""
    secret = world.root_secret(account)
    return connect("iam", endpoint_url=world.endpoint, access_key_id=account, secret_access_key=secret)


def state_of(grant: Grant, sessions: Sessions) -> State:
    return read(build(grant), sessions)


def plan_of(grant: Grant, sessions: Sessions) -> Plan:
    documents = build(grant)
    return diff(documents, read(documents, sessions))


def applied(grant: Grant, sessions: Sessions) -> Journal:
    plan = plan_of(grant, sessions)
    return apply(plan, sessions, approved=plan.digest, patience=1)


def calls(journal: Journal) -> list[str]:
    """The writing calls of a journal, in their order."""
    return [entry.operation for entry in journal.entries if entry.operation != "AssumeRole"]
