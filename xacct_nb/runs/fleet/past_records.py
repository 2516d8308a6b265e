"""What the records of past changes expect to hold: the newest change of each grant that is not undone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from xacct_nb.errors import InvalidInput, UnknownRecord
from xacct_nb.fleets.expansion import ExpandedFleet
from xacct_nb.fleets.expected import ExpectedGrant, ExpectedGrants, expected_of_fleet, expected_of_grant
from xacct_nb.fleets.replaced_expectations import left_of
from xacct_nb.grants.conditions import is_reference
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import Settings
from xacct_nb.iam.arns import Arn
from xacct_nb.records.fields import RecordedFleet
from xacct_nb.records.model import Record
from xacct_nb.redaction.redact import fingerprints_in
from xacct_nb.runs.fleet.fleet_rollback import expanded_of
from xacct_nb.runs.fleet.slice_drift import with_external_id
from xacct_nb.runs.standing import standing_records
from xacct_nb.storage.ledger import broken_record, read_record
from xacct_nb.storage.references import resolve_reference

ALL = "all"
_ENDED = ("succeeded", "not-proven")


@dataclass
class PastRecords:
    """The records of a folder: what stands of them, by whom the rest was undone, and our own calls.

    `own` has the record of each call by its request id. `broken` are records that cannot be read or were
    changed since they were sealed, with the reason.
    """

    folder: Path
    standing: tuple[Record, ...] = ()
    undone: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def _read(self, records: Path, name: str) -> Record:
        """Return a record, without changes where it cannot be relied on."""
        try:
            record = read_record(records, name)
            why = "; ".join(broken_record(records, name)) if record.left_changes else ""
        except UnknownRecord as problem:
            record, why = Record(name, "", "failed", "", "", 0), f"{problem.what} {problem.why}".strip()
        if why:
            self.broken[name] = why
        self.own |= {each.request_id: record.id for each in record.journal.entries} if record.journal else {}
        if record.undoes and record.status in _ENDED:
            self.undone[record.undoes] = record.id
        return record


def read_past(folder: Path) -> PastRecords:
    """Read every record of a folder that changed something. Raises UnknownRecord for an unreadable ledger."""
    found = PastRecords(folder)
    found.standing = tuple(standing_records(folder, read=found._read))
    return found


def expected_of_records(past: PastRecords, wanted: Sequence[str], settings: Settings) -> ExpectedGrants:
    """Return what the named records or grants expect, or all; nothing that is expected is left out silently.

    Raises UnknownRecord for a name that is neither.
    """
    _check_known(past, wanted)
    chosen, left = list[ExpectedGrant](), list[tuple[str, str]]()
    for record in past.standing:
        if _is_wanted(record, wanted):
            if record.where and record.is_of_sandbox != settings.sandbox:
                left.append((record.id, f"It was made elsewhere: {record.where}."))
            else:
                found = [left_of(each, chosen) for each in _expected(record, past, settings)]
                chosen += [each for each, _ in found if each is not None]
                left += [(record.id, sentence) for _, said in found for sentence in said]
    undone = ((each, f"The rollback {by} has undone it.") for each, by in past.undone.items())
    left += [each for each in undone if ALL in wanted or each[0] in wanted]
    return ExpectedGrants("records", tuple(_labelled(chosen)), tuple(left))


def newest_of(past: PastRecords, name: str) -> tuple[str, str]:
    """Return when the newest change of a grant or fleet began (UTC), and its record; "" for none."""
    found = (each for each in past.standing if name in _names(each))
    return next(((each.started, each.id) for each in found), ("", ""))


def _names(record: Record) -> tuple[str, ...]:
    """Return the names by which a record is chosen: its id, its grant or fleet, the grants of a fleet."""
    if record.fleet is None:
        return record.id, str(record.parameters.get("name", ""))
    declared = record.fleet.declared
    return record.id, str(declared.get("name", "")), *(str(each["name"]) for each in declared["grants"])


def _is_wanted(record: Record, wanted: Sequence[str]) -> bool:
    return ALL in wanted or any(name in wanted for name in _names(record) if name)


def _check_known(past: PastRecords, wanted: Sequence[str]) -> None:
    known = {name for each in past.standing for name in _names(each)} | {*past.undone, *past.broken, ALL}
    if unknown := [each for each in wanted if each not in known]:
        raise UnknownRecord(
            f"No change that stands is of {', '.join(map(repr, unknown))}.",
            why=f"records_of takes ids of records, names of grants or fleets, or {ALL}.",
            hint="List the records: xacct-nb records list",
        )


def _expected(record: Record, past: PastRecords, settings: Settings) -> list[ExpectedGrant]:
    """Return what a record expects; a grant that cannot be asked for says why."""
    about = {"since": record.started, "record": record.id}
    if record.id in past.broken:
        hint = "Compare it with a copy: xacct-nb records verify"
        return [
            replace(each, problem=_CHANGED.format(past.broken[record.id]), hint=hint)
            for each in _bare(record)
        ]
    try:
        if record.fleet is not None:
            fleet = _with_fingerprints(record.fleet, record, settings)
            return list(expected_of_fleet(fleet, **about))
        grant = record.grant
        if grant is None:
            return [replace(each, problem="The record has no valid grant.") for each in _bare(record)]
        side = record.handoff.side if record.handoff else ""
        return [expected_of_grant(_with_fingerprint(grant, record, settings), side, **about)]
    except InvalidInput as problem:
        why = f"{problem.what} {problem.why}".strip()
        return [replace(each, problem=why, hint=problem.hint) for each in _bare(record)]


_CHANGED = "The record was changed since it was sealed, and is not relied on: {}"


def _bare(record: Record) -> Iterator[ExpectedGrant]:
    """Yield the grants of a record by name and account alone, with nothing to ask."""
    grants = record.fleet.declared["grants"] if record.fleet else [record.parameters]
    changes = (record.journal.changes if record.journal else ()) or (
        record.plan.changes if record.plan else ()
    )
    touched = tuple(dict.fromkeys(change.account for change in changes))
    for each in grants:
        name = str(each.get("name", "") or record.id)
        roles = [Arn.parse(str(role)) for role in each.get("destinations", ())]
        accounts = tuple(dict.fromkeys(role.account for role in roles)) or touched
        accounts = tuple(record.fleet.accounts.get(name, ())) if record.fleet else accounts
        declared = {"name": name, "sources": list(each.get("sources", ())), "partition": "aws"}
        role = str(each.get("role", "")) or ", ".join(dict.fromkeys(each.name for each in roles))
        yield ExpectedGrant(name, {**declared, "role": role}, accounts, (), record.id, record.started)


def _with_fingerprints(fleet: RecordedFleet, record: Record, settings: Settings) -> ExpandedFleet:
    expanded = expanded_of(fleet)
    declared = expanded.fleet.resolved(lambda grant: _with_fingerprint(grant, record, settings))
    pairs = zip(expanded.grants, declared.grants, strict=True)
    return replace(expanded, fleet=declared, grants=tuple(replace(each, declared=own) for each, own in pairs))


def _with_fingerprint(grant: Grant, record: Record, settings: Settings) -> Grant:
    """Return the grant with its external ID, or the fingerprint that the record's changes have of it.

    A reference is looked up only where this run allows it. Raises UnresolvedSecret, and InvalidInput where
    the record does not say which external ID it was.
    """
    given = grant.conditions.external_id.get_secret_value()
    if not is_reference(given):
        return grant
    if given in settings.allow_references:
        return with_external_id(grant, resolve_reference(given))
    marks = fingerprints_in(record.plan.to_json() if record.plan else "")
    if len(marks) != 1:
        raise InvalidInput(
            f"The external ID of {grant.name} is not known: the record has only the reference {given}.",
            why="A reference in a record is looked up only where the run allows it.",
            hint=f"Allow it: -p allow_references {given}; or prove the grant file: "
            "xacct-nb run prove_the_access -f GRANT",
        )
    return with_external_id(grant, next(iter(marks)))


def _labelled(grants: Sequence[ExpectedGrant]) -> Iterator[ExpectedGrant]:
    """Yield the grants with labels that differ; the second of a name has its record's id in the label.

    A run acts in one partition of AWS, so those in another one than the first say so.
    """
    names, partition = set[str](), str(grants[0].declared["partition"]) if grants else ""
    for each in grants:
        label = f"{each.label} ({each.record})" if each.label in names else each.label
        names.add(each.label)
        found = replace(each, label=label, declared={**each.declared, "name": label})
        if each.declared["partition"] != partition and not each.problem:
            problem = (
                f"It is in the partition {each.declared['partition']}, and this run acts in {partition}."
            )
            found = replace(found, problem=problem, hint=f"Prove it by itself: -p records_of {each.record}")
        yield found
