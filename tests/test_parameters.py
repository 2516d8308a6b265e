"""A notebook's parameters: declared in a cell, given as text or data, validated before anything runs."""

from typing import Any

import pytest

from support.examples import ALICE, ROLE
from xacct_nb.errors import InvalidGrant, InvalidParameters
from xacct_nb.grants.declarations import parse_declarations
from xacct_nb.grants.parameters import accepted_parameters, merge, validate, without_secrets
from xacct_nb.grants.settings import settings_of

CELL = """
name: str = "reports"  # names the policies and the tags
sources: list = ["arn:aws:iam::111111111111:user/alice"]  # who may
destinations: list = ["arn:aws:iam::222222222222:role/reports-reader"]
session_minutes: int = 60  # how long
sandbox: bool = True  # where
share: float = 0.5
"""
KNOWN = accepted_parameters(parse_declarations(CELL))


def parameters_from(*options: tuple[str, str], **fields: Any) -> dict[str, Any]:
    return merge(KNOWN, fields, options)


def test_a_cell_declares_names_types_defaults_and_help() -> None:
    parameter = parse_declarations(CELL)["name"]

    assert (parameter.name, parameter.type, parameter.default, parameter.help) == (
        *("name", "str", "reports"),
        "names the policies and the tags",
    )


def test_a_parameter_may_have_no_help() -> None:
    assert parse_declarations(CELL)["destinations"].help == ""


def test_the_type_of_a_lists_items_is_ignored() -> None:
    assert parse_declarations('names: list[str] = ["a"]')["names"].type == "list"


@pytest.mark.parametrize(
    "line", ["x = 5", "x: int", "import os", "x: int = 5 +", "x: list = sorted([1])", "x.y: int = 5"]
)
def test_a_line_that_is_no_declaration_is_refused(line: str) -> None:
    with pytest.raises(InvalidParameters) as refusal:
        parse_declarations(f"name: str = ''\n{line}")

    assert refusal.value.what == "Line 2 of the parameters cell is no declaration."
    assert refusal.value.why.startswith("A line reads name: type = default  # help")


def test_a_notebook_with_sources_takes_every_field_of_a_grant() -> None:
    assert {"permissions_boundary", "accept", "conditions", "approve"} <= set(KNOWN)


def test_a_notebook_without_sources_takes_the_settings_only() -> None:
    known = accepted_parameters(parse_declarations('record: str = ""'))

    assert "records" in known
    assert "sources" not in known


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("name", "payroll", "payroll"),
        ("name", "007", "007"),
        ("session_minutes", "90", 90),
        ("sandbox", "false", False),
        ("sandbox", "No", False),
        ("sandbox", "1", True),
        ("share", "0.25", 0.25),
        ("share", "1", 1),
        ("sources", ALICE, [ALICE]),
        ("sources", f'["{ALICE}", "333333333333"]', [ALICE, "333333333333"]),
        ("sources", "333333333333", ["333333333333"]),
        ("conditions", '{"require_mfa": true}', {"require_mfa": True}),
        ("accept", "whole-account-trust", ["whole-account-trust"]),
    ],
)
def test_text_is_read_as_the_declared_type(name: str, text: str, value: Any) -> None:
    assert parameters_from((name, text))[name] == value


def test_a_list_is_given_one_item_at_a_time() -> None:
    assert parameters_from(("sources", ALICE), ("sources", "333333333333"))["sources"] == [
        ALICE,
        "333333333333",
    ]


def test_a_list_that_is_given_replaces_that_of_the_file() -> None:
    assert parameters_from(("sources", "333333333333"), sources=[ALICE])["sources"] == ["333333333333"]


def test_a_dotted_name_sets_one_field_of_a_mapping() -> None:
    values = parameters_from(("conditions.require_mfa", "true"), conditions={"external_id": "env:X"})

    assert values["conditions"] == {"external_id": "env:X", "require_mfa": True}


def test_a_dotted_name_needs_no_mapping_that_is_there_already() -> None:
    values = parameters_from(("conditions.external_id", "env:X"), ("conditions.source_ips", '["10.0.0.0/8"]'))

    assert values["conditions"] == {"external_id": "env:X", "source_ips": ["10.0.0.0/8"]}


def test_a_dotted_name_of_what_has_no_fields_is_refused() -> None:
    with pytest.raises(InvalidParameters, match=r"There is no parameter 'sources\.first'"):
        parameters_from(("sources.first", ALICE))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("session_minutes", "long"),
        ("sandbox", "maybe"),
        ("sources", "[1"),
        ("conditions", "x"),
        ("sandbox", "2"),
    ],
)
def test_text_of_another_type_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidParameters, match=f"{name}: .* is not of the type"):
        parameters_from((name, text))


