"""The documents are true: their code runs, their links have a target, their tables match the code."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.examples import a_grant
from xacct_nb.changes.decision_card import CardAccount, CardPlace, DecisionCard
from xacct_nb.errors import EXIT_CODES
from xacct_nb.grants.conditions import Conditions
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.grants.settings import RunFile, run_file_values

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
GUIDES = [README, *(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))]


def _blocks(language: str) -> list[str]:
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [block for text in GUIDES for block in pattern.findall(text)]


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with the README's grant file, and a sandbox of its own."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "grant.yaml").write_text(_blocks("yaml")[0])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "XACCT_"))
    } | {"XACCT_SANDBOX_DIR": str(folder / "sandbox"), "PATH": path}
    yield folder, environment
    subprocess.run(["xacct-nb", "sandbox", "down"], env=environment, check=False, capture_output=True)


def test_the_commands_of_the_change_run_as_they_stand(reader: tuple[Path, dict[str, str]]) -> None:
    folder, environment = reader
    plan, approve, after, explain = (block for block in _blocks("sh") if "xacct-nb run" in block)

    planned = _run(["bash", "-c", plan], folder, environment)
    digest = re.search(r"[0-9a-f]{64}", planned).group()  # type: ignore[union-attr]
    applied = _run(["bash", "-c", approve.replace("DIGEST", digest)], folder, environment)
    looked = _run(["bash", "-ec", after], folder, environment)
    explained = _run(["bash", "-c", explain], folder, environment)

    assert "Plan: 4 to add, 0 to change, 0 to destroy." in planned
    assert "The access is what the grant says." in applied
    assert "all whole" in looked
    assert "Plan: 0 to add, 0 to change, 4 to destroy." in looked
    assert {*re.findall(r":((?:user|role)/[a-z-]+)", explained)} == {"user/dev", "role/target"}


def test_the_python_runs_as_it_stands(reader: tuple[Path, dict[str, str]]) -> None:
    folder, environment = reader
    _run(["xacct-nb", "sandbox", "up"], folder, environment)
    _run(["xacct-nb", "sandbox", "reset"], folder, environment)
    exports = _run(["xacct-nb", "sandbox", "env"], folder, environment)
    variables = dict(line.removeprefix("export ").split("=", 1) for line in exports.splitlines())

    (block,) = (block for block in _blocks("python") if "open_sessions" in block)
    shown = _run([sys.executable, "-c", block], folder, environment | variables)

    assert "Trust policy of role/reports-reader" in shown


def test_the_decision_is_the_one_that_stands_there(reader: tuple[Path, dict[str, str]]) -> None:
    (code,) = (block for block in _blocks("python") if "print(decision)" in block)
    (said,) = (block for block in _blocks("text") if block.startswith("Denied"))

    assert said.strip() in _run([sys.executable, "-c", code], *reader)


def test_the_decision_with_an_unknown_key_is_as_it_stands_there(reader: tuple[Path, dict[str, str]]) -> None:
    (code,) = (block for block in _blocks("python") if "unknown_keys" in block)

    assert _run([sys.executable, "-c", f"{code}\nprint(decision.result)"], *reader) == "Unknown\n"


def test_the_sandbox_misbehaves_as_it_stands_there(reader: tuple[Path, dict[str, str]]) -> None:
    folder, environment = reader
    (block,) = (block for block in _blocks("sh") if "sandbox faults" in block)

    shown = _run(["bash", "-ec", block], folder, environment)

    assert "throttling" in shown
    assert "propagation" in shown


def test_the_sandbox_serves_the_aws_command_as_it_stands(reader: tuple[Path, dict[str, str]]) -> None:
    folder, environment = reader
    (block,) = (block for block in _blocks("sh") if "sandbox env" in block)

    shown = _run(["bash", "-ec", block], folder, environment)

    assert "arn:aws:iam::111111111111:user/alice" in shown


def test_the_demo_prints_what_the_page_on_a_change_shows(reader: tuple[Path, dict[str, str]]) -> None:
    folder, environment = reader
    (block,) = (block for block in _blocks("text") if block.startswith("Plan for"))

    printed = _run(["xacct-nb", "demo"], folder, environment)

    assert _without_the_moment(block) in _without_the_moment(printed)


def test_the_decision_card_stands_on_the_page_on_a_change_as_it_is_shown() -> None:
    (block,) = (block for block in _blocks("text") if block.startswith("Decision"))
    accounts = (
        CardAccount("source", "111111111111", caller="arn:aws:iam::111111111111:user/admin"),
        CardAccount("destination", "222222222222", caller="arn:aws:iam::222222222222:user/admin"),
    )
    place = CardPlace("sandbox", accounts, "ada")
    digest, command = block.split()[-1], block.strip().splitlines()[-1].strip()
    sentences, summary = access_sentences(a_grant()), "Plan: 4 to add, 0 to change, 0 to destroy."
    rules = ("It is valid for one change, within 24 hours of the plan.",)
    card = DecisionCard(
        sentences, (), place, (), "ada", "", None, digest, summary, rules=rules, command=command
    )

    assert block.strip() == str(card)


def test_the_page_on_a_change_names_every_notebook() -> None:
    page = (ROOT / "docs" / "change.md").read_text()

    assert re.findall(r"^\| \[(\w+)\]", page, re.MULTILINE) == sorted(
        path.stem for path in (ROOT / "notebooks").glob("*.ipynb")
    )


def _without_the_moment(text: str) -> str:
    """The text without times, request ids and the record's id and path."""
    timeless = re.sub(r"\d\d:\d\d:\d\d|\d+\.\d\d s|[0-9a-f]{8}-[0-9a-f-]{27}", "", text)
    return re.sub(r"Record: .*", "Record:", timeless).strip()


