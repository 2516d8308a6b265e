"""The help page of a notebook: every parameter with its type, default and help, from the models."""

from pathlib import Path

import pytest

from support.desk import notebook
from xacct_nb.grants.conditions import Conditions, Permission
from xacct_nb.grants.declarations import parse_declarations
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.help import NotebookHelp, notebook_help
from xacct_nb.grants.settings import Settings
from xacct_nb.runs.notebooks import list_notebooks, notebook_manual
from xacct_nb.views import html

CELL = """
name: str = "reports"  # names the policies
sources: list = ["arn:aws:iam::111111111111:user/alice", "333333333333"]  # who
destinations: list = []  # roles
sandbox: bool = True  # where
speed: float = 0.5  # own
record: str = ""  # which
external_id: str = ""  # found
"""


def rows(shown: NotebookHelp) -> dict[str, tuple[str, ...]]:
    """The first lines of the table's rows, in words, by the name of the parameter."""
    table = str(shown).partition("Parameters\n")[2].partition("\n\n")[0].splitlines()[2:]
    return {line.split()[0]: tuple(line.split()[1:]) for line in table if not line.startswith(" ")}


def a_manual(cell: str = CELL) -> NotebookHelp:
    return notebook_help("mine", [], parse_declarations(cell))


@pytest.mark.parametrize("model", [Grant, Conditions, Permission, Settings])
def test_every_field_says_what_it_is_also_in_the_schema_that_editors_complete_from(
    model: type[Grant | Conditions | Permission | Settings],
) -> None:
    fields = model.model_json_schema()["properties"]

    assert [name for name, field in fields.items() if not field.get("description")] == []


@pytest.mark.parametrize("path", list_notebooks(), ids=lambda path: path.stem)
def test_the_help_of_every_notebook_describes_each_parameter(path: Path) -> None:
    found = notebook_manual(str(path))

    assert found.title != found.name
    assert found.about.endswith(".")
    assert [each.name for each in found.parameters() if not each.help] == []
    assert set(rows(found)) == {each.name for each in found.parameters()}


def test_the_fields_of_the_grant_come_first_with_those_of_its_conditions_and_then_the_settings() -> None:
    names = list(rows(a_manual()))
    place = names.index("conditions")

    assert names[:2] == ["name", "sources"]
    assert names[place + 1 : place + 3] == ["conditions.external_id", "conditions.require_mfa"]
    assert names.index("accept") < names.index("sandbox") < names.index("patience_seconds")
    assert "external_id" not in names


def test_a_row_has_type_default_and_help_of_the_notebook_or_else_of_the_model() -> None:
    shown = rows(a_manual())

    assert shown["name"] == ("str", "reports", "names", "the", "policies")
    assert shown["session_minutes"][:2] == ("int", "60")
    assert shown["sandbox"] == ("bool", "true", "where")
    assert shown["speed"] == ("float", "0.5", "own")
    assert shown["conditions.external_id"][0] == "reference"
    assert "arn:aws:iam::111111111111:user/alice" in shown["sources"]


def test_a_parameter_that_is_only_a_reference_says_so() -> None:
    found = a_manual('record: str = ""\nexternal_id: str = ""  # of before')

    assert rows(found)["external_id"] == ("reference", "of", "before")
    assert "-p external_id env:NAME" in str(found)


def test_each_type_is_shown_as_the_command_line_takes_it() -> None:
    shown = str(a_manual())

    for words in ("-p name VALUE", "-p sources ITEM", "-p conditions JSON", "-p session_minutes NUMBER"):
        assert f"\n{words} " in shown
    assert "-p conditions.FIELD VALUE" in shown
    assert "the notebook's example grant is ignored" in shown


def test_title_and_first_paragraph_are_shown_without_markup() -> None:
    text = "# Let **in**\n\nIt asks [AWS](x.md) `now`.\nTwice. As here:\n\n```text\nno\n```"
    found = notebook_help("mine", [{"cell_type": "markdown", "source": text}], {})

    assert (found.title, found.about) == ("Let in", "It asks AWS now. Twice.")


@pytest.mark.parametrize("text", ["", "no heading", "## lower"])
def test_a_notebook_without_a_title_is_shown_by_its_name(text: str) -> None:
    found = notebook_help("mine", [{"cell_type": "markdown", "source": text}], {})

    assert (found.title, found.about) == ("mine", "")


def test_what_a_notebook_says_of_itself_is_escaped() -> None:
    hostile = "<script>\x1b[2J"
    shown = notebook_help("mine", [{"cell_type": "markdown", "source": f"# {hostile}\n\n{hostile}"}], {})

    assert "<script>" not in html(shown.view())
    assert "\x1b" not in str(shown)


def test_a_notebook_of_ones_own_has_a_manual_by_its_path(tmp_path: Path) -> None:
    path = notebook(tmp_path / "mine.ipynb", 'partner: str = "acme"  # who')

    assert rows(notebook_manual(path))["partner"] == ("str", "acme", "who")
