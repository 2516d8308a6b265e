"""The whole commands that go on from a run: another notebook with its files and parameters, the diagnosis."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.proof import ALLOWED, DENIED, Outcome, Proof
from xacct_nb.records.next_steps import is_next_step
from xacct_nb.runs.notebooks import find_notebook
from xacct_nb.runs.run_context import RunRecord
from xacct_nb.storage.run_folder import read_about

_OF_A_GRANT = ("plan_and_apply", "prove_the_access", "walkthrough", "on_one_page")
_PLACE = ("sandbox", "source_profiles", "destination_profiles", "caller_profiles", "allow_references")
_DENIAL = (ALLOWED, DENIED)


def command_of(run: RunRecord, notebook: str) -> str:
    """Return the command that runs another notebook with the grant of this run, as it was given.

    In JupyterLab it names that notebook.
    """
    words, line = _given(run), f"xacct-nb run {notebook} -f GRANT"
    if not run.headless:
        return f"the notebook {find_notebook(notebook).stem}, or {line}"
    if words[2:3] and words[2].lstrip("0123456789_") in _OF_A_GRANT:
        return shlex.join([*words[:2], notebook, *words[3:]])
    smaller = Path(run.settings.narrow_to or "?").expanduser()
    if words[2:3] and smaller.is_file():
        return shlex.join([*words[:2], notebook, "-f", str(smaller), *_around(words[3:])])
    return line


def _around(words: list[str]) -> Iterator[str]:
    """Yield the options of a command that say how it runs, without those that say what the grant is."""
    rest = iter(words)
    for option in rest:
        given = [option, next(rest, ""), *([next(rest, "")] if option == "-p" else [])]
        if option in ("-r", "--records") or given[1] in _PLACE:
            yield from given


def diagnosis_of(run: RunRecord, proof: Proof, sessions: Sessions) -> str:
    """Return how to find the cause of the first denial in a proof and its fix, "" without a denial."""
    denied = next((each for each in proof.asked if (each.probe.expected, each.answer) == _DENIAL), None)
    if denied is None:
        return ""
    if not run.headless:
        return (
            "The cause and its fix: Diagnose in step 6 of the page, or xa.diagnose(form.grant, sessions) in "
            "a new cell."
        )
    words = ["xacct-nb", "run", "diagnose_a_denial", *_options(run, denied, sessions)]
    return f"The cause and its fix: {shlex.join(words)}"


def _options(run: RunRecord, denied: Outcome, sessions: Sessions) -> Iterator[str]:
    caller = sessions.callers(denied.probe.source)[0]
    yield from ("-p", "caller", caller.arn, "-p", "role", denied.probe.role)
    if denied.probe.call is not None:
        yield from ("-p", "action", denied.probe.call.action)
    if reference := sessions.grant.reference:
        yield from ("-p", "external_id", reference)
    if not run.settings.sandbox:
        yield from ("-p", "sandbox", "false")
        for side in ("source", "destination"):
            profiles = list(dict.fromkeys(each.profile for each in sessions.identities if each.part == side))
            yield from ("-p", f"{side}_profiles", json.dumps(profiles))
    yield from ("-p", "caller_profiles", json.dumps([caller.profile]))


def _given(run: RunRecord) -> list[str]:
    again = read_about(run.evidence.folder).get("again", "")
    return shlex.split(again) if is_next_step(again) else []
