"""The decisions of a review as revised declarations: each is written to a file of its own, and planned."""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xacct_nb.changes.plan import Plan
from xacct_nb.errors import InvalidParameters, XacctError
from xacct_nb.fleets.discovery_fleet import grant_fields
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.grants.grant import Grant
from xacct_nb.records.review.decisions import (
    UNKNOWN_ID,
    ReviewDecision,
    RevisedFile,
    revised_fleet,
    revised_grant,
    with_reference,
)
from xacct_nb.records.review.item import ReviewItem
from xacct_nb.records.review.recorded import RecordedReview, RevisedPlan
from xacct_nb.runs.grant_forms import FormRun
from xacct_nb.runs.review.declared import EXAMPLE, DeclaredAccess, declared_by, declared_in, read_declared
from xacct_nb.runs.review.live_reading import LiveReading
from xacct_nb.storage.declared_grants import write_declared
from xacct_nb.storage.ledger import read_ledger, read_record

_HEAD = "# As decided in a review of access. Commit it in place of the reviewed file once it is applied.\n"
_Decided = tuple[ReviewItem, ReviewDecision]


class Revising:
    """Revises declarations as decided on a day, into a folder that only this run writes to."""

    def __init__(
        self, run: FormRun, reading: LiveReading, folder: Path, today: str, approvers: Iterable[str] = ()
    ) -> None:
        self.run, self.reading, self.folder, self.today = run, reading, folder, today
        self._rules = {"two_people": run.settings.two_people, "approvers": list(approvers)}

    def plans(self, review: RecordedReview) -> Iterator[RevisedPlan]:
        """Yield the plan of each revised declaration, or why there is none."""
        decisions = {each.key: each for each in review.decisions}
        for origin, fields in review.declared.items():
            decided = [(item, decisions[item.key]) for item in review.items if item.origin == origin]
            keys = tuple(item.key for item, each in decided if each.changes)
            if not keys:
                continue
            try:
                declared = self._declared(origin, fields)
                files = list(self._revised(declared, decided))
            except XacctError as problem:
                yield RevisedPlan(origin, keys, problem=_text(problem))
                continue
            yield from (self._planned(declared, each) for each in files)

    def _declared(self, origin: str, fields: Mapping[str, Any]) -> DeclaredAccess:
        """Return a declaration as it was under review. Raises InvalidParameters where it is another now."""
        found: DeclaredAccess | None
        if origin == EXAMPLE:
            found = declared_in((), self.folder, True)[0]
        elif any(line["id"] == origin for line in read_ledger(self.run.records)):
            found = declared_by(read_record(self.run.records, origin))
        else:
            found = read_declared(origin)
        if found is None or found.of.to_json() != fields:
            raise InvalidParameters(
                f"{origin!r} is not what was under review.",
                why="It was changed since, so the decisions may be about something else.",
                hint="Begin a new review of it, or put back the version that was reviewed.",
            )
        return found

    def _revised(self, declared: DeclaredAccess, decided: list[_Decided]) -> Iterator[RevisedFile]:
        name = Path(declared.origin).stem if declared.is_file else declared.name
        if isinstance(declared.of, Grant):
            ((item, decision),) = decided
            fields = grant_fields(revised_grant(declared.of, item, decision, self.today))
            yield RevisedFile(name, False, with_reference(fields, self.today), (item.key,))
            return
        for ending, fields, keys in revised_fleet(declared.of, decided, self.today):
            grants = [with_reference(each, self.today) for each in fields["grants"]]
            yield RevisedFile(f"{name}{ending}", True, {**fields, "grants": grants}, keys)

    def _planned(self, declared: DeclaredAccess, revised: RevisedFile) -> RevisedPlan:
        path = self._path(revised.name)
        of: Grant | Fleet | None = None
        try:
            write_declared(revised.fields, path, _HEAD)
            of = Fleet(**revised.fields) if revised.is_fleet else Grant(**revised.fields)
            plan = self._plan(of)
        except XacctError as refused:
            command = self._planning(path, of) if of else ""
            return RevisedPlan(str(path), revised.keys, None, command, _text(refused))
        command = self._command(path, of, plan) if plan.changes else ""
        return RevisedPlan(str(path), revised.keys, plan, command)

    def _plan(self, of: Grant | Fleet) -> Plan:
        if isinstance(of, Grant):
            return self.reading.plan(of)
        _, plan = self.reading.plan_fleet(DeclaredAccess("", of))
        return plan.whole

    def _path(self, name: str) -> Path:
        """Return a file that is not there yet: two declarations may have one name."""
        path, number = self.folder / f"{name}.yaml", 1
        while path.exists():
            number += 1
            path = self.folder / f"{name}-{number}.yaml"
        return path

    def _command(self, path: Path, of: Grant | Fleet, plan: Plan) -> str:
        """Return the commands that make a plan; where somebody must sign or be second, they plan first."""
        planned = self._planning(path, of)
        approved = f"{planned} --approve {plan.digest}"
        if self._rules["approvers"]:
            records = shlex.quote(str(self.run.records))
            signing = f"xacct-nb approve {plan.digest} --key KEY --records {records}"
            return f"{planned}\n{signing}\n{approved}"
        return f"{planned}\n{approved}" if self._rules["two_people"] else approved

    def _planning(self, path: Path, of: Grant | Fleet) -> str:
        """Return the command that plans a revised declaration."""
        notebook = "plan_and_apply" if isinstance(of, Grant) else "grant_a_fleet"
        return shlex.join(["xacct-nb", "run", notebook, "-f", str(path), *self._options(of)])

    def _options(self, of: Grant | Fleet) -> Iterator[str]:
        settings = self.run.settings
        grants = (of,) if isinstance(of, Grant) else tuple(each.template for each in of.grants)
        references = dict.fromkeys(each.conditions.external_id.get_secret_value() for each in grants)
        for reference in filter(None, references):
            if reference in (*settings.allow_references, UNKNOWN_ID):
                yield from ("--allow-reference", reference)
        if not settings.sandbox:
            yield from ("-p", "sandbox", "false")
            for side, names in self._profiles(of).items():
                yield from ("-p", f"{side}_profiles", json.dumps(names))
        for name, rule in self._rules.items():
            if rule:
                yield from ("-p", name, json.dumps(rule))
        if isinstance(of, Fleet):
            yield from ("-p", "account_role", settings.account_role)
            if settings.organization_profile:
                yield from ("-p", "organization_profile", settings.organization_profile)
        if settings.records:
            yield from ("--records", settings.records)

    def _profiles(self, of: Grant | Fleet) -> dict[str, list[str]]:
        if isinstance(of, Grant):
            return self.reading.profiles_of(of)
        settings = self.run.settings
        return {"source": list(settings.source_profiles), "destination": list(settings.destination_profiles)}


def _text(problem: XacctError) -> str:
    return " ".join(filter(None, (problem.what, problem.why, problem.hint)))
