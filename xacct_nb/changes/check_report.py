"""What a check of grant files found: what is invalid, the findings, and what the files newly let in."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.changes.newly_allowed import NEW_CODES, NewAccess
from xacct_nb.errors import InvalidInput
from xacct_nb.linting.findings import Findings
from xacct_nb.linting.rules.rule import SEVERITIES, WARNING, WIDENS
from xacct_nb.linting.sarif import ERROR, NOTE, SarifResult
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View

INVALID, FINDING, NEW = "invalid", "finding", "new"
FAIL_ON = ("error", "warning", "new", "never")
CHECK_EXIT_CODES = {"passed": 0, "invalid": 2, "found": 10}
"""Exit codes of `xacct-nb check` by the status of its report."""
_TONES = {INVALID: "bad", WIDENS: "bad", WARNING: "change", NEW: "add"}
_MEANINGS = {
    INVALID: "The file is not valid, and a run would refuse it.",
    WIDENS: "It gives access beyond what is named; `accept` in the file can name it.",
    WARNING: "It will not work, or not as it reads.",
    NOTE: "It is good to know.",
}
_PLACE = re.compile(r"[a-z_]+(?:\.[a-z_0-9]+)*")
_NUMBER = re.compile(r"^grants\.([1-9]\d*): ")
_LINE = re.compile(r"\bline (\d+), column (\d+)")


@dataclass(frozen=True)
class FilePlaces:
    """Where the fields of a grant are in a file: line and column by dotted path, and the fields themselves.

    `before` is the path of the grant in the file, with a dot at its end; "" where the file is one grant.
    """

    places: Mapping[str, tuple[int, int]]
    fields: Mapping[str, Any]
    before: str = ""

    def of(self, where: str) -> tuple[int, int]:
        """Return line and column of what a finding names, such as `sources: 111111111111`."""
        found = _PLACE.match(where)
        path, _, value = (found[0] if found else "", *where.partition(": ")[1:])
        if path == "destinations" and "accounts" in self.fields:  # the grant of a fleet
            path, value = "accounts", ":".join(value.split(":")[4:5])
        listed = self.fields.get(path)
        if isinstance(listed, list) and value in listed:
            path = f"{path}.{listed.index(value)}"
        path = f"{self.before}{path}"
        while path not in self.places and path:
            path = path.rpartition(".")[0]
        return self.places.get(path, (1, 1))


@dataclass(frozen=True)
class CheckItem(Serializable):
    """One result in a file: `category` is invalid, finding or new; `severity` that of a finding."""

    category: str
    code: str
    severity: str
    text: str
    fix: str
    grant: str
    where: str
    line: int
    column: int
    accepted: bool = False
    is_certain: bool = True
    who: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def fails_on(self, levels: Collection[str]) -> bool:
        """Return whether a check fails by it, which is to fail on these levels."""
        if self.category == NEW:
            return NEW in levels
        if self.category == INVALID:
            return True
        if "never" in levels or self.accepted:
            return False
        return self.severity == WIDENS or (self.severity == WARNING and "warning" in levels)


@dataclass(frozen=True, repr=False)
class FileCheck(Shown, Serializable):
    """What was found in one file; `kind` is "" where it is not valid.

    `compared_with` is what came before it, "" where nothing was compared.
    """

    file: str
    uri: str
    kind: str
    items: tuple[CheckItem, ...] = ()
    compared_with: str = ""
    note: str = ""

    def view(self) -> View:
        """Return the results: what is wrong first, what is new after it."""
        compared = f", compared with {self.compared_with}" if self.compared_with else ""
        about = f"A {self.kind}{compared}." if self.kind else "It cannot be used."
        parts: list[View] = [Text(f"{about} {self.note}".rstrip(), "note")]
        found = [each for each in self.items if each.category != NEW]
        new = [each for each in self.items if each.category == NEW]
        parts += [_findings(found)] if found else [Text("It is valid. No findings.", "good")]
        if new or self.compared_with:
            parts += [_new(new)] if new else [Text("It newly lets in nothing.", "good")]
        return Page(self.file, tuple(parts))


@dataclass(frozen=True, repr=False)
class CheckReport(Shown, Serializable):
    """The results of all files, and on which levels the check fails."""

    files: tuple[FileCheck, ...]
    fail_on: tuple[str, ...] = ("error",)

    @property
    def items(self) -> list[CheckItem]:
        """Return the results of all files."""
        return [item for each in self.files for item in each.items]

    @property
    def status(self) -> str:
        """Return `invalid`, `found` or `passed`."""
        failed = {each.category for each in self.items if each.fails_on(self.fail_on)}
        return "invalid" if INVALID in failed else "found" if failed else "passed"

    @property
    def summary(self) -> str:
        """Return in one line what was found, and whether the check passed."""
        items = self.items
        counts = (
            (sum(each.category == INVALID for each in items), "invalid"),
            (sum(each.severity == WIDENS and not each.accepted for each in items), "to fix or to accept"),
            (sum(each.severity == WARNING and not each.accepted for each in items), "to look at"),
            (sum(each.accepted for each in items), "accepted"),
            (sum(each.category == NEW for each in items), "newly let in"),
        )
        found = ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing found"
        files = f"{len(self.files)} file{'s' * (len(self.files) != 1)}"
        return f"{files}: {found}. The check {'passed' if self.status == 'passed' else 'failed'}."

    def view(self) -> View:
        """Return the results of each file, and the summary."""
        last = Text(self.summary, "good" if self.status == "passed" else "bad")
        return Page("Check", (*(each.view() for each in self.files), last))

    def to_json(self) -> dict[str, Any]:
        """Return status, summary and the results of each file."""
        return {"status": self.status, "summary": self.summary, **super().to_json()}

    @classmethod
    def from_json(cls, fields: Any) -> "CheckReport":
        """Return the report that `to_json` made the fields from. Raises ValidationError."""
        return super().from_json({name: fields[name] for name in ("files", "fail_on")})

    def sarif_results(self) -> Iterator[SarifResult]:
        """Yield the results as SARIF has them."""
        for file in self.files:
            for each in file.items:
                meaning = NEW_CODES.get(each.code, "") or _MEANINGS[each.severity]
                yield SarifResult(
                    each.code, _level(each), each.text, file.uri, each.line, each.column, meaning, each.fix,
                    each.accepted,
                )  # fmt: skip


def error_item(problem: InvalidInput, places: FilePlaces) -> CheckItem:
    """Return the item for a file, or a grant in it, that is not valid."""
    text = " ".join(each for each in (problem.what, problem.why) if each)
    found = _LINE.search(problem.why)
    # Errors count the grants of a fleet from 1, and paths from 0.
    where = _NUMBER.sub(lambda number: f"grants.{int(number[1]) - 1}.", problem.what)
    line, column = (int(found[1]), int(found[2])) if found else places.of(where)
    return CheckItem(INVALID, problem.code, INVALID, text, problem.hint, "", "", line, column)


def finding_items(findings: Findings, grant: str, places: FilePlaces) -> Iterator[CheckItem]:
    """Yield an item for each finding on a grant."""
    for each in sorted(findings.found, key=lambda found: SEVERITIES.index(found.severity)):
        accepted, where = each.code in findings.accepted, each.where
        text = f"{where}: {each.why}"
        yield CheckItem(
            FINDING, each.code, each.severity, text, each.mend, grant, where, *places.of(where), accepted
        )


def end_item(sentence: str, is_past: bool, grant: str, places: FilePlaces) -> CheckItem:
    """Return the note that a grant has ended or ends soon."""
    code, fix = ("has-ended", "Write a later date, or run it: ") if is_past else ("ends-soon", "")
    fix += "that removes what was made for it." if is_past else "Write a later date where it is still needed."
    text = f"expires: {sentence} That is by the clock of this machine."
    return CheckItem(FINDING, code, NOTE, text, fix, grant, "expires", *places.of("expires"))


def new_items(found: Iterable[NewAccess], places: Mapping[str, FilePlaces]) -> Iterator[CheckItem]:
    """Yield an item for each thing that grants newly let in; `places` are those of each grant by its name."""
    for each in found:
        text = each.sentence if each.is_certain else f"{each.sentence} The files do not decide it."
        place = places[each.grant].of(each.where)
        yield CheckItem(
            NEW, each.code, NEW, text, "", each.grant, each.where, *place,
            is_certain=each.is_certain, who=each.who, roles=each.roles,
        )  # fmt: skip


def _findings(items: list[CheckItem]) -> View:
    rows = tuple(
        (str(each.line), each.code, "accepted" if each.accepted else each.severity, each.text, each.fix)
        for each in items
    )
    tones = tuple("note" if each.accepted else _TONES.get(each.severity, "note") for each in items)
    return Table(("line", "code", "severity", "where and why", "fix"), rows, tones=tones)


def _new(items: list[CheckItem]) -> View:
    rows = tuple((str(each.line), each.code, each.text) for each in items)
    return Table(("line", "code", "newly let in"), rows, tones=("add",) * len(rows))


def _level(item: CheckItem) -> str:
    if item.accepted:
        return NOTE
    return {INVALID: ERROR, WIDENS: ERROR, WARNING: WARNING, NEW: WARNING}.get(item.severity, NOTE)
