"""xacct-nb records: list, show, verify, sign, diff and export, as people and pipelines use them."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from xacct_nb.cli.main import main
from xacct_nb.records.model import Record
from xacct_nb.storage.chain import LEDGER
from xacct_nb.storage.ledger import append_record

FIRST, SECOND, THIRD = "20261124T101500Z-a-1f3a", "20261125T101500Z-b-2b4c", "20261126T101500Z-a-3c5d"


def a_record(run: str, **fields: Any) -> Record:
    started = f"{run[:4]}-{run[4:6]}-{run[6:8]}T10:15:00Z"
    usual = {"status": "succeeded", "parameters": {"name": run.split("-")[1]}}
    return Record(run, "plan_and_apply", started=started, ended="", seconds=1.0, **{**usual, **fields})


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three records of two grants, one of which failed; the folder is the usual one."""
    folder = tmp_path / "records"
    for run, status in ((FIRST, "succeeded"), (SECOND, "failed"), (THIRD, "succeeded")):
        append_record(folder, a_record(run, status=status), {"run.html": b"<!DOCTYPE html><p>page</p>"})
    monkeypatch.setenv("XACCT_RECORDS", str(folder))
    return folder


def told(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["records", *map(str, words)], catch_exceptions=False)


@pytest.mark.usefixtures("records")
class TestList:
    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ([], [FIRST, SECOND, THIRD]),
            (["--status", "failed"], [SECOND]),
            (["--grant", "a"], [FIRST, THIRD]),
            (["--grant", "a", "--limit", "1"], [THIRD]),
            (["--since", "2026-11-25"], [SECOND, THIRD]),
            (["--until", "2026-11-25"], [FIRST, SECOND]),
            (["--notebook", "roll_back"], []),
        ],
    )
    def test_it_shows_what_is_asked_for(self, words: list[str], found: list[str]) -> None:
        lines = json.loads(told("list", *words, "--json").stdout)["records"]

        assert [line["id"] for line in lines] == found

    def test_where_nothing_is_like_this_it_says_of_how_many(self) -> None:
        assert told("list", "--grant", "c").stdout == "None of 3 records matches.\n"

    def test_what_is_no_time_is_refused(self) -> None:
        refused = told("list", "--since", "yesterday")

        assert (refused.exit_code, refused.stdout) == (2, "")
        assert refused.stderr.splitlines()[0] == "invalid-parameters: since: 'yesterday' is not a time."


class TestDiff:
    def test_it_shows_what_differs(self, records: Path) -> None:
        spoken, printed = told("diff", FIRST, "2b4c"), told("diff", FIRST, "2b4c", "--json")

        assert re.search(r"^status +succeeded +failed$", spoken.stdout, re.MULTILINE)
        assert json.loads(printed.stdout)["parameters"] == {"name": {"first": "a", "second": "b"}}

    def test_a_missing_record_is_an_error(self, records: Path) -> None:
        assert told("diff", FIRST, "nothing").exit_code == 2


