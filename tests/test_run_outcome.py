"""How a run ends: which error decides, and what a failed proof says."""

import json
from pathlib import Path

import pytest

from support.examples import ALICE, a_grant
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import ALLOWED, DENIED, NOT_ASKED, Outcome, Proof, expected_probes
from xacct_nb.errors import InvalidArn, InvalidInput, ProofFailed, RolledBack, StalePlan
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import State
from xacct_nb.iam.arns import parse_iam
from xacct_nb.runs.outcome import (
    RunSummary,
    deciding_error,
    error_to_dict,
    is_from_package,
    not_proven,
    proof_failed,
    status_of_error,
)

GRANT = a_grant()
NOTHING, EVERYTHING = Plan("reports", ()), diff(build(GRANT), State({}))


def answered(**answers: str) -> Proof:
    """What was expected, but for the kinds of probe that are named."""
    return Proof(
        tuple(
            Outcome(probe, answers.get(probe.kind, probe.expected), ALICE) for probe in expected_probes(GRANT)
        )
    )


class TestSummary:
    def test_in_the_lab_it_links_to_the_record_from_where_the_notebook_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "notebooks").mkdir()
        monkeypatch.chdir(tmp_path / "notebooks")
        monkeypatch.setenv("XACCT_LAB", str(tmp_path))
        shown = RunSummary("succeeded", "a b", str(tmp_path / "records" / "a b"))._repr_html_()

        assert '<a href="../records/a%20b/run.html">Open the record</a>' in shown

    def test_a_kernel_of_another_server_finds_what_that_server_serves(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
        monkeypatch.setenv("JPY_PARENT_PID", "77")
        (tmp_path / "runtime").mkdir()
        (tmp_path / "runtime" / "jpserver-77.json").write_text(json.dumps({"root_dir": str(tmp_path)}))
        inside, outside = (RunSummary("succeeded", "a", str(tmp_path / each)) for each in ("a", "../a"))

        assert '<a href="a/run.html">Open the record</a>' in inside._repr_html_()
        assert "<a " not in outside._repr_html_()

    def test_the_page_of_voila_has_the_files_at_an_address_of_their_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XACCT_LAB", str(tmp_path))
        monkeypatch.setenv("VOILA_BASE_URL", "/here/")
        shown = RunSummary("succeeded", "a", str(tmp_path / "records" / "a b"))._repr_html_()

        assert '<a href="/here/files/records/a%20b/run.html" target="_blank" rel="noopener">' in shown

    @pytest.mark.parametrize("served", ["", "notebooks"])
    def test_it_links_to_no_record_that_is_not_served(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: str
    ) -> None:
        monkeypatch.setenv("XACCT_LAB", served and str(tmp_path / served))

        assert "<a " not in RunSummary("succeeded", "a", str(tmp_path / "records" / "a"))._repr_html_()
        assert "<a " not in RunSummary("succeeded", "a", "")._repr_html_()


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (StalePlan("x"), "stale-plan"),
        (InvalidArn("x"), "invalid-parameters"),
        (ValueError("x"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(0), "failed"),
    ],
)
def test_every_error_has_its_status(problem: BaseException, status: str) -> None:
    assert status_of_error(problem) == status


def test_an_error_of_ours_is_whole_and_another_has_its_name() -> None:
    assert error_to_dict(InvalidInput("It is.", why="So.", hint="Do.")) == {
        "code": "invalid-input", "what": "It is.", "why": "So.", "hint": "Do.",
    }  # fmt: skip
    assert error_to_dict(ValueError("no")) == {"code": "ValueError", "what": "no", "why": "", "hint": ""}


def test_only_an_error_that_came_out_of_the_package_concerns_the_run() -> None:
    try:
        parse_iam("no arn")
    except InvalidArn as problem:
        ours = problem
    try:
        int("no number")
    except ValueError as problem:
        theirs = problem

    assert is_from_package(ours)
    assert not is_from_package(theirs)


def test_the_last_error_decides() -> None:
    first, last = InvalidInput("x"), RolledBack("y")

    assert deciding_error([first, last], changed=False) is last
    assert deciding_error([last, first], changed=False) is first
    assert deciding_error([], changed=False) is None


def test_after_a_change_an_error_that_changed_nothing_does_not_count() -> None:
    failed = ProofFailed("x")

    assert deciding_error([failed, StalePlan("y"), InvalidInput("z")], changed=True) is failed
    assert deciding_error([StalePlan("y")], changed=True) is None


def test_a_proof_that_failed_names_each_side_that_lacks_something() -> None:
    problem = proof_failed(GRANT, EVERYTHING, answered(), "xacct-nb run plan_and_apply -f a.yaml")

    assert problem.status == "proof-failed"
    assert "destination side, account 222222222222" in problem.why
    assert "source side, account 111111111111" in problem.why
    assert problem.hint == (
        "If the grant is right, plan it again and apply it: xacct-nb run plan_and_apply -f a.yaml"
    )


def test_a_proof_that_failed_quotes_the_answers_that_were_not_expected() -> None:
    problem = proof_failed(GRANT, NOTHING, answered(assume=DENIED), "")

    assert problem.why.endswith(f"expected {ALLOWED}, AWS returned {DENIED}")
    assert problem.why.startswith(f"{ALICE}: ")
    assert problem.hint == "Read the unexpected answers in the proof."


def test_a_proof_without_any_call_names_the_missing_profiles() -> None:
    nobody = Proof(tuple(Outcome(probe, NOT_ASKED) for probe in expected_probes(GRANT)))
    problem = not_proven(nobody)

    assert problem.status == "not-proven"
    assert problem.why == (
        "assume reports-reader, s3:GetObject reports/*, by user/alice through role/reports-reader. "
        "The call was not made."
    )
    assert "name it in caller_profiles and prove the access: xacct-nb run" in problem.hint


def test_a_proof_that_was_not_asked_says_how_to_ask_it() -> None:
    problem = not_proven(None)

    assert problem.what == "The access is not proven: the proof was not asked."
    assert problem.hint == "Ask for it: xacct-nb run prove_the_access -f GRANT"
