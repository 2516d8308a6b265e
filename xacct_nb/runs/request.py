"""The request of a run: a notebook, its parameters from files and from `-p`, checked before it starts."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidParameters
from xacct_nb.fleets.fleet import fleet_of
from xacct_nb.grants.coercion import unknown_parameter
from xacct_nb.grants.declarations import Parameter
from xacct_nb.grants.former_names import FORMER_NAMES
from xacct_nb.grants.grant import Grant, resolve
from xacct_nb.grants.parameters import (
    accepted_parameters,
    grant_of,
    merge,
    redact_free_texts,
    validate,
    without_secrets,
)
from xacct_nb.grants.shortening import shorten
from xacct_nb.redaction.patterns import credentials_in
from xacct_nb.runs.notebooks import find_notebook, known_parameters, notebook_name
from xacct_nb.runs.sealing import records_folder
from xacct_nb.runs.secrets import grant_secrets
from xacct_nb.storage.references import check_allowed, resolve_reference

_READER = "read_the_records"
_PROVES_ONE, _PROVES_MANY = "prove_the_access", "prove_many"


@dataclass(frozen=True)
class RunRequest:
    """One valid run: the notebook, the grant's name, the values for the kernel, the folder of its record.

    `secret` is an external ID that was given as such; `values` hold a reference instead. `secrets` are
    all secrets that no file may hold.
    """

    path: Path
    grant: str
    values: Mapping[str, Any]
    records: Path
    secret: str
    secrets: frozenset[str]

    @property
    def notebook(self) -> str:
        """The notebook's name without its number."""
        return notebook_name(self.path)


def check_request(
    name: str,
    file: Path | None,
    options: Sequence[tuple[str, str]],
    approve: str,
    records: str,
    run_file: Path | None = None,
) -> RunRequest:
    """Read and check everything that a run is given. Raises every kind of InvalidInput.

    A value of `options` comes before one of the run file, that before the notebook's own.
    """
    path = find_notebook(_for_many(name, file, options))
    known = accepted_parameters(known_parameters(path))
    given = [*options, *([("approve", approve)] if approve else [])]
    grant_fields = _file_fields(path, file, known) if file else {}
    settings = _settings(run_file, known) if run_file else {}
    values = merge(known, grant_fields | settings, given)
    _check_reference(grant_fields, values, given)
    _check_text({"The notebook's path": str(path), "records": records, **values})
    if file and "destinations" in known:
        # A field that the file leaves out takes the grant's default, never the notebook's example.
        values = json.loads(grant_of(values).model_dump_json()) | values
    if values.get("fleet"):  # the record has the fleet's name, not that of the notebook's example
        values.setdefault("name", _name_of_fleet(values["fleet"]))
    folder, read = _records(path, records, settings, values, given)
    values["records"] = str(read)
    secrets = frozenset(_secrets(known, values))
    shown, secret = without_secrets(redact_free_texts(values, secrets | credentials_in(os.environ)))
    grant = values.get("name") or (known["name"].default if "sources" in known else "")
    grant = "records" if values.get("records_of") else grant
    return RunRequest(path, grant, shown, folder, secret, secrets)


def _name_of_fleet(file: str) -> str:
    """Return the name of the fleet in a file. Raises UnreadableGrant, InvalidGrant."""
    from xacct_nb.runs.loading import read_fleet

    return str(read_fleet(file).name)


def _for_many(name: str, file: Path | None, options: Iterable[tuple[str, str]]) -> str:
    """Return the notebook that proves many grants, where that for one grant is given a fleet or records."""
    if name.lstrip("0123456789_") != _PROVES_ONE:
        return name
    from xacct_nb.storage.fleet_file import is_fleet_file  # loads YAML

    named = any(option in ("fleet", "records_of") for option, _ in options)
    return _PROVES_MANY if named or (file is not None and is_fleet_file(file)) else name


def _records(
    notebook: Path,
    records: str,
    settings: Mapping[str, Any],
    values: Mapping[str, Any],
    options: Iterable[tuple[str, str]],
) -> tuple[Path, Path]:
    """Return the folder for the run's record, and the one for the notebook.

    They differ only for the notebook that reads records: with `-p records` it is given a folder to read, and
    its own record goes elsewhere. Raises InvalidParameters where both are the same.
    """
    if notebook_name(notebook) != _READER or not any(name == "records" and text for name, text in options):
        folder = records_folder(records or values.get("records", ""))
        return folder, folder
    own, read = records_folder(records or settings.get("records", "")), records_folder(values["records"])
    if os.path.realpath(own) == os.path.realpath(read):
        raise InvalidParameters(
            f"The run's own record would go into {str(read)!r}, the folder that it reads.",
            why="What `-p records` names is only read.",
            hint="Name another folder for the run's record with --records, or leave out -p records.",
        )
    return own, read


