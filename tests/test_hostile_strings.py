"""Whatever string a value has, a terminal and a page show it as text, and show the same."""

import json
import re
import shlex
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.discovery_values import DISCOVERY_VALUES
from support.examples import ALICE, READ, ROLE, a_grant
from support.fleet_values import FLEET_VALUES
from support.hostile_strings import EVERYTHING, STRINGS, Fragment, places, poisoned, rebuilt, unseen
from support.review_values import REVIEW_VALUES
from support.sample_views import TITLES, one_of_each_view
from support.usage_values import USAGE_VALUES
from support.workshop_values import WORKSHOP_VALUES
from xacct_nb.changes.approval import Approval, PlannedRun
from xacct_nb.changes.check_report import CheckItem, CheckReport, FileCheck
from xacct_nb.changes.decision_card import CardAccount, CardFinding, CardPlace, DecisionCard
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.changes.proof import Outcome, Proof, expected_probes
from xacct_nb.changes.signed_approval import ApprovalStatement
from xacct_nb.cli.output import progress_bar
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.diagnosis.denial import Denial
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.diagnosis.unknowns import Unknown
from xacct_nb.errors import AwsRefused, InvalidGrant, XacctError, error_classes
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.organization import Account, Organization, select
from xacct_nb.grants.access_path import RoleHop
from xacct_nb.grants.console_link import ConsoleAccess, console_access
from xacct_nb.grants.declarations import Parameter
from xacct_nb.grants.documents import build
from xacct_nb.grants.form.choices import AccountChoices
from xacct_nb.grants.grant import from_parameters
from xacct_nb.grants.help import NotebookHelp
from xacct_nb.grants.pictures.access_graph import AccessEdge, AccessGraph, AccessNode
from xacct_nb.grants.pictures.graph_svg import AccessPicture
from xacct_nb.grants.profile_sections import ProfileSection
from xacct_nb.grants.session_length import SessionLength
from xacct_nb.grants.state import State
from xacct_nb.handoff.answer import AnsweredProof, MadeResource, answer_to
from xacct_nb.handoff.fleet_request import request_to_owner
from xacct_nb.handoff.forms.quick_create import QuickCreateLink
from xacct_nb.handoff.request import request_for
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.jupyter.forms.form_parts import style
from xacct_nb.linting.findings import Finding, Findings
from xacct_nb.linting.headroom import headroom
from xacct_nb.records.broken_lines import LedgerRepair
from xacct_nb.records.comparison import compare
from xacct_nb.records.history import History, Timeline, Verification
from xacct_nb.records.model import Record
from xacct_nb.records.repair_entry import BrokenLine, RepairEntry
from xacct_nb.records.sealing import ledger_line, parse_ledger_line
from xacct_nb.redaction.invisible import printable
from xacct_nb.runs.access_use import AccessUse
from xacct_nb.runs.doctor import Examination, HealthCheck
from xacct_nb.runs.handoff.fleet_requests import AcceptedPart, SentRequests
from xacct_nb.runs.handoff.running import HandoverRun
from xacct_nb.runs.handoff.showing import ShownHandoff
from xacct_nb.runs.handoff.state import HandoffState
from xacct_nb.runs.handoff.writing import SentFile
from xacct_nb.runs.outcome import RunSummary
from xacct_nb.runs.plan_signing import PlanToSign, SignedPlan
from xacct_nb.runs.profile_edits import ProfileEdit
from xacct_nb.runs.rehearsal import AssumeTries, AssumeTry
from xacct_nb.runs.repair import RecordsRepair
from xacct_nb.runs.runner import RunResult
from xacct_nb.runs.sealing import new_run_id
from xacct_nb.sandbox.faults.faults import Fault, Faults
from xacct_nb.sandbox.faults.statistics import Misbehaviour
from xacct_nb.storage.config_files import ConfigFile
from xacct_nb.storage.shipped import CopiedNotebooks
from xacct_nb.views import Code, Diff, Page, Shown, Snippet, Table, Text, html, text

