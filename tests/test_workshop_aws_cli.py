"""Answers of the workshop by the AWS CLI in a terminal, with the line that the sheet shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.views import text
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.sheets import sheet_named

CALLER = """\
aws iam put-user-policy --profile source-admin --user-name alice --policy-name reads --policy-document \
'{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "%s"}]}'
"""
TRUST = """\
aws iam create-role --profile destination-admin --role-name reports-reader --assume-role-policy-document \
'{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "%s"}}
]}'
"""


@pytest.fixture
def sheet(sandbox: Sandbox, tmp_path: Path) -> OpenSheet:
    return OpenSheet(sheet_named("two_policies"), "ann", tmp_path / "ann", sandbox)


def run(sheet: OpenSheet, command: str) -> None:
    """Run a command in a shell that has the sheet's line and no other setting of AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    script = f"{sheet.shell_line}\n{command}"
    done = subprocess.run(
        ["bash", "-ec", script], env=kept | {"PATH": path}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_the_first_two_exercises_are_solved_by_the_aws_cli(sheet: OpenSheet) -> None:
    assert sheet.shell_line in text(sheet.view())
    run(sheet, CALLER % "*")
    assert sheet.check("caller_policy", "done").outcome == "not-yet"
    run(sheet, CALLER % sheet.role_arn("reports-reader"))
    assert sheet.check("caller_policy", "done").is_correct
    run(sheet, TRUST % sheet.user_arn("alice"))
    assert sheet.check("trusted_role", "done").is_correct