@pytest.mark.parametrize(
    "fields",
    [{"session_minutes": "60"}, {"session_minutes": True}, {"sources": ALICE}, {"sandbox": 1}, {"name": 5}],
)
def test_data_of_another_type_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters, match=f"{next(iter(fields))}: .* is not of the type"):
        parameters_from(**fields)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            ("session_minutes", text)
            for text in ("60.0", "1e3", " 60", "0x10", "1_000", "010", "+60", "", "٦٠")
        ),
        *(("session_minutes", text) for text in ("true", "null", "60;", "6" * 5000)),
        *(("share", text) for text in ("NaN", "Infinity", "0x1", ".5", "true", "1" * 5000)),
        *(("sandbox", text) for text in ("", " true", "null", "on", "10")),
        *(("sources", text) for text in ("[012345678901]", "[NaN]", "[1,]", "[" * 100_000)),
        *(("conditions", text) for text in ("", "[]", "true", "env:X")),
    ],
)
def test_no_other_reading_of_a_text_is_tried(name: str, text: str) -> None:
    with pytest.raises(InvalidParameters, match=f"^{name}: .* is not of the type") as refusal:
        parameters_from((name, text))

    assert refusal.value.hint
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("value", ["a=b", "-x", "--approve", "@file", "a\nb", " "])
def test_a_text_is_kept_as_it_is(value: str) -> None:
    assert parameters_from(("note", value))["note"] == value


@pytest.mark.parametrize(
    ("name", "shown", "meant"),
    [
        ("source", "'source'", "Did you mean sources? "),
        ("source-profiles", "'source-profiles'", "Did you mean source_profiles? "),
        ("SANDBOX", "'SANDBOX'", "Did you mean sandbox? "),
        ("require_mfa", "'require_mfa'", "Did you mean conditions.require_mfa? "),
        ("conditions.require_mfaa", "'conditions.require_mfaa'", "Did you mean conditions.require_mfa? "),
        ("\u0455ources", r"'\u0455ources'", "Did you mean sources? "),
        ("\uff53ources", r"'\uff53ources'", "Did you mean sources? "),
        ("sources\n", r"'sources\n'", "Did you mean sources? "),
        ("sources=arn", "'sources=...'", "Did you mean -p sources VALUE? "),
        ('__import__("os")', """'__import__("os")'""", ""),
        ("a;b", "'a;b'", ""),
        ("", "''", ""),
        ("x" * 100_000, f"'{'x' * 80}'", ""),
    ],
)
def test_an_unknown_name_is_refused_with_the_one_that_is_meant(name: str, shown: str, meant: str) -> None:
    with pytest.raises(InvalidParameters) as refusal:
        parameters_from((name, ALICE))

    assert refusal.value.what == f"There is no parameter {shown}."
    assert refusal.value.hint.startswith(f"{meant}Known parameters: name, sources, destinations, ")


def test_what_follows_an_equals_sign_may_be_a_secret_and_is_not_quoted() -> None:
    with pytest.raises(InvalidParameters) as refusal:
        parameters_from(("conditions.external_id=hunter2-hunter2", "-p"))

    assert "hunter2" not in str(refusal.value)
    assert "Did you mean -p conditions.external_id VALUE?" in refusal.value.hint


@pytest.mark.parametrize(
    "options",
    [
        [("name", "a"), ("name", "b")],
        [("approve", "0" * 64), ("approve", "1" * 64)],
        [("sandbox", "true"), ("sandbox", "false")],
        [("conditions.require_mfa", "true"), ("conditions.require_mfa", "false")],
        [("conditions.require_mfa", "true"), ("conditions", "{}")],
    ],
)
def test_a_value_that_is_given_twice_is_refused(options: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidParameters, match=f"{options[1][0]} is given twice"):
        parameters_from(*options)


def test_the_same_twice_and_a_field_after_its_mapping_are_no_contradiction() -> None:
    whole, field = ("conditions", '{"require_mfa": true}'), ("conditions.external_id", "env:X")
    values = parameters_from(("name", "a"), ("name", "a"), whole, field)

    assert values == {"name": "a", "conditions": {"require_mfa": True, "external_id": "env:X"}}


def test_lists_of_json_add_up_too() -> None:
    assert parameters_from(("sources", '["a", "b"]'), ("sources", "c"), ("sources", '["d"]'))["sources"] == [
        *"abcd"
    ]


def test_a_field_that_json_has_twice_is_refused() -> None:
    with pytest.raises(InvalidParameters, match="The field 'require_mfa' is given twice"):
        parameters_from(("conditions", '{"require_mfa": true, "require_mfa": false}'))


@pytest.mark.parametrize(("name", "text"), [("sources", ""), ("caller_profiles", '["alice", ""]')])
def test_an_empty_item_is_refused_with_the_way_to_write_an_empty_list(name: str, text: str) -> None:
    with pytest.raises(InvalidParameters, match=f"{name}: an item is empty") as refusal:
        parameters_from((name, text))

    assert refusal.value.hint.endswith(f"-p {name} '[]'")
    assert parameters_from((name, "[]"))[name] == []