class TestVerify:
    def test_a_half_sealed_record_is_reported_and_a_repair_completes_it(self, records: Path) -> None:
        path, note = records / LEDGER, records / f".{LEDGER}.next"
        *before, last, _ = path.read_text().split("\n")
        path.write_text("\n".join(before) + "\n" + last[:40])
        note.write_text(json.dumps({"bundle": f".work/{THIRD}.bundle", "place": THIRD, "line": last}))
        before, planned = told("verify"), told("repair")
        mended, after = told("repair", "--yes", "--json"), told("verify")

        assert before.exit_code == 1
        assert f"{THIRD}: was being sealed when its process was killed." in before.stdout
        assert planned.stdout.endswith("Nothing was changed. To do this: xacct-nb records repair --yes\n")
        assert json.loads(mended.stdout)["runs"] == [
            f"{THIRD}: was being sealed when its process was killed; its line is complete now."
        ]
        assert (after.exit_code, after.stdout.splitlines()[0]) == (0, "3 records, all whole.")
        assert told("repair").stdout.startswith("Nothing to repair")

    def test_a_removed_end_is_found_by_the_hash_that_was_noted(self, records: Path) -> None:
        noted = json.loads(told("verify", "--json").stdout)["last"]
        shutil.rmtree(records / THIRD)
        path = records / LEDGER
        path.write_text("\n".join(path.read_text().split("\n")[:2]) + "\n")
        unnoticed, noticed = told("verify"), told("verify", "--expect", noted)

        assert unnoticed.exit_code == 0
        assert (noticed.exit_code, noticed.stdout) == (
            1,
            f"{LEDGER}: has no line of the hash {noted}: it was removed, or written anew\n",
        )

    @pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is missing")
    def test_it_is_signed_by_a_key_and_verified_by_its_public_half(
        self, records: Path, tmp_path: Path
    ) -> None:
        key, signers = tmp_path / "key", tmp_path / "signers"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        signers.write_text(f"ada@example.com {(tmp_path / 'key.pub').read_text()}")
        unsigned = told("verify", "--signers", signers)
        signed = told("sign", "--key", key)
        verified = told("verify", "--signers", signers)

        assert (unsigned.exit_code, signed.exit_code, verified.exit_code) == (1, 0, 0)
        assert signed.stdout == f"Signature: {records / THIRD}.sig\n"
        assert verified.stdout.endswith(f"Lines 1 to 3 of 3 ({THIRD}): signed by ada@example.com\n")


class TestExport:
    def test_it_writes_the_page_as_it_was_sealed(self, records: Path, tmp_path: Path) -> None:
        out = tmp_path / "change.html"
        written = told("export", FIRST, "-o", out)

        assert written.stdout == f"Written: {out}\n"
        assert out.read_bytes() == (records / FIRST / "run.html").read_bytes()

    def test_it_writes_over_nothing(self, records: Path, tmp_path: Path) -> None:
        (tmp_path / "mine.html").write_text("mine")
        refused = told("export", FIRST, "-o", tmp_path / "mine.html")

        assert refused.exit_code == 2
        assert (tmp_path / "mine.html").read_text() == "mine"

    def test_another_form_than_html_and_pdf_is_refused(self, records: Path) -> None:
        refused = told("export", FIRST, "-o", "change.docx")

        assert refused.stderr.splitlines()[1] == "Its name must end in .html or .pdf."

    def test_a_file_that_cannot_be_written_is_an_error(self, records: Path, tmp_path: Path) -> None:
        refused = told("export", FIRST, "-o", tmp_path / "no folder" / "change.html")

        assert (refused.exit_code, refused.stderr.splitlines()[1]) == (2, "No such file or directory")

    def test_a_record_that_was_changed_is_not_exported(self, records: Path, tmp_path: Path) -> None:
        (records / FIRST / "run.html").write_bytes(b"other")
        refused = told("export", FIRST, "-o", tmp_path / "change.html")

        assert refused.exit_code == 2
        assert f"{FIRST}/run.html: was changed" in refused.stderr
        assert not (tmp_path / "change.html").exists()

    def test_pdf_without_weasyprint_says_how_to_get_it(
        self, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "weasyprint", None)
        refused = told("export", FIRST, "-o", tmp_path / "change.pdf")

        assert refused.exit_code == 2
        assert refused.stderr.startswith("missing-tool: PDF needs WeasyPrint, which cannot be loaded.\n")
        assert "pip install 'xacct-nb[pdf]'" in refused.stderr
        assert not (tmp_path / "change.pdf").exists()

    def test_pdf_is_written_by_weasyprint_and_fetches_nothing(self, records: Path, tmp_path: Path) -> None:
        pytest.importorskip("weasyprint", reason="the extra pdf is not installed", exc_type=ImportError)
        page = b"<!DOCTYPE html><title>t</title><p>page</p><img src='http://127.0.0.1:9/x.png'>"
        append_record(records, a_record("20261127T101500Z-a-4d6e"), {"run.html": page})
        told("export", "4d6e", "-o", tmp_path / "change.pdf")

        assert (tmp_path / "change.pdf").read_bytes().startswith(b"%PDF-")
