"""Copies of the notebooks and docs: new, refreshed, and never over a file that the user changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from xacct_nb.errors import InvalidParameters, UnknownNotebook
from xacct_nb.runs import lab
from xacct_nb.storage import shipped
from xacct_nb.storage.shipped import copy_notebooks

PLAN, GLOSSARY = "notebooks/20_plan.ipynb", "docs/glossary.md"


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with one notebook and one doc, and what must not be copied."""
    folder = tmp_path / "installation"
    for name in (PLAN, GLOSSARY, "notebooks/.ipynb_checkpoints/20_plan.ipynb", "notebooks/notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("first")
    monkeypatch.setattr(shipped, "SHIPPED", folder)
    return folder


def test_a_first_copy_lays_notebooks_and_docs_and_nothing_else(tmp_path: Path) -> None:
    copied = copy_notebooks(tmp_path / "mine")
    files = {
        path.relative_to(copied.folder).as_posix() for path in copied.folder.rglob("*") if path.is_file()
    }

    assert copied.added == (PLAN, GLOSSARY)
    assert files == {PLAN, GLOSSARY, ".xacct-nb.json"}


def test_a_second_copy_changes_nothing(tmp_path: Path) -> None:
    copy_notebooks(tmp_path / "mine")
    again = copy_notebooks(tmp_path / "mine")

    assert again.unchanged == (PLAN, GLOSSARY)
    assert str(again) == f"Notebooks and docs in {tmp_path / 'mine'}: 0 new, 0 refreshed, 2 unchanged."


def test_a_newer_version_replaces_a_file_that_the_user_did_not_change(
    installation: Path, tmp_path: Path
) -> None:
    copy_notebooks(tmp_path / "mine")
    (installation / PLAN).write_text("second")
    again = copy_notebooks(tmp_path / "mine")

    assert (again.refreshed, again.unchanged) == ((PLAN,), (GLOSSARY,))
    assert (tmp_path / "mine" / PLAN).read_text() == "second"


def test_a_file_that_the_user_changed_is_kept_and_named_each_time(installation: Path, tmp_path: Path) -> None:
    copy_notebooks(tmp_path / "mine")
    (tmp_path / "mine" / PLAN).write_text("mine")
    (installation / PLAN).write_text("second")
    once, twice = copy_notebooks(tmp_path / "mine"), copy_notebooks(tmp_path / "mine")

    assert once.kept == twice.kept == (PLAN,)
    assert str(twice).endswith(f"\nKept, because it was changed: {PLAN}")
    assert (tmp_path / "mine" / PLAN).read_text() == "mine"


def test_a_file_that_was_there_before_the_first_copy_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mine" / "docs").mkdir(parents=True)
    (tmp_path / "mine" / GLOSSARY).write_text("of another project")

    assert copy_notebooks(tmp_path / "mine").kept == (GLOSSARY,)
    assert copy_notebooks(tmp_path / "mine").kept == (GLOSSARY,)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"docs/glossary.md": 1}', "[" * 100_000])
def test_without_a_readable_manifest_every_differing_file_counts_as_changed(
    tmp_path: Path, content: str
) -> None:
    copy_notebooks(tmp_path / "mine")
    (tmp_path / "mine" / GLOSSARY).write_text("changed")
    (tmp_path / "mine" / ".xacct-nb.json").write_text(content)

    assert copy_notebooks(tmp_path / "mine").kept == (GLOSSARY,)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("a file")

    with pytest.raises(InvalidParameters, match=r"The folder .*mine' cannot be used\."):
        copy_notebooks(tmp_path / "mine")


@pytest.mark.parametrize("prepare", [copy_notebooks, lambda folder: lab.prepare_lab(str(folder))])
def test_an_installation_without_notebooks_is_refused(
    installation: Path, tmp_path: Path, prepare: Callable[[Path], object]
) -> None:
    (installation / PLAN).unlink()

    with pytest.raises(UnknownNotebook, match="This installation has no notebooks"):
        prepare(tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_the_file_that_is_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine" / GLOSSARY).mkdir(parents=True)

    with pytest.raises(InvalidParameters) as refused:
        copy_notebooks(tmp_path / "mine")

    assert refused.value.why == f"Is a directory: {tmp_path / 'mine' / GLOSSARY}"


class TestLab:
    def test_a_clone_is_served_as_it_is(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        prepared = lab.prepare_lab("")

        assert prepared.copied is None
        assert prepared.start == prepared.root / "notebooks" / "00_start_here.ipynb"
        assert prepared.start.is_file()

    @pytest.mark.parametrize(("named", "folder"), [("", "xacct-nb"), ("mine", "mine")])
    def test_elsewhere_the_current_folder_is_served_with_a_copy_in_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str, folder: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(lab, "IS_CLONE", False)
        prepared = lab.prepare_lab(named)

        assert prepared.root == tmp_path
        assert prepared.start == tmp_path / folder / "notebooks" / "00_start_here.ipynb"
        assert (tmp_path / folder / GLOSSARY).is_file()

    def test_a_folder_elsewhere_is_served_itself(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")

        assert lab.prepare_lab(str(tmp_path / "there")).root == tmp_path / "there"

    def test_jupyterlab_asks_nothing_about_news_unless_an_option_wants_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commands = list[list[str]]()
        monkeypatch.setattr(lab.os, "execve", lambda path, command, variables: commands.append(command))
        lab.prepare_lab("").serve(["--LabApp.news_url=https://news.example.com"])
        news = [each for each in commands[0] if each.startswith("--LabApp.news_url=")]

        assert news == ["--LabApp.news_url=None", "--LabApp.news_url=https://news.example.com"]