@pytest.mark.parametrize("name", ["external_id", "organization_id", "require_mfa", "source_ips"])
def test_an_empty_condition_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameters, match=f"conditions.{name} is empty"):
        parameters_from((f"conditions.{name}", ""), conditions={"external_id": "env:X"})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("conditions.require_mfa", "Yes", True),
        ("conditions.source_ips", "10.0.0.0/8", ["10.0.0.0/8"]),
        ("conditions.session_tags", '{"team": "a"}', {"team": "a"}),
        ("conditions.external_id", "true", "true"),
        ("conditions.external_id", "[a]", "[a]"),
    ],
)
def test_a_field_of_the_conditions_has_its_type_of_the_model(name: str, text: str, value: Any) -> None:
    assert parameters_from((name, text))["conditions"] == {name.partition(".")[2]: value}


def test_a_field_of_a_mapping_without_a_model_is_json_or_text() -> None:
    known = accepted_parameters(parse_declarations('error_text: str = ""\ncall: dict = {}'))
    options = [("call.DurationSeconds", "900"), ("call.Tags", '[{"Key": "a"}]'), ("call.Policy", "{a")]

    assert merge(known, {}, options)["call"] == {
        "DurationSeconds": "900", "Tags": [{"Key": "a"}], "Policy": "{a",
    }  # fmt: skip


def test_what_belongs_to_the_question_of_another_notebook_is_no_setting() -> None:
    with pytest.raises(InvalidParameters, match="There is no parameter 'error_text'"):
        parameters_from(("error_text", "AccessDenied"))


def test_an_unknown_field_of_a_file_is_refused() -> None:
    with pytest.raises(InvalidParameters, match="There is no parameter 'source'") as refusal:
        parameters_from(source=ALICE)

    assert refusal.value.hint.startswith("Did you mean sources?")


def test_a_dotted_name_is_no_field_of_a_file() -> None:
    with pytest.raises(InvalidParameters, match=r"There is no parameter 'conditions\.require_mfa'"):
        parameters_from(**{"conditions.require_mfa": True})


def test_the_defaults_of_the_cell_make_a_grant() -> None:
    grant = validate(KNOWN, {})

    assert grant is not None
    assert (grant.name, grant.sources, grant.destinations) == ("reports", (ALICE,), (ROLE,))


def test_a_bad_grant_is_refused() -> None:
    with pytest.raises(InvalidGrant, match="session_minutes: 5 is too small"):
        validate(KNOWN, {"session_minutes": 5})


def test_a_notebook_without_sources_has_no_grant() -> None:
    assert validate(accepted_parameters(parse_declarations('record: str = ""')), {}) is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sandbox": "yes"}, "sandbox: 'yes' is neither true nor false"),
        ({"patience_seconds": -1}, "patience_seconds: -1 is too small: at least 0"),
        ({"patience_seconds": 901}, "patience_seconds: 901 is too large: at most 900"),
        ({"source_profiles": "admin"}, "source_profiles: 'admin' is not a list"),
        ({"caller_profiles": [5]}, "caller_profiles.0: 5 is not text"),
    ],
)
def test_a_bad_setting_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParameters) as refusal:
        settings_of(values)

    assert words in refusal.value.what
    assert refusal.value.hint


def test_settings_leave_other_names_out() -> None:
    assert settings_of({"sandbox": False, "sources": [ALICE], "something": 1}).sandbox is False


def test_the_external_id_itself_is_no_setting_and_is_not_quoted() -> None:
    with pytest.raises(InvalidParameters, match="external_id is the external ID itself") as refusal:
        settings_of({"external_id": "hunter2-hunter2"})

    assert "hunter2" not in str(refusal.value)


def test_a_reference_to_the_external_id_is_a_setting() -> None:
    assert settings_of({"external_id": "env:PARTNER_ID"}).external_id == "env:PARTNER_ID"


def test_a_value_of_the_wrong_type_in_conditions_is_not_quoted() -> None:
    with pytest.raises(InvalidParameters) as refusal:
        parameters_from(conditions="hunter2-hunter2")

    assert "hunter2" not in str(refusal.value)


def test_an_external_id_is_replaced_by_a_reference() -> None:
    values = {"name": "reports", "conditions": {"external_id": "hunter2-hunter2", "require_mfa": True}}

    assert without_secrets(values) == (
        {"name": "reports", "conditions": {"external_id": "env:XACCT_EXTERNAL_ID", "require_mfa": True}},
        "hunter2-hunter2",
    )


@pytest.mark.parametrize("conditions", [{}, None, {"external_id": "env:X"}, {"external_id": "file:/x"}])
def test_without_an_external_id_the_values_stay(conditions: Any) -> None:
    assert without_secrets({"conditions": conditions}) == ({"conditions": conditions}, "")
