"""What a record holds, how it is sealed, and how tampering shows."""

import hashlib
import json
import re
from dataclasses import asdict
from typing import Any

import pytest

from support.examples import ALICE, a_grant
from xacct_nb.changes.approval import Approval
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import Outcome, Proof, expected_probes
from xacct_nb.errors import EXIT_CODES
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import State
from xacct_nb.records.change_record import change_record
from xacct_nb.records.history import History
from xacct_nb.records.model import Record, fields_from_events
from xacct_nb.records.outcome import CLOSURES
from xacct_nb.records.sealing import (
    FIRST_PREVIOUS,
    broken_links,
    broken_seals,
    digests_of,
    ledger_line,
    seal,
    text_hash,
)
from xacct_nb.views import Table, html, text

RUN = "20261124T101500Z-reports-plan_and_apply-1f3a"
PLAN = diff(build(a_grant()), State({}))
ENTRY = Entry("2026-11-24T10:15:00Z", "222222222222", "CreateRole", "role role/r", "made", "id-1", 0.25)
PROOF = Proof(tuple(Outcome(probe, probe.expected, ALICE) for probe in expected_probes(a_grant())))
FILES = {"record.json": b"{}", "run.html": b"<p>", "run.ipynb": b"[]"}
SUMS = seal(FILES)


def a_record(**fields: Any) -> Record:
    usual = {
        "id": RUN,
        "notebook": "plan_and_apply",
        "status": "succeeded",
        "started": "2026-11-24T10:15:00Z",
        "ended": "2026-11-24T10:15:04Z",
        "seconds": 4.25,
        "host": {"name": "desk", "user": "ada"},
        "where": "sandbox",
        "who": ({"part": "source", "account": "111111111111", "arn": ALICE, "profile": "alice"},),
        "parameters": {"name": "reports", "sources": [ALICE], "adopt": False},
        "plan": PLAN.to_json(),
        "approval": Approval(PLAN.digest, "ada", "2026-11-24T10:15:02Z").to_json(),
        "journal": Journal("reports", PLAN.changes, (ENTRY,)).to_json(),
        "proof": PROOF.to_json(),
        "state": {"before": [], "after": []},
    }
    return Record(**{**usual, **fields})


def chain(*records: Record) -> list[str]:
    lines, previous = list[str](), FIRST_PREVIOUS
    for record in records:
        lines.append(ledger_line(record, SUMS, previous))
        previous = text_hash(lines[-1])
    return lines


def test_a_record_goes_to_json_and_back() -> None:
    record = a_record()
    again = Record.from_json(json.loads(json.dumps(record.to_json())))

    assert again == record
    assert again.to_json() == record.to_json()


def test_a_record_names_its_schema_first() -> None:
    assert next(iter(a_record().to_json().items())) == ("schema", "xacct-nb/record/1")


def test_a_record_shows_what_an_auditor_asks_in_that_order() -> None:
    shown = str(a_record())
    titles = re.findall(r"^(.+)\n=+$", shown, re.MULTILINE)

    assert titles == [
        f"Record {RUN}",
        "Seal",
        "Plan for reports",
        "Risk",
        "Approval",
        "Journal",
        "Proof",
        "Back-out",
        "Sessions",
        "Parameters",
    ]
    assert f"approved plan  {PLAN.digest}\n" in shown


def test_page_one_says_where_how_it_ended_who_may_do_what_who_approved_and_what_was_proven() -> None:
    approval = {"digest": PLAN.digest, "by": "bob", "at": "2026-11-24T10:15:02Z"}
    record = a_record(approval={**approval, "ticket": "CHG-7", "note": "Agreed on Monday"})
    banner, outcome, table, *_ = str(record).split("\n\n")[1:]

    assert banner == "== SANDBOX ==\nada on desk"
    assert outcome == "succeeded. The access is applied and proven: AWS's answers are what the grant says."
    assert [re.split("  +", line)[0] for line in table.splitlines() if not line.startswith(" ")] == [
        "closure",
        "change",
        "approved by",
        "ticket",
        "note",
        "proven",
        "when",
    ]
    assert "bob at 2026-11-24T10:15:02Z" in table
    assert "of the calls had to be denied, and were." in table


def test_it_says_how_it_is_sealed_and_how_to_verify_that_without_this_tool() -> None:
    shown = text(change_record(a_record(), "ab" * 32))

    assert f"SHA-256 of record.json: {'ab' * 32}" in shown
    assert "sha256sum -c SHA256SUMS" in shown
    assert f"grep {RUN} ../ledger.jsonl" in shown


