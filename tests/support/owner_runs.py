"""The runs of the owner of one account in a hand-over, within the process of the tests."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.desk import Desk
from support.examples import grant_in
from xacct_nb.records.model import Record
from xacct_nb.runs.handoff.showing import show_handoff
from xacct_nb.runs.handoff.writing import write_request
from xacct_nb.runs.runner import RunResult
from xacct_nb.sandbox.server.accounts import World


@dataclass(frozen=True)
class Party:
    """One owner: a folder with records, and what their runs are given."""

    folder: Path
    desk: Desk
    profiles: dict[str, Any] = field(default_factory=dict)

    @property
    def records(self) -> Path:
        return self.desk.records

    def run(self, **fields: Any) -> RunResult:
        return self.desk.run("hand_over", **{"patience_seconds": 1, **self.profiles, **fields})

    def applied(self, **fields: Any) -> Record:
        """Plan, then apply what was planned."""
        planned = self.run(**fields).record
        assert planned.plan is not None, planned.error
        return self.run(**fields, approve=planned.plan.digest).record

    def ask(self, world: World, side: str = "destination", **fields: Any) -> str:
        """Write a request to the owner of a side; return its file."""
        hours, key = fields.pop("hours", 24), fields.pop("key", "")
        grant = self.folder / "grant.json"
        grant.write_text(json.dumps(grant_in(world, **fields).to_json()))
        out = self.folder / "reports.request.json"
        write_request(grant, side=side, out=str(out), hours=hours, key=key, records=self.records)
        return str(out)

    def state(self, file: str) -> str:
        found = show_handoff(file, self.records).state
        return found.state if found else ""


def party(folder: Path, desk: Desk, **profiles: Any) -> Party:
    folder.mkdir()
    return Party(folder, Desk(desk.world, folder / "records", in_process=True), profiles)


def source_owner(folder: Path, desk: Desk) -> Party:
    """Return the owner of the source account, whose callers' profiles they have."""
    profiles = {"source_profiles": ["source-admin"], "destination_profiles": ["no-such-profile"]}
    return party(folder, desk, **profiles, caller_profiles=["alice", "mallory"])


def destination_owner(folder: Path, desk: Desk) -> Party:
    """Return the owner of the destination account."""
    profiles = {"source_profiles": ["no-such-profile"], "destination_profiles": ["destination-admin"]}
    return party(folder, desk, **profiles, caller_profiles=["no-such-profile"])


def answer_of(file: str) -> str:
    return file.replace(".request.json", ".answer.json")


def code(record: Record) -> str:
    return record.error.code if record.error else ""