def _check_text(given: Mapping[str, Any]) -> None:
    """Refuse half of a surrogate pair: bytes on the command line can become one, and no file can hold it."""
    for name, value in given.items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as problem:
            raise InvalidParameters(
                f"{name} is not UTF-8 text.",
                why="The record could not hold it.",
                hint="Write it in UTF-8; rename the file, if it is a file's name.",
            ) from problem


def _file_fields(notebook: Path, file: Path, known: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return what a file sets: the fields of a grant, or that it is the fleet file. Raises InvalidInput."""
    return {"fleet": str(file.resolve())} if "fleet" in known else _grant_fields(notebook, file, known)


def _grant_fields(notebook: Path, file: Path, known: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the fields of the grant file. Raises InvalidGrant, and InvalidParameters for unknown fields."""
    from xacct_nb.storage.grant_file import read_fields  # loads YAML

    if "destinations" not in known:
        raise InvalidParameters(
            f"{notebook_name(notebook)} takes no grant file.",
            why="This notebook has no grant.",
            hint='Give each parameter with -p NAME VALUE, also a long one: -p NAME "$(cat FILE)". '
            "How the run acts can be in a run file: -r run.yaml.",
        )
    fields = read_fields(file, known)
    if strange := [name for name in fields if name not in {*Grant.model_fields, *FORMER_NAMES}]:
        raise unknown_parameter(strange[0], Grant.model_fields)
    return fields


def _settings(file: Path, known: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the settings of the run file that the notebook takes. Raises InvalidParameters."""
    from xacct_nb.storage.run_file import read_run_file  # loads YAML

    return {name: each for name, each in read_run_file(file).items() if name in known}


def _check_reference(
    fields: Mapping[str, Any], values: Mapping[str, Any], options: Iterable[tuple[str, str]]
) -> None:
    """Check that a reference in the grant file is allowed; one that is given with `-p` is allowed by that.

    Raises RefusedReference.
    """
    if not {"conditions", "conditions.external_id"} & {name for name, _ in options}:
        conditions = fields.get("conditions") or {}
        reference = conditions.get("external_id") if isinstance(conditions, Mapping) else ""
        check_allowed(str(reference or ""), values.get("allow_references", ()))


def _fleet_secrets(known: Mapping[str, Parameter], values: Mapping[str, Any]) -> set[str]:
    """Check the fleet among the values, and return its external IDs, looked up. Raises InvalidGrant."""
    from xacct_nb.runs.loading import load_fleet
    from xacct_nb.storage.handoff_files import read_fleet_request

    whole = {name: each.default for name, each in known.items()} | dict(values)
    if whole["fleet"] and read_fleet_request(whole["fleet"]):
        return set()  # a request has fingerprints; the owner's own reference is among the settings
    if whole["fleet"]:
        fleet = load_fleet(whole["fleet"], allow_references=whole["allow_references"])
    else:
        fleet = fleet_of(whole)
    fleet.shortened(whole.get("until", ""))  # raises InvalidParameters
    grants = (resolve(each.template, resolve_reference) for each in fleet.grants)
    return {secret for grant in grants for secret in grant_secrets(grant)}


def _secrets(known: Mapping[str, Parameter], values: Mapping[str, Any]) -> set[str]:
    """Check the grant and the settings among the values, and return their secrets, looked up."""
    grant = validate(known, values)
    found = grant_secrets(resolve(grant, resolve_reference)) if grant else set()
    if grant:
        shorten(grant, values.get("until", ""))  # raises InvalidParameters
    found |= _fleet_secrets(known, values) if "fleet" in known else set()
    reference = values.get("external_id", "")
    if grant and reference:
        raise InvalidParameters(
            "external_id is not the grant's external ID here.",
            why="It belongs to the rollback of a record.",
            hint="The grant's own is a condition: -p conditions.external_id env:NAME",
        )
    if reference and not reference.startswith(("env:", "file:")):
        raise InvalidParameters(
            "external_id is the external ID itself.",
            why="The notebook would show it.",
            hint="Give a reference: env:NAME or file:PATH.",
        )
    return found | ({resolve_reference(reference)} - {""} if reference else set())