def test_a_record_shows_the_error_that_ended_the_run() -> None:
    error = {"code": "x", "what": "It broke.", "why": "It was old.", "hint": "Mend it."}
    shown = str(a_record(status="failed", error=error))

    assert re.findall(r"^(?:what went wrong|why|what to do) +(.+)$", shown, re.MULTILINE) == [
        "It broke.",
        "It was old.",
        "Mend it.",
    ]


def test_every_status_has_a_closure() -> None:
    assert sorted(CLOSURES) == sorted(EXIT_CODES)


def test_the_back_out_has_commands_to_copy_and_the_changes_they_make() -> None:
    who = (
        {"part": "source", "account": "111111111111", "arn": ALICE, "profile": "ops source"},
        {"part": "destination", "account": "222222222222", "arn": ALICE, "profile": "ops"},
    )
    in_the_sandbox, on_aws = (
        str(a_record(parameters={"records": "/srv/my records", "sandbox": sandbox}, who=who))
        for sandbox in (True, False)
    )
    command = f"  xacct-nb run roll_back -p record {RUN}"
    profiles = """-p source_profiles '["ops source"]' -p destination_profiles '["ops"]'"""

    assert f"{command} --records '/srv/my records'\n" in in_the_sandbox
    assert f"{command} --records '/srv/my records' --approve DIGEST\n" in in_the_sandbox
    assert f"{command} -p sandbox false {profiles} --records" in on_aws
    assert "-  111111111111  attachment xacct-reports on user/alice\n" in on_aws


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "planned", "journal": None}, "There is nothing to roll back."),
        ({"status": "rolled-back"}, "The run rolled back its own changes."),
    ],
)
def test_where_nothing_is_left_there_is_no_back_out(fields: dict[str, Any], words: str) -> None:
    shown = str(a_record(**fields))

    assert words in shown
    assert "roll_back" not in shown


def test_the_record_of_an_interrupted_run_shows_the_calls_that_were_made() -> None:
    entries = {"grant": "", "changes": [], "entries": [ENTRY.__dict__]}
    shown = str(a_record(status="kernel-died", journal=entries, proof=None))

    assert "interrupted: the kernel died" in shown
    assert "id-1" in shown
    assert f"xacct-nb run roll_back -p record {RUN}" in shown


def test_the_content_of_a_record_is_escaped_wherever_it_is_shown() -> None:
    hostile = "<script>alert(1)</script>\x1b[2J\u202e"
    record = a_record(
        notebook=hostile,
        where=hostile,
        host={"name": hostile, "user": hostile},
        parameters={"name": hostile, "sources": [hostile]},
        approval={"digest": hostile, "by": hostile, "at": hostile, "note": hostile, "ticket": hostile},
        findings=({"code": hostile, "severity": hostile, "where": hostile, "why": hostile, "mend": hostile},),
        error={"code": hostile, "what": hostile, "why": hostile, "hint": hostile},
        versions={hostile: hostile},
        git={"commit": hostile, "dirty": False},
        undoes=hostile,
    )

    assert "<script" not in html(record.view())
    assert not {"\x1b", "\u202e"} & set(html(record.view()) + str(record))


def test_a_record_of_a_run_that_did_nothing_shows_what_there_is() -> None:
    bare = a_record(plan=None, approval=None, journal=None, proof=None, who=())

    assert "No session was opened." in str(bare)
    assert bare.summary == ""


def test_events_become_the_fields_of_a_record() -> None:
    events = [
        {"kind": "parameters", "value": {"name": "reports"}},
        {"kind": "sessions", "value": [{"part": "source"}]},
        {"kind": "before", "value": []},
        {"kind": "plan", "value": {"digest": "old"}},
        {"kind": "plan", "value": {"digest": "new"}},
        {"kind": "status", "value": "planned"},
    ]

    assert fields_from_events(events) == {
        "parameters": {"name": "reports"},
        "plan": {"digest": "new"},
        "journal": None,
        "who": ({"part": "source"},),
        "state": {"before": []},
        "findings": (),
    }


def test_the_calls_of_an_interrupted_run_are_its_journal() -> None:
    made, next_call = asdict(ENTRY), asdict(ENTRY) | {"operation": "PutRolePolicy", "answer": ""}
    events = [{"kind": "entry", "value": value} for value in (made | {"answer": ""}, made, next_call)]

    assert fields_from_events(events)["journal"] == {"grant": "", "changes": [], "entries": [made, next_call]}


