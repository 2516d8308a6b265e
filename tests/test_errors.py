"""Errors say what happened, why, and what to do."""

import re

from xacct_nb import errors
from xacct_nb.errors import EXIT_CODES, InvalidGrant, XacctError, error_classes


def test_an_error_shows_what_why_and_what_to_do() -> None:
    error = InvalidGrant("The name is empty.", why="It names the policies.", hint="Give it a name.")

    assert str(error) == "The name is empty.\nIt names the policies.\nGive it a name."


def test_a_missing_part_leaves_no_empty_line() -> None:
    assert str(InvalidGrant("The name is empty.")) == "The name is empty."


def test_an_error_goes_to_json() -> None:
    error = InvalidGrant("The name is empty.", why="It names the policies.", hint="Give it a name.")

    assert error.to_json() == {
        "code": "invalid-grant",
        "what": "The name is empty.",
        "why": "It names the policies.",
        "hint": "Give it a name.",
    }


def test_jupyter_shows_the_error_without_a_stack() -> None:
    error = InvalidGrant("The name is empty.", hint="Give it a name.")

    assert error._render_traceback_() == ["invalid-grant: The name is empty.", "Give it a name."]


def test_text_from_aws_cannot_move_the_cursor_of_a_terminal() -> None:
    error = XacctError("AWS answered \x1b[2J\u202eevil")

    assert str(error) == "AWS answered \\u001b[2J\\u202eevil"
    assert error._render_traceback_() == ["failed: AWS answered \\u001b[2J\\u202eevil"]


def test_codes_are_in_kebab_case() -> None:
    codes = {kind.code for kind in error_classes().values()}

    assert all(code.replace("-", "").isalpha() and code.islower() for code in codes)


def test_the_code_of_an_error_is_the_name_of_its_class() -> None:
    own = {name: kind.code for name, kind in error_classes().items()}

    assert (own["InvalidArn"], own["OverQuota"], own["AwsRefused"]) == (
        "invalid-arn",
        "over-quota",
        "aws-refused",
    )
    assert (own["XacctError"], own["SandboxError"]) == ("failed", "sandbox-failed")


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in error_classes().values()]

    assert sorted(codes) == sorted(set(codes))


def test_every_status_has_an_exit_code() -> None:
    assert {kind.status for kind in error_classes().values()} <= set(EXIT_CODES)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    tree = (errors.__doc__ or "").partition("\n\n")[2].splitlines()
    drawn = [name for line in tree for name in re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", line)]

    assert sorted(drawn) == sorted(error_classes())
