"""The documents that the commands of a mend write, read back from the commands as a shell would."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.evaluator_answers import Decided
from support.random_worlds import SESSION, Holder, Made, World
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.diagnosis.snapshot import (
    MANAGED,
    CallerIdentity,
    Destination,
    Principal,
    Snapshot,
    SnapshotPolicy,
    Source,
)
from xacct_nb.redaction.redact import fingerprint

Document = dict[str, Any]
_VARIABLE = re.compile(r"(EXTERNAL_ID\w*) is the one whose fingerprint is (secret:\w+)")
_IDS = {"user": "AIDAXXXXXXXXXXXXXXXX", "role": "AROAXXXXXXXXXXXXXXXX"}


@dataclass
class Policies:
    """The policies of both sides as documents: the caller's and the role's by name, boundaries, the trust."""

    caller: dict[str, Document]
    role: dict[str, Document]
    boundaries: dict[str, Document]
    trust: Document
    requests: list[dict[str, str]] = field(default_factory=list)

    def written(self, cause: Cause, secrets: Iterable[str] = ()) -> "Policies":
        """Return the policies after the commands of a cause, run in a shell that has these secrets."""
        after = Policies(dict(self.caller), dict(self.role), dict(self.boundaries), self.trust)
        known = {fingerprint(secret): secret for secret in secrets}
        names = {name: known[mark] for name, mark in _VARIABLE.findall(cause.mend)}
        for command in cause.commands:
            words = [with_values(word, names) for word in shlex.split(command)]
            after._write(words[2], options_of(words))
        return after

    def _write(self, operation: str, options: dict[str, str]) -> None:
        match operation:
            case "update-assume-role-policy":
                self.trust = json.loads(options["policy-document"])
            case "put-user-policy" | "put-role-policy" | "put-group-policy":
                mine = self.role if options.get("role-name") == "reader" else self.caller
                mine[options["policy-name"]] = json.loads(options["policy-document"])
            case "create-policy-version":
                for known in (self.caller, self.role, self.boundaries):
                    for name in known:
                        if options["policy-arn"].endswith(f"/{name}"):
                            known[name] = json.loads(options["policy-document"])
            case "assume-role":
                self.requests.append(options)
            case _:
                assert operation.startswith("tag-"), operation


def with_values(word: str, names: Mapping[str, str]) -> str:
    """Return a word with the values of its shell variables."""
    return re.sub(r"\$\{([A-Z_0-9]+):\?\}", lambda found: names.get(found[1], found[1]), word)


def options_of(words: list[str]) -> dict[str, str]:
    """Return the options of a command by name; one without a value is empty."""
    found, name = dict[str, str](), ""
    for word in words[3:]:
        if word.startswith("--"):
            name = word.removeprefix("--")
            found[name] = ""
        else:
            found[name] = word
    return found


def seen(world: World, made: Made) -> tuple[Snapshot, Attempt, Policies]:
    """Return a world as administrators of both sides see it, with a call of the caller."""
    decided = Decided(world)
    subject = decided.caller()
    arn = decided.filled(subject.arn)
    role = decided.filled(f"arn:aws:iam::{{{world.account}}}:role/reader")
    entity = decided.filled("arn:aws:iam::{source}:role/app/hub") if world.caller == SESSION else arn
    own, of_role = (
        decided.filled(_documents(world.own, "caller")),
        decided.filled(_documents(world.role, "role")),
    )
    trust = decided.filled(decided._trust())
    kind = "role" if world.caller == SESSION else "user"
    caller = Principal(arn=entity, id=_IDS[kind], tags={"team": "red"}, boundary=_boundary(own, entity))
    reader = Principal(arn=role, id=_IDS["role"], trust=trust, boundary=_boundary(of_role, role))
    snapshot = Snapshot(
        taken="2026-01-01T00:00:00Z",
        caller=CallerIdentity(arn=arn, user_id=_IDS[kind] + (":s0" if kind == "role" else "")),
        source=Source(principal=caller, policies=_policies(own, entity)),
        destination=Destination(role=reader, policies=_policies(of_role, role)),
    )
    passed = {"RoleSessionName": made.name, "ExternalId": made.external_id}
    passed |= {"SourceIdentity": made.source_identity}
    parameters: dict[str, Any] = {name: value for name, value in passed.items() if value}
    if made.tags:
        parameters["Tags"] = [{"Key": key, "Value": value} for key, value in made.tags]
    sides = (("caller", own), ("role", of_role))
    before = Policies(
        {name: document for name, document in own.items() if name != "bound"},
        {name: document for name, document in of_role.items() if name != "bound"},
        {f"bound-{who}": each["bound"] for who, each in sides if "bound" in each},
        trust,
    )
    return snapshot, Attempt(caller=arn, role=role, parameters=parameters), before


def _documents(holder: Holder, side: str) -> dict[str, Document]:
    named = {"own": holder.inline, f"shared-{side}": holder.managed, "team": holder.group}
    named |= {"bound": holder.boundary}
    return {name: document for name, document in named.items() if document}


def _boundary(documents: dict[str, Document], arn: str) -> SnapshotPolicy | None:
    if "bound" not in documents:
        return None
    who = "role" if arn.endswith("/reader") else "caller"
    policy = arn.partition(":role/")[0].partition(":user/")[0] + f":policy/bound-{who}"
    return SnapshotPolicy(
        name=f"bound-{who}", kind=MANAGED, holder=arn, arn=policy, document=documents["bound"]
    )


def _policies(documents: dict[str, Document], arn: str) -> tuple[SnapshotPolicy, ...]:
    account = arn.partition(":role/")[0].partition(":user/")[0]
    return tuple(
        SnapshotPolicy(
            name=name,
            kind=MANAGED if name.startswith("shared") else "inline",
            holder=f"{account}:group/team" if name == "team" else arn,
            arn=f"{account}:policy/{name}" if name.startswith("shared") else "",
            document=document,
        )
        for name, document in documents.items()
        if name != "bound"
    )
