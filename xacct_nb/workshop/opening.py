"""Opens a sheet for a participant: whose it is, where it is kept, and in which sandbox."""

import getpass
import hashlib
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.runs import confinement
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.workshop.aws_opening import AwsAccounts
from xacct_nb.workshop.checks import is_graded
from xacct_nb.workshop.folders import workshop_folder
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.sheets import sheet_named

PARTICIPANT_VARIABLE = "XACCT_PARTICIPANT"
_NOT_IN_A_NAME = re.compile(r"[^\w.@+-]|^\.+")
_LONGEST = 40  # characters, of at most four bytes each


def open_sheet(name: str, given: Mapping[str, Any] | None = None) -> OpenSheet:
    """Open a sheet for its participant; `given` are the notebook's variables, such as `participant`.

    The two accounts are made the first time, and found again afterwards. From then on, every AWS client of
    this process, and of programs that it starts, uses these accounts in the sandbox only. With `sandbox`
    False they are two accounts of AWS itself, of the profiles `source_profile` and `destination_profile`.
    While a notebook is graded, it is always the grader's sandbox.
    Raises InvalidInput for another name, SandboxError if the sandbox does not start, and what
    `AwsAccounts.open` raises.
    """
    given = given or {}
    sheet = sheet_named(name)
    if is_graded():
        from xacct_nb.workshop.graded_sheet import GradedSheet

        return GradedSheet(sheet, str(given.get("participant") or ""), _seed(given))
    participant = participant_name(str(given.get("participant") or ""))
    folder = workshop_folder() / participant / sheet.name
    if given.get("sandbox") is False:
        names = ("source_profile", "destination_profile", "confirm")
        confinement.leave_sandbox()
        accounts = AwsAccounts(*(str(given.get(each) or "") for each in names))
        return OpenSheet(sheet, participant, folder, accounts, _seed(given))
    sandbox = _sandbox()
    confinement.use_sandbox(sandbox, folder)
    return OpenSheet(sheet, participant, folder, sandbox, _seed(given))


def _seed(given: Mapping[str, Any]) -> int:
    """Return the seed of the parameters, 0 where there is none. Raises InvalidInput."""
    seed = given.get("seed") or 0
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 10**9:
        raise InvalidInput("The seed is not a whole number from 0.", hint="Set seed = 0 to take your own.")
    return seed


def participant_name(given: str = "") -> str:
    """Return a participant's name as it can name a folder; two names never give the same one.

    By default it is $XACCT_PARTICIPANT, else the user of JupyterHub, else that of this machine.
    """
    named = (given, os.environ.get(PARTICIPANT_VARIABLE, ""), os.environ.get("JUPYTERHUB_USER", ""))
    name = next((each for each in map(str.strip, named) if each), "") or _user()
    plain = _NOT_IN_A_NAME.sub("_", name)[:_LONGEST]
    if plain == name:
        return plain
    return f"{plain}-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:8]}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may have a user without a name
        return "participant"


def _sandbox() -> Sandbox:
    """Return the sandbox of this user; in a browser tab, the one within the process."""
    if sys.platform == "emscripten":
        from xacct_nb.runs.in_process_sandbox import start_in_process

        return start_in_process()
    from xacct_nb.runs.sandboxes import open_sandbox

    confinement.leave_sandbox()  # the sandbox that the sheet before used may be at another address
    return open_sandbox()