GRANT = a_grant(session_minutes=120, conditions={"external_id": "hunter2-hunter2"})
DOCUMENTS = build(GRANT)
LIVE = {"path": "/", "description": "d", "tags": {"k": "v"}, "session_seconds": 3600, "boundary": "b"}
POLICY = {"Version": "2012-10-17", "Statement": [{"Sid": "s", "Condition": {"StringEquals": {"k": "v"}}}]}
CHANGES = (
    Change("role", ROLE, "", LIVE | {"trust": POLICY}, None),
    Change("inline-policy", ROLE, "n", POLICY, POLICY | {"Id": "i"}),
    Change("tags", ROLE, "", {"k": "v"}, {"k": "w"}),
    Change("attachment", ROLE, "arn:aws:iam::aws:policy/p", None, True),
)
PLAN = Plan("reports", CHANGES, ("note",), ("code",))
ENTRY = Entry("2026-11-24T10:15:00Z", "222222222222", "CreateRole", "role", "made", "id", 0.25, 2, POLICY)
JOURNAL = Journal("reports", CHANGES, (ENTRY,))
PROOF = Proof(tuple(Outcome(each, "Denied", ALICE, "detail", "id", 1) for each in expected_probes(GRANT)))
FOUND = (Finding("code", "widens", "where", "why", "mend"),)
DECISION = Decision.from_json(
    evaluate(
        principal=ALICE,
        action="sts:AssumeRole",
        resource=ROLE,
        context={"sts:ExternalId": "x"},
        identity_policies=DOCUMENTS.caller_policies[ALICE],
        resource_policy=DOCUMENTS.trust_policies[ROLE],
    ).to_json()
)
DENIAL = Denial(*["text"] * 13)
CAUSES = (Cause("code", "source", "why", "mend", "certain", ("command",)),)
DIAGNOSIS = Diagnosis({"caller": ALICE}, DENIAL, CAUSES, ("code",), (Unknown("a", "b", "c", "d"),), "m", "a")
RECORD = Record(
    "20261124T101500Z-reports-plan_and_apply-1f3a",
    "plan_and_apply",
    "succeeded",
    "2026-11-24T10:15:00Z",
    "2026-11-24T10:15:04Z",
    4.25,
    host={"name": "desk", "user": "ada", "python": "3", "system": "s"},
    where="sandbox",
    who=({"part": "source", "account": "111111111111", "arn": ALICE, "profile": "alice"},),
    parameters={"name": "reports", "sources": [ALICE], "destinations": [ROLE], "records": "r", "note": "n"},
    findings=({"code": "c", "severity": "note", "where": "w", "why": "y", "mend": "m", "accepted": True},),
    plan=PLAN.to_json(),
    approval=Approval("digest", "ada", "at", "note", "ticket", "record", "bob", "then").to_json(),
    journal=JOURNAL.to_json(),
    proof=PROOF.to_json(),
    diagnosis=DIAGNOSIS.to_json(),
    state={"before": State({}).to_json(), "after": []},
    undoes="another",
    error={"code": "c", "what": "w", "why": "y", "hint": "h"},
    versions={"boto3": "1"},
    git={"commit": "c", "dirty": True},
)
LINE = parse_ledger_line(ledger_line(RECORD, "sums", "previous")) or {}
REPAIR = LedgerRepair(
    RepairEntry("at", "by", "file", "0", (BrokenLine(1, "why", "0", "0", "0"),), ("a",), ("b",)), b"", b""
)
NODES = (AccessNode("a", "user", "n", "a", ("l",)), AccessNode("b", "role", "n", "a", ("l",)))
PICTURE = AccessPicture(AccessGraph("title", NODES, (AccessEdge("a", "b", ("l",)),), ("note",)))
OTHER = replace(RECORD, id="b", status="failed", parameters={"name": "x" * 99}, plan=None)
CARD = DecisionCard(
    ("sentence",),
    ("loss",),
    CardPlace("endpoint", (CardAccount("source", "111111111111", "alias", ALICE),), "ada"),
    (CardFinding("code", "severity", "why", "mend"),),
    "ada",
    "bob",
    False,
    "digest",
    "summary",
    ("rule",),
    command="command",
)
CHECKED = CheckItem("finding", "code", "widens", "text", "fix", "grant", "where", 1, 1)
FRESH = replace(CHECKED, category="new", severity="new", who=(ALICE,), roles=(ROLE,))
FILE_CHECK = FileCheck("file", "uri", "kind", (CHECKED, FRESH), "HEAD", "note")
TIMES = {"made": "2026-11-24T10:00:00Z", "expires": "2026-12-01T10:00:00Z"}
REQUEST = request_for(DOCUMENTS, "destination", why="w", asked_by="a", nonce="0" * 16, **TIMES)
ANSWER = answer_to(
    REQUEST,
    "made",
    reason="r",
    differences=("d",),
    made=(MadeResource(kind="k", target=ROLE, name="n"),),
    objects=("o",),
    at=TIMES["made"],
    by="b",
    record="r",
    proof=AnsweredProof(holds=True, summary="s"),
)
OWNED = Fleet(
    name="logs",
    grants=[{"name": "readers", "sources": [ALICE], "accounts": ["222222222222"], "role": "reader"}],
    owners={"partner": ["222222222222"]},
)
ASKED = request_to_owner(OWNED, "partner", why="w", asked_by="a", nonce="0" * 16, **TIMES)
HANDOFF = HandoffState(REQUEST.digest, "answered", (RECORD,), (ANSWER,), ("object",))
LENGTH = SessionLength(3600, 7200, "why")
SECTION = ProfileSection("reports", RoleHop(ROLE, GRANT), {"role_arn": ROLE}, ("# comment",), LENGTH)
EDIT = ProfileEdit((SECTION,), ConfigFile(Path("config"), Path("config"), None), b"[profile reports]\n")
ACCOUNTS = tuple(
    Account(account, "name", "ACTIVE", "o-a1b2c3d4e5/r-ab12/", {"tag": "v"})
    for account in ("111111111111", "222222222222")
)
ORGANIZATION = Organization("o-a1b2c3d4e5", "111111111111", ACCOUNTS, ("r-ab12",), ("note",))
VALUES: tuple[Any, ...] = (
    CARD,
    replace(CARD, blockers=("blocker",), checked=False),
    REQUEST,
    ANSWER,
    HANDOFF,
    SentFile(ANSWER, Path("answer.json"), Path("answer.html")),
    SentFile(REQUEST),
    ASKED,
    SentRequests((SentFile(ASKED),)),
    AcceptedPart(ASKED, answer_to(ASKED, "made", at=TIMES["made"])),
    ShownHandoff(REQUEST, "signature", HANDOFF),
    HandoverRun(RunResult(RECORD, Path("records")), Path("answer.json")),
    QuickCreateLink("https://example.com", ("left",)),
    LENGTH,
    console_access(a_grant()),
    ConsoleAccess(ROLE, "", ("reason",)),
    EDIT,
    replace(EDIT, done="written", backup=Path("backup")),
    AccessUse(GRANT, ROLE, "profile", console_access(a_grant()), EDIT, "problem", "file"),
    DOCUMENTS,
    State.from_json([{"kind": each.kind, "target": ROLE, "name": "n", "value": LIVE} for each in CHANGES]),
    *CHANGES,
    PLAN,
    PICTURE,
    JOURNAL,
    PROOF,
    Findings(FOUND, ("code",), headroom(DOCUMENTS), "note"),
    headroom(DOCUMENTS),
    DECISION,
    DECISION.details,
    DENIAL,
    DIAGNOSIS,
    RECORD,
    compare(RECORD, OTHER),
    RunResult(RECORD, Path("records")),
    RunSummary("succeeded", "record", "folder"),
    History((LINE,)),
    Timeline((LINE,)),
    Verification(1, "last", ("broken",), ("signed",)),
    AssumeTries((AssumeTry(1.0, "Denied", "detail"),)),
    NotebookHelp("plan_and_apply", "Title", "About.", {"note": Parameter("note", "str", "", "help")}),
    Misbehaviour(Faults((Fault("throttling", ("CreateRole",)),)), (1,), (1,)),
    REPAIR,
    AccountChoices({"roles": (ROLE,), "buckets": ("b",)}, (ALICE,), "aws", ("note",)),
    RecordsRepair(("closed",), REPAIR, True),
    PlanToSign(Path("records"), PlannedRun("record", "ada", "at", True, PLAN), "sandbox", True, ("key",)),
    SignedPlan(
        ApprovalStatement(
            "digest", "plan", "seal", "sandbox", ("111111111111",), "at", "ada", "note", "ticket"
        ),
        Path("file"),
        "key",
    ),
    CopiedNotebooks(Path("notebooks"), ("added",), ("refreshed",), ("unchanged",), ("kept",)),
    ORGANIZATION,
    select(ORGANIZATION, except_accounts=["111111111111"], organization_units=["r-ab12"]),
    FILE_CHECK,
    CheckReport((FILE_CHECK,)),
    *DISCOVERY_VALUES,
    *WORKSHOP_VALUES,
    *FLEET_VALUES,
    *USAGE_VALUES,
    *REVIEW_VALUES,
)
# Words that only the tables of the package give: another one there is a mistake of ours, and not shown. The
# role of a grant: what is no ARN of a role is refused where the grant is made.
OURS = {
    "AccountRights.side",
    "Documents.side",
    "HandoffAnswer.decision",
    "HandoffState.state",
    "AccessUse.role",
    "ConsoleAccess.role",
    "AccessEdge.mark",
    "AccessEdge.source",
    "AccessEdge.state",
    "AccessEdge.target",
    "AccessNode.key",
    "AccessNode.mark",
    "Cause.confidence",
    "Change.target",
    "PolicyCheck.effect",
    "PolicyCheck.type",
    "Decision.result",
    "Fault.kind",
    "Finding.severity",
    "Record.diagnosis.causes.confidence",
    "Record.journal.changes.target",
    "Record.plan.changes.target",
    "Verdict.outcome",
}
FIELDS: dict[str, Any] = {
    "name": "reports",
    "sources": [ALICE],
    "destinations": [ROLE],
    "permissions": [READ],
    "managed_policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    "permissions_boundary": "arn:aws:iam::222222222222:policy/boundary",
    "conditions": {
        "external_id": "hunter2-hunter2",
        "organization_id": "o-a1b2c3d4e5",
        "source_ips": ["203.0.113.0/24"],
        "role_session_name": "alice",
        "source_identity": "alice",
        "session_tags": {"project": "reports"},
    },
    "attach_to": "arn:aws:iam::111111111111:group/analysts",
    "accept": ["any-role"],
}
# What has a shape among the characters that control others: signs that stand above or below numbers.
SEEN = ("ARABIC", "EGYPTIAN", "KAITHI", "SYRIAC")
# Values that are a live thing: what they show are the values above, or what a form asks.
LIVE_ONES = {"ApprovalForm", "Demonstration", "DenialForm", "GrantForm", "HistoryForm", "Inquiry", "Ledger"}
LIVE_ONES |= {"OnePage", "PageNote", "RecordedRun", "Rehearsal", "Sessions", "Rollback"}
LIVE_ONES |= {"ChainSession", "Handover", "OpenSheet", "Ticket", "FleetRun", "FleetRollback"}
LIVE_ONES |= {"AccountOwner", "FleetForm", "AskedFleet", "ProofOfMany"}
LIVE_ONES |= {"ReviewPart", "ReviewRun", "AccessNarrowing"}
# Values that refuse what is hostile at the door; a list of checks, which is no dataclass; fixed sentences.
REFUSING = {"Grant", "Snapshot", "Attempt", "Fleet", "ExpandedFleet", "FleetFile"}
LISTED = {"Examination", "NoSessionsEnded", "NotAnswered", "NotProvenHere"}