def test_the_exit_codes_are_those_of_the_code() -> None:
    text = (ROOT / "docs" / "change.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.*?) \|$", text, re.MULTILINE)
    told = {status: int(code) for code, statuses in rows for status in re.findall(r"`([a-z-]+)`", statuses)}

    assert told == EXIT_CODES


def test_the_grant_files_page_names_every_field_of_a_run_file() -> None:
    page = (ROOT / "docs" / "grant-file.md").read_text().partition("\n## The run file")[2]
    shown = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])

    assert [name for name in RunFile.model_fields if f"`{name}`" not in page] == []
    assert run_file_values("run.yaml", shown) == shown


def test_the_grant_files_page_names_every_field_of_a_grant_and_of_its_conditions() -> None:
    page = (ROOT / "docs" / "grant-file.md").read_text()
    fields = [*Grant.model_fields, *Conditions.model_fields]

    assert [name for name in fields if f"`{name}`" not in page] == []


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len(README.splitlines()) <= 150


def test_the_architecture_is_one_page_without_long_lines() -> None:
    lines = (ROOT / "docs" / "architecture.md").read_text().splitlines()

    assert [line for line in lines if len(line) > 120] == []
    assert len(lines) <= 120


def test_a_module_that_the_architecture_names_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`((?!tests/)[a-z_]+(?:/[a-z_]+)+\.py)`", text))

    assert len(named) > 30
    assert [name for name in sorted(named) if not (ROOT / "xacct_nb" / name).is_file()] == []


def test_every_folder_of_the_package_is_on_the_architectures_page() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    folders = [path.parent.name for path in (ROOT / "xacct_nb").glob("*/__init__.py")]

    assert [folder for folder in folders if f"`{folder}/`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)?(?:#[\w-]+)?\)", page.read_text())
    broken = [link for link in links if link and "://" not in link and not (page.parent / link).exists()]

    assert broken == []


def test_every_term_that_a_page_links_to_is_in_the_glossary() -> None:
    headings = re.findall(r"^### (.+)$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    texts = [path.read_text() for path in [*PAGES, *ROOT.glob("notebooks/*.ipynb")]]

    assert {anchor for text in texts for anchor in re.findall(r"glossary\.md#([\w-]+)", text)} <= anchors
