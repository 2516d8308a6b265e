"""What sheet 11 starts from: five requests in the folder, and how a check tries what a request asks for."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from xacct_nb.aws.answers import call_aws
from xacct_nb.aws.clock import local_time, utc
from xacct_nb.grants.documents import DESTINATION, build
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.request import HandoffRequest, request_for
from xacct_nb.linting.findings import lint
from xacct_nb.sandbox.server.state import write_private
from xacct_nb.storage.handoff_files import write_handoff
from xacct_nb.workshop.applying import applied_for_a_while
from xacct_nb.workshop.owner import asked_grant, handoff_folder
from xacct_nb.workshop.preparing import allow, document, make_role, trust
from xacct_nb.workshop.world import WorkshopWorld

READER, TRIAL, OTHER, TICKET = "ticket-reader", "ticket-trial", "open-reader", "ticket-4711"
REPORT, ORDERS, DRAFT = "2026/summary.csv", "2026/orders.csv", "drafts/next.csv"
_WIDE, _CHANGED, _RIGHT, _ANYBODY, _LATE = LETTERS = "abcde"


def prepare(world: WorkshopWorld) -> None:
    """Make two more objects, a role that trusts the whole source account, and the five requests."""
    s3 = world.admin("destination", "s3")
    content = f"order,total\n1,42\ncontrol,{world.secret('control')}\n"
    s3.put_object(Bucket=world.bucket, Key=ORDERS, Body=content.encode())
    s3.put_object(Bucket=world.bucket, Key=DRAFT, Body=b"quarter,orders\n4,?\n")
    make_role(world, "destination", OTHER, [trust(world.source)])
    folder = handoff_folder(world)
    for old in folder.glob("*"):
        old.unlink()
    for letter, request in _requests(world).items():
        write_handoff(request, folder / file_of(letter))
    path = folder / file_of(_CHANGED)
    changed = json.loads(path.read_text(encoding="utf-8")) | {"why": "Ticket 4711. Agreed with your manager."}
    write_private(path, json.dumps(changed, indent=1))


def _requests(world: WorkshopWorld) -> dict[str, HandoffRequest]:
    """Return the five requests, each before anybody changed it."""
    now, year = local_time(), timedelta(days=365)
    late = {"made": utc(now - 2 * year), "expires": utc(now - year)}
    in_time = {"made": utc(now), "expires": utc(now + year)}
    other: Mapping[str, dict[str, Any]] = {
        _WIDE: {"permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::*"]}]},
        _ANYBODY: {"sources": [world.source]},
    }
    return {
        letter: request_for(
            build(_ticket(world, **other.get(letter, {}))),
            DESTINATION,
            why="Ticket 4711.",
            asked_by="source-admin",
            nonce=world.secret(letter),
            **(late if letter == _LATE else in_time),
        )
        for letter in LETTERS
    }


def _ticket(world: WorkshopWorld, **other: Any) -> Grant:
    """Return the grant that the ticket asks for."""
    reads = {"actions": ["s3:GetObject"], "resources": [world.object_arn("2026/*")]}
    fields = {
        "name": "ticket-readers",
        "sources": [world.user_arn("alice")],
        "destinations": [world.role_arn(READER)],
        "permissions": [reads],
        "conditions": {"external_id": world.secret(TICKET)},
    }
    return Grant(**{**fields, **other})


def file_of(letter: str) -> str:
    return f"{letter}.request.json"


@contextmanager
def on_trial(world: WorkshopWorld, request: HandoffRequest, name: str) -> Iterator[str]:
    """Make for a while what a request asks for, as a role of another name; yield the role's ARN."""
    role = world.role_arn(name)
    about = {"name": name, "destinations": [role]}
    grant = asked_grant(request, world.secret(TICKET), **about)
    accept = lint(build(grant, DESTINATION)).unaccepted
    grant = asked_grant(request, world.secret(TICKET), **about, accept=accept)
    with applied_for_a_while(world, grant, DESTINATION), lent(world, role):
        yield role


@contextmanager
def lent(world: WorkshopWorld, role: str) -> Iterator[None]:
    """Let Alice call AssumeRole on a role for a while: the destination side decides alone."""
    iam, name = world.admin("source", "iam"), role.rpartition("/")[2]
    about = {"UserName": "alice", "PolicyName": f"lent-for-{name}"}
    iam.put_user_policy(**about, PolicyDocument=document(allow("sts:AssumeRole", role)))
    try:
        yield
    finally:
        call_aws(lambda: iam.delete_user_policy(**about))