def with_each_leaf(fields: dict[str, Any], words: str) -> Iterator[dict[str, Any]]:
    """The fields as often as there are strings in them, each time with another one replaced."""
    for place in places(fields):
        yield rebuilt(fields, lambda here, old, place=place: words if here == place else old)


def words_of(value: Shown) -> tuple[Counter[str], Counter[str]]:
    """The characters of the text and of the HTML, without white space and rules."""
    shown = (str(value), Fragment(value._repr_html_()).text)
    return tuple(Counter(re.sub(r"[\s=-]", "", each)) for each in shown)  # type: ignore[return-value]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_of_hostile_strings_shows_them_as_text_and_as_nothing_else(value: Any) -> None:
    hostile, kept = poisoned(value)
    page, as_text = Fragment(hostile._repr_html_()), str(hostile)

    assert kept - OURS == set()
    assert (page.strange, page.opened) == ([], [])
    assert unseen(page.text) == unseen(as_text) == []
    assert "(begin)" in page.text
    assert "(begin)" in as_text


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_of_hostile_strings_shows_the_same_as_text_and_as_html(value: Any) -> None:
    as_text, as_html = words_of(poisoned(value)[0])

    assert as_text == as_html


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_command_that_a_value_shows_has_each_hostile_string_as_one_word(value: Any) -> None:
    words = "a b;`c`$(d)'"
    shown = "".join(re.findall(r"xacct-nb [a-z]+ .*", str(poisoned(value, words)[0])))

    assert "a b;" not in shown.replace(shlex.quote(words), "")