def test_the_whole_journal_is_used_where_there_is_one() -> None:
    whole = Journal("reports", PLAN.changes, (ENTRY,)).to_json()
    events = [{"kind": "entry", "value": asdict(ENTRY)}, {"kind": "journal", "value": whole}]

    assert fields_from_events(events)["journal"] == whole


def test_a_seal_reads_as_sha256sum_does() -> None:
    assert seal({"b": b"2", "a": b"1"}) == (
        f"{hashlib.sha256(b'1').hexdigest()}  a\n{hashlib.sha256(b'2').hexdigest()}  b\n"
    )


def test_a_seal_that_fits_is_not_broken() -> None:
    assert broken_seals(SUMS, digests_of(FILES)) == []


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({**FILES, "run.html": b"<p>!"}, "run.html: was changed"),
        ({"record.json": b"{}", "run.html": b"<p>"}, "run.ipynb: is missing"),
        ({**FILES, "notes.txt": b""}, "notes.txt: was added"),
    ],
)
def test_what_does_not_fit_the_seal_is_named(files: dict[str, bytes], what: str) -> None:
    assert broken_seals(SUMS, digests_of(files)) == [what]


def test_a_file_struck_out_of_the_seal_shows_as_added() -> None:
    assert broken_seals("\n".join(SUMS.splitlines()[1:]), digests_of(FILES)) == ["record.json: was added"]


def test_what_is_no_seal_names_every_file() -> None:
    assert broken_seals("garbage\n\n", digests_of(FILES)) == [f"{name}: was added" for name in sorted(FILES)]


def test_a_ledger_line_says_what_was_run() -> None:
    line = json.loads(ledger_line(a_record(), SUMS, FIRST_PREVIOUS))

    assert line == {
        "id": "20261124T101500Z-reports-plan_and_apply-1f3a",
        "status": "succeeded",
        "notebook": "plan_and_apply",
        "started": "2026-11-24T10:15:00Z",
        "grant": "reports",
        "digest": PLAN.digest,
        "summary": "Plan: 4 to add, 0 to change, 0 to destroy.",
        "seal": text_hash(SUMS),
        "previous": FIRST_PREVIOUS,
    }


def test_a_ledger_whose_lines_follow_is_not_broken() -> None:
    assert broken_links(chain(a_record(), a_record(), a_record())) == []


def test_an_empty_ledger_is_not_broken() -> None:
    assert broken_links([]) == []


def test_a_changed_line_breaks_the_next_one() -> None:
    lines = chain(a_record(), a_record(), a_record())
    lines[1] = lines[1].replace("succeeded", "failed")

    assert broken_links(lines) == [f"line 3 ({RUN}): does not follow from the line before"]


def test_a_line_that_says_the_same_in_other_bytes_was_changed() -> None:
    (line,) = chain(a_record())

    assert broken_links([line + " "]) == [f"line 1 ({RUN}): was changed"]


def test_a_removed_line_shows() -> None:
    first, _, third = chain(a_record(), a_record(id="x"), a_record())

    assert broken_links([first, third]) == [f"line 2 ({RUN}): does not follow from the line before"]


def test_two_lines_swapped_show() -> None:
    first, second = chain(a_record(), a_record(id="x"))

    assert broken_links([second, first]) == [
        "line 1 (x): was moved, it was written after line 2",
        f"line 2 ({RUN}): was moved, it was written as the first",
    ]


@pytest.mark.parametrize("line", ["", "garbage", "[]", "{}", '"text"', "5", "null"])
def test_what_is_no_ledger_line_is_named(line: str) -> None:
    assert broken_links([line]) == ["line 1: is not a ledger line"]


def test_the_ledger_shows_as_a_table() -> None:
    table = History([json.loads(line) for line in chain(a_record(), a_record(status="failed"))]).view()

    assert isinstance(table, Table)
    assert table.tones == ("good", "bad")
    assert "Plan: 4 to add, 0 to change, 0 to destroy." in text(table)


def test_the_ledger_says_where_a_run_acted_and_who_ran_it() -> None:
    line = json.loads(ledger_line(a_record(listed=("where", "by")), SUMS, FIRST_PREVIOUS))

    assert (line["where"], line["by"]) == ("sandbox", "ada")


def test_the_line_of_an_earlier_record_has_the_fields_of_its_time() -> None:
    assert {"where", "by"}.isdisjoint(json.loads(ledger_line(a_record(), SUMS, FIRST_PREVIOUS)))
