"""The proof of a fleet, or of the past changes in a records folder: what holds, and who changed the rest."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from functools import cached_property

from xacct_nb.aws.account_sessions import FleetAccess
from xacct_nb.errors import InvalidParameters, NotProven, ProofFailed, XacctError
from xacct_nb.fleets.expected import ExpectedGrants, batches, expected_of_fleet
from xacct_nb.fleets.result import OPEN, FleetResult, SliceResult
from xacct_nb.records.fields import RecordedFleet
from xacct_nb.runs.fleet.execution import Progress, silent, working
from xacct_nb.runs.fleet.fleet_run import FleetRun, fleet_access, note_sessions
from xacct_nb.runs.fleet.handed_over_work import work_of_others
from xacct_nb.runs.fleet.past_records import PastRecords, expected_of_records, newest_of, read_past
from xacct_nb.runs.fleet.schedulers import executor_of
from xacct_nb.runs.fleet.slice_results import SliceResults
from xacct_nb.runs.fleet.slice_work import SliceTask, forget_sessions, work_on_slice
from xacct_nb.runs.grant_forms import FormRun
from xacct_nb.storage.references import resolve_reference
from xacct_nb.views import Shown, View

_MOST_CAUSES = 20


def prove_expected(
    expected: ExpectedGrants,
    access: FleetAccess,
    *,
    secrets: Iterable[str] = (),
    executor: Executor | None = None,
    progress: Progress = silent,
) -> FleetResult:
    """Prove every grant that is expected, in every account; nothing is changed, and no failure stops another.

    What others changed is `drifted`, with their calls where CloudTrail can be read. `secrets` are external
    IDs of which records have only fingerprints.
    """
    results = [found for each in expected.grants for found in each.unasked()]
    if not expected.fleets:
        results += [found for each in expected.grants for found in each.unasked_of_others()]
    known = tuple(secrets)
    forget_sessions()
    with working(executor, progress) as execution:
        execution.expect(sum(len(each.slices) for each in expected.grants))
        work = SliceResults(execution, [], None)
        for batch in batches(expected.grants):
            labels = {key: each.label for each in batch for key in each.keys}
            tasks = [
                SliceTask(part, access, approved=(), patience=0, secrets=known, since=each.since)
                for each in batch
                for part in each.slices
            ]
            found = work.of(work_on_slice, tasks, "Proving")
            results += [replace(each, grant=labels[each.key]) for each in found]
        for fleet in expected.fleets:
            results += work_of_others(fleet, access, work, stopped=bool(execution.stopped))
    interrupted = execution.interruptions > 0
    return FleetResult(expected.name, tuple(results), execution.stopped, is_interrupted=interrupted)


class ProofOfMany(Shown):
    """The proof in a run: of the fleet of its parameters, or of the records that `records_of` names.

    `expected` is what is to hold. Raises InvalidGrant, InvalidParameters, UnknownRecord, AwsRefused.
    """

    def __init__(self, run: FormRun) -> None:
        self.run, self.fleet = run, FleetRun(run)
        self.expected = self._expected()  # here, and not when it is shown, since an error ends the cell

    @cached_property
    def past(self) -> PastRecords:
        """The records of the run's folder. Raises UnknownRecord."""
        return read_past(self.run.records)

    def _expected(self) -> ExpectedGrants:
        settings = self.run.settings
        if not settings.records_of:
            declared = self.fleet.declared.name
            newest, expanded = newest_of(self.past, declared), self.fleet.expanded
            return ExpectedGrants(declared, expected_of_fleet(expanded, *newest), fleets=(expanded,))
        if settings.fleet:
            raise InvalidParameters(
                "fleet and records_of are both given.",
                why="One run proves a fleet file, or past records.",
                hint="Leave one of them out.",
            )
        return expected_of_records(self.past, settings.records_of, settings)

    def prove(self) -> FleetResult:
        """Prove all of it; nothing is changed. What is expected and not proven is in the result."""
        expected, settings = self.expected, self.run.settings
        secrets = {resolve_reference(settings.external_id)} if settings.external_id else set()
        with executor_of(settings.scheduler) as executor:
            result = prove_expected(
                expected, self.access, secrets=secrets, executor=executor, progress=self.fleet.progress
            )
        records = {each.label: each.record for each in expected.grants}
        result = replace(result, results=tuple(_with_records(result.results, records, self.past.own)))
        self.run.place.note()
        self.run.touched = True
        self._note(result)
        if result.is_interrupted:
            raise KeyboardInterrupt(result.summary)
        return result

    def verify(self, result: FleetResult) -> Shown:
        """Return the result where all that is expected is proven.

        Raises ProofFailed where something does not hold, and NotProven where something could not be proven,
        or nothing is expected; each is named with who changed it, and when.
        """
        if not result.results:
            raise NotProven(
                "Nothing was proven: nothing is expected.",
                why=f"No change that stands is in the records: {self.run.records}",
                hint="Name the folder of the records: --records DIR",
            )
        if result.holds:
            self.run.status = "succeeded"
            return result
        raise _not_holding(result)

    @cached_property
    def access(self) -> FleetAccess:
        """How the accounts are reached."""
        partitions = (str(each.declared["partition"]) for each in self.expected.grants)
        return fleet_access(self.run, next(partitions, "aws"))

    def view(self) -> View:
        """Return what is expected to hold."""
        return self.expected.view()

    def _note(self, result: FleetResult) -> None:
        """Write what the record has of it: the declarations, and the result of each account."""
        grants = self.expected.grants
        note_sessions(self.run, self.access)
        about = RecordedFleet(
            {"name": self.expected.name, "grants": [dict(each.declared) for each in grants]},
            {each.label: each.accounts for each in grants},
            result=result,
            described={} if self.run.settings.records_of else self.fleet.expanded.described,
        )
        self.run.evidence.add("fleet", about.to_json())


def _with_records(
    results: Iterable[SliceResult], records: Mapping[str, str], own: Mapping[str, str]
) -> Iterator[SliceResult]:
    """Yield the results with what was called since the record of each grant."""
    for each in results:
        drift = tuple(one.since_record(records[each.grant], own) for one in each.drift)
        yield replace(each, drift=drift) if drift else each


def _not_holding(result: FleetResult) -> XacctError:
    missing = result.missing
    causes = [line for each in missing for line in _lines(each)]
    if len(causes) > _MOST_CAUSES:
        causes = [*causes[:_MOST_CAUSES], f"and {len(causes) - _MOST_CAUSES} more lines; the record has all"]
    kind = NotProven if {each.status for each in missing} <= OPEN else ProofFailed
    return kind(
        result.summary,
        why="\n".join(causes),
        hint="If the declarations are right, plan and apply them again; else declare what is there. "
        "The record has each account: fleet.html",
    )


def _lines(result: SliceResult) -> Iterator[str]:
    """Yield why a slice is not as expected, and what others changed in it."""
    yield f"{result.account} {result.grant}: {result.status}. {result.cause or result.reason}"
    yield from (f"{result.account}: {each.sentence}" for each in result.drift)