@pytest.mark.parametrize(
    "value", [each for each in VALUES if hasattr(each, "from_json")], ids=lambda value: type(value).__name__
)
def test_a_value_of_hostile_strings_goes_to_json_and_back(value: Any) -> None:
    hostile = poisoned(value)[0]
    again = type(value).from_json(json.loads(json.dumps(hostile.to_json())))

    assert str(again) == str(hostile)


def test_every_class_with_a_view_is_tested() -> None:
    sources = [path.read_text() for path in (Path(__file__).parent.parent / "xacct_nb").rglob("*.py")]
    shown = re.compile(r"^class (\w+)\(.*\b(?:Shown|Form|FieldsForm|SignedFile)\b", re.MULTILINE)
    named = {name for each in sources for name in shown.findall(each)}

    assert (
        named - {"Form", "FieldsForm", "SignedFile"}
        == {type(value).__name__ for value in VALUES} | LIVE_ONES | REFUSING | LISTED
    )


@pytest.mark.parametrize("words", STRINGS.values(), ids=STRINGS)
def test_each_string_is_complete_wherever_it_fits(words: str) -> None:
    page, as_text = Fragment(html(one_of_each_view(words))), text(one_of_each_view(words))
    shown = printable(words).split("\n")[0]

    assert (page.strange, page.opened) == ([], [])
    assert page.text.count(shown) == TITLES
    assert as_text.count(shown) == TITLES or len(shown) > 64
    assert unseen(page.text + as_text) == []


