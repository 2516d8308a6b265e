"""A run over a fleet in a process of its own, which is killed at a chosen point; its accounts' state."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.httpsession import URLLib3Session

from support.desk import Desk
from support.fleet_world import LISTS_USERS, ROLE, FleetWorld
from support.killed_process import KillPoint, torn_line
from xacct_nb.changes.journal import Entry
from xacct_nb.records.model import Record
from xacct_nb.runs.runner import RunResult
from xacct_nb.storage.evidence import Evidence


@dataclass(frozen=True)
class KilledFleet:
    """The commands of a person over one fleet, whose records are in one folder."""

    members: FleetWorld
    desk: Desk

    def in_folder(self, folder: Path) -> "KilledFleet":
        """Return the same with the records in another folder."""
        return replace(self, desk=replace(self.desk, records=folder))

    def run(self, approve: str = "") -> RunResult:
        fields = {
            "name": "readers",
            "sources": [self.members.alice],
            "accounts": list(self.members.members),
            "role": ROLE,
            "permissions": [LISTS_USERS],
            "accept": ["wildcard-resource"],
            "patience_seconds": 5,
        }
        return self.desk.run("grant_a_fleet", **fields, **({"approve": approve} if approve else {}))

    def digest(self) -> str:
        plan = self.run().record.plan
        assert plan
        return plan.digest

    def finished(self) -> RunResult:
        """Plan again and apply, as a person would."""
        return self.run(approve=self.digest())

    def rolled_back(self, record: str) -> str:
        """Roll a record back; return the status."""
        planned = self.desk.run("roll_back", record=record).record
        if not (planned.plan and planned.plan.changes):
            return planned.status
        return self.desk.run("roll_back", record=record, approve=planned.plan.digest).record.status

    def state(self) -> dict[str, Any]:
        """Return what the fleet has in all accounts, without what AWS numbers and dates."""
        accounts = (self.members.world.source, *self.members.members)
        return {account: _state_of(self.members, account) for account in accounts}

    def killed_at(self, point: KillPoint, action: Callable[[], object]) -> bool:
        """Do this in a forked process that is killed at the point; return whether it was."""
        told = self.desk.records.parent / f"{self.desk.records.name}.error"
        child = os.fork()
        if child == 0:
            _do_and_die(point, action, told)
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, told.read_text()
        return os.WIFSIGNALED(status)


def made(record: Record, operation: str) -> list[str]:
    """Return the accounts in which a call was made, by the record's journal."""
    return sorted(
        each.account for each in entries_of(record) if each.operation == operation and each.answer == "made"
    )


def steps_of(record: Record) -> list[tuple[str, ...]]:
    """Return the calls with their answers, account by account: threads make them in any order."""
    entries = entries_of(record)
    return sorted((each.account, each.operation, each.target, each.answer) for each in entries)


def noted(record: Record) -> set[tuple[str, str]]:
    """Return the calls that were noted, answered or not: the account and the operation of each."""
    return {(each.account, each.operation) for each in entries_of(record)}


def entries_of(record: Record) -> tuple[Entry, ...]:
    """Return the entries of a record's journal."""
    return record.journal.entries if record.journal else ()


def _do_and_die(point: KillPoint, action: Callable[[], object], told: Path) -> None:
    """Never return, so that what is open in the parent stays as it is."""
    try:
        _follow(point)
        action()
        os._exit(0)
    except BaseException as problem:
        told.write_text(repr(problem))
        os._exit(1)


def _follow(point: KillPoint) -> None:
    """Let every call to AWS have two points, and every line of the evidence three, in this process."""
    send, add = URLLib3Session.send, Evidence.add

    def sent(self: URLLib3Session, request: Any) -> Any:
        point.reach()
        response = send(self, request)
        point.reach()
        return response

    def added(self: Evidence, kind: str, value: Any) -> None:
        point.reach()
        point.reach(lambda: torn_line(self, kind, value))
        add(self, kind, value)
        point.reach()

    URLLib3Session.send, Evidence.add = sent, added  # type: ignore[method-assign]


def _state_of(members: FleetWorld, account: str) -> dict[str, Any]:
    found = members.root(account).get_account_authorization_details()
    return {
        "roles": _parts(found["RoleDetailList"], "AssumeRolePolicyDocument", "RolePolicyList"),
        "users": _parts(found["UserDetailList"], "UserPolicyList"),
        "policies": _parts(found["Policies"], "AttachmentCount", "DefaultVersionId"),
    }


def _parts(found: Iterable[dict[str, Any]], *names: str) -> list[Any]:
    names = ("Arn", "AttachedManagedPolicies", *names)
    return sorted(([each.get(name) for name in names] for each in found), key=str)
