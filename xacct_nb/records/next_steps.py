"""The next steps after a run that did not end well: the commands that resume it and roll it back."""

import json
import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from xacct_nb.changes.decision_card import DecisionCard
from xacct_nb.records.fields import RecordFields
from xacct_nb.redaction.redact import redact

NEXT_STEPS = {"resume": "To resume", "roll_back": "To roll back"}
_FROM_THE_START = "Run the notebook again from the start."


def resume_command(
    notebook: str,
    file: str,
    options: Iterable[tuple[str, str]],
    records: str,
    hidden: Collection[str],
    run_file: str = "",
) -> str:
    """Return the command of a headless run without its approval, which plans again.

    A secret (one of `hidden`, or what has the form of one) is replaced by a placeholder.
    """
    files = (("-f", file), ("-r", run_file))
    arguments = ["xacct-nb", "run", notebook, *(part for each in files if each[1] for part in each)]
    for name, value in options:
        if name != "approve":
            arguments += ["-p", name, _without_secrets(name, value, hidden)]
    return shlex.join([*arguments, *(["--records", records] if records else [])])


def is_next_step(text: object) -> bool:
    """Return whether a text of a file is the advice of a record: the command of a run, quoted as we quote it.

    A shell then reads one command with plain arguments, whoever wrote the file.
    """
    try:
        arguments = shlex.split(text) if isinstance(text, str) else []
    except ValueError:
        return False
    return text == _FROM_THE_START or (arguments[:2] == ["xacct-nb", "run"] and shlex.join(arguments) == text)


def card_of(record: RecordFields) -> DecisionCard | None:
    """Return the card of a record as it may be shown: without a command that this package did not write."""
    card = record.card
    return replace(card, command="") if card and not is_next_step(card.command) else card


def next_steps(record: RecordFields, again: str = "") -> dict[str, str]:
    """Return `resume`, and `roll_back` where changes may be left; `again` is the command of the run."""
    steps = {"resume": again or _FROM_THE_START}
    if record.left_changes and not record.undoes:
        steps["roll_back"] = rollback_command(record)
    return steps


def next_command(record: RecordFields) -> tuple[str, str]:
    """Return what to do after a run that ended well, and its whole command; two empty texts for nothing."""
    if record.card and record.status == "planned" and not record.card.blockers:
        return "To approve exactly this plan", record.card.command
    if record.left_changes and not record.undoes and not record.error:
        return "To roll it back", rollback_command(record)
    return "", ""


def rollback_command(record: RecordFields) -> str:
    """Return the command that plans the rollback of a record; with `--approve` it makes it."""
    return "xacct-nb run roll_back " + " ".join(_options(record))


def _options(record: RecordFields) -> Iterator[str]:
    yield f"-p record {shlex.quote(record.id)}"
    if record.parameters.get("sandbox") is False:
        yield "-p sandbox false"
        for side in ("source", "destination"):
            profiles = dict.fromkeys(each.profile for each in record.who if each.part == side)
            yield f"-p {side}_profiles {shlex.quote(json.dumps(list(profiles)))}"
    for name in ("two_people", "approvers"):
        if rule := record.parameters.get(name):
            yield f"-p {name} {shlex.quote(json.dumps(rule))}"
    if folder := record.parameters.get("records"):
        yield f"--records {shlex.quote(str(folder))}"


def _without_secrets(name: str, value: str, secrets: Collection[str]) -> str:
    if redact(value, secrets) == value:
        return value
    return "env:NAME" if name.endswith("external_id") else "..."