@pytest.mark.parametrize(
    ("grant", "notebook", "named"),
    [
        ("reports", "plan_and_apply", "-reports-plan_and_apply-"),
        ("../../x\x1b", "a b;$(x)", "-x-a-b-x-"),
        ("", "..", "-"),
        ("", "-rf\n\x00", "-rf-"),
        ("", "\u202e\ud800", "-"),
        ("reports", "n" * 300, f"-reports-{'n' * 64}-"),
    ],
)
def test_the_id_of_a_record_is_a_safe_name_of_a_folder(grant: str, notebook: str, named: str) -> None:
    found = new_run_id(grant, notebook)

    assert re.fullmatch(r"\d{8}T\d{6}Z[A-Za-z0-9._-]+", found)
    assert found[16:-4] == named


def test_a_heading_of_a_notebook_cannot_take_the_progress_line_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for terminal in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        with progress_bar() as report:
            report(0, 2, EVERYTHING)
            report(1, 2, EVERYTHING)
    shown = capsys.readouterr().err

    assert "(begin)" in shown
    assert unseen(shown.replace("\r", "").replace("\x1b[A", "")) == []


def test_the_checks_of_the_doctor_are_shown_safely() -> None:
    checks = Examination((HealthCheck(EVERYTHING, "bad", EVERYTHING, EVERYTHING),))
    page = Fragment(checks._repr_html_().replace(f"<style>{style()}</style>", ""))

    assert (page.strange, page.text.count("(begin)"), unseen(page.text)) == ([], 3, [])


@pytest.mark.parametrize("kind", error_classes().values(), ids=error_classes())
def test_an_error_shows_hostile_strings_safely(kind: type[XacctError]) -> None:
    more = {"aws_code": EVERYTHING} if issubclass(kind, AwsRefused) else {}
    problem = kind(EVERYTHING, why=EVERYTHING, hint=EVERYTHING, **more)
    shown = "\n".join((str(problem), *problem._render_traceback_()))

    assert unseen(shown) == []
    assert shown.count("(begin)") == 6
    assert json.loads(json.dumps(problem.to_json()))["why"] == EVERYTHING


@pytest.mark.parametrize("words", STRINGS.values(), ids=STRINGS)
def test_a_hostile_string_in_a_grant_is_refused_or_shown_safely(words: str) -> None:
    refused, taken = list[str](), list[str]()
    for fields in with_each_leaf(FIELDS, words):
        try:
            grant = from_parameters(fields)
        except InvalidGrant as problem:
            refused.append(str(problem))
        else:
            page = Fragment(grant._repr_html_())
            taken.append(str(grant) + page.text)
            assert page.strange == []

    assert unseen("".join((*refused, *taken))) == []
    assert len(refused) >= 8


def test_a_snippet_shows_invisible_characters() -> None:
    assert repr(Snippet("aws\u202e sts\x1b[2J")) == r"aws\u202e sts\u001b[2J"


def test_an_invisible_character_is_shown_as_its_code() -> None:
    every = "".join(map(chr, range(0x110000)))
    left = [char for char in unseen(every) if printable(char) == char]
    names = {unicodedata.name(char, f"{ord(char):04x}").split()[0] for char in left}

    assert names == set(SEEN)
    assert printable("a\ufe0f") == "a\ufe0f"


def test_a_title_and_a_caption_are_one_line_each() -> None:
    assert text(Page("a\nStatus: approved", (Text("b"),))).splitlines()[0] == r"a\nStatus: approved"
    assert text(Table(("a",), (), caption="a\nb")).splitlines()[0] == r"a\nb"
    assert text(Code("a\nb", "c")).splitlines()[0] == text(Diff("a\nb", "c", "")).splitlines()[0] == r"a\nb"


def test_a_diff_shows_differences_between_texts_that_look_equal() -> None:
    assert Diff("d", "a\rb", "a\nb").lines == ["@@ -1 +1,2 @@", "-a\rb", "+a", "+b"]
    assert text(Diff("d", "a\x85b", "a\u2028b")).splitlines()[2:] == [r"  -a\u0085b", r"  +a\u2028b"]
