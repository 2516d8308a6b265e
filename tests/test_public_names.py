"""The public names are there, in the order of the path, and cost nothing before they are used."""

import subprocess
import sys

import pytest

import xacct_nb as xa

CONTRACT = [
    "Grant",
    "apply",
    "build",
    "cli_profile",
    "diagnose",
    "diff",
    "evaluate",
    "from_parameters",
    "hand_over",
    "lint",
    "load_grant",
    "open_sessions",
    "prove",
    "read",
    "record",
    "rollback",
    "session",
    "switch_role_url",
    "verify_records",
]


@pytest.mark.parametrize("name", CONTRACT)
def test_a_name_of_the_public_interface_is_there(name: str) -> None:
    assert callable(getattr(xa, name))


def test_every_public_name_can_be_loaded() -> None:
    assert [name for name in xa.__all__ if not hasattr(xa, name)] == []


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = xa.nonsense


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "boto3", "botocore", "papermill", "ipywidgets", "nbconvert", "pydantic", "jinja2"
    code = f"import sys, xacct_nb; print([name for name in {heavy} if name in sys.modules])"

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert shown.strip() == "[]"


def test_looking_at_the_command_line_loads_nothing_heavy() -> None:
    heavy = "boto3", "papermill", "ipywidgets", "nbconvert", "pydantic"
    code = f"import sys, xacct_nb.cli.main; print([name for name in {heavy} if name in sys.modules])"

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert shown.strip() == "[]"


def test_no_module_shares_its_name_with_a_public_function() -> None:
    modules = {module.rpartition(".")[2] for module in xa._PUBLIC.values()}

    assert modules & set(xa.__all__) == set()
