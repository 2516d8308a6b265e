"""A notebook's parameters: declared in its first code cell, given as text or data, checked at the door."""

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationError, field_validator
from pydantic_core import PydanticUndefined

from xacct_nb.errors import InvalidParameters
from xacct_nb.grants import Grant
from xacct_nb.refusals import refused
from xacct_nb.terms import Part, is_reference
from xacct_nb.views import Table, as_json

# A whole number is a number too, as in JSON.
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
EXTERNAL_ID_VARIABLE = "XACCT_EXTERNAL_ID"


@dataclass(frozen=True)
class Parameter:
    """One declared line: `name: type = default  # help`."""

    name: str
    type: str
    default: Any
    help: str


class Settings(Part):
    """How a run goes about it, beside the grant: where, with which profiles, what was approved."""

    sandbox: StrictBool = Field(
        True, description="true acts on the sandbox of this machine, false on AWS itself"
    )
    source_profiles: list[StrictStr] = Field(
        default_factory=list, description="AWS profiles that administer the source accounts"
    )
    destination_profiles: list[StrictStr] = Field(
        default_factory=list, description="AWS profiles that administer the destination accounts"
    )
    caller_profiles: list[StrictStr] = Field(
        default_factory=list, description="AWS profiles that the proof asks with"
    )
    approve: StrictStr = Field("", description="digest of the plan that is approved; empty plans only")
    note: StrictStr = Field("", description="note for the record of what is approved")
    ticket: StrictStr = Field("", description="ticket or change that it belongs to")
    approval_hours: StrictInt = Field(
        24, ge=0, le=8760, description="hours that an approval counts after the plan; 0 is without an end"
    )
    two_people: StrictBool = Field(False, description="somebody else than who planned must approve")
    records: StrictStr = Field("", description="folder of the records; empty takes the usual one")
    record: StrictStr = Field("", description="id of the record that it is about")
    external_id: StrictStr = Field("", description="where an earlier external ID is found")
    patience_seconds: StrictInt = Field(
        60, ge=0, le=900, description="seconds that it waits for IAM, 0 to 900"
    )
    error_text: StrictStr = Field("", description="error as AWS, the AWS CLI or the console printed it")
    caller: StrictStr = Field("", description="ARN of who is denied")
    role: StrictStr = Field("", description="ARN of the role that is assumed")
    call: dict[StrictStr, Any] = Field(
        default_factory=dict, description="further parameters of AssumeRole, such as DurationSeconds"
    )
    action: StrictStr = Field("", description="action that the role's session is denied")
    resource: StrictStr = Field("", description="resource of that action")
    snapshot: StrictStr = Field("", description="file that the other owner sent")
    snapshot_to: StrictStr = Field("", description="file to write for the other owner")

    @field_validator("call")
    @classmethod
    def _call(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        if hidden := sorted({"ExternalId", "TokenCode"} & set(parameters)):
            raise InvalidParameters(
                f"call has {', '.join(hidden)}, which would stand in the notebook.",
                why="An external ID and an MFA code are secrets.",
                hint="Give the external ID by reference: external_id env:NAME.",
            )
        return parameters

    @field_validator("external_id")
    @classmethod
    def _external_id(cls, reference: str) -> str:
        if reference and not is_reference(reference):
            raise InvalidParameters(
                "external_id is the external ID itself.",
                why="It would stand in the notebook.",
                hint="Give a reference: env:NAME or file:PATH.",
            )
        return reference


def declared(source: str) -> dict[str, Parameter]:
    """The parameters that a cell declares. Raises InvalidParameters where a line is no declaration."""
    try:
        nodes = ast.parse(source).body
    except SyntaxError as problem:
        raise _no_declaration(problem.lineno or 1) from problem
    lines = source.splitlines()
    return {parameter.name: parameter for parameter in (_declaration(node, lines) for node in nodes)}


def accepted(cell: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """What a notebook takes: what its cell declares, the settings, the fields of a grant if it has one."""
    fields = Settings.model_fields | (Grant.model_fields if "sources" in cell else {})
    modelled = {
        name: Parameter(
            name,
            _type_of(field.annotation),
            field.get_default(call_default_factory=True),
            field.description or "",
        )
        for name, field in fields.items()
    }
    return {**cell, **{name: parameter for name, parameter in modelled.items() if name not in cell}}


def _type_of(annotation: Any) -> str:
    name = getattr(get_origin(annotation) or annotation, "__name__", "str")
    return {"tuple": "list", "Literal": "str", "Conditions": "dict"}.get(
        name, name if name in _TYPES else "str"
    )


def merged(
    known: Mapping[str, Parameter], fields: Mapping[str, Any], options: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """The values given: those of a file, then those of `-p NAME VALUE`, which win.

    A dotted name (`conditions.external_id`) sets one field of a mapping; a list is JSON, or one item a
    `-p`. Raises InvalidParameters for a name that is not declared or a value of another type.
    """
    _refuse_unknown(known, fields)
    values, begun = dict(fields), set[str]()
    for dotted, text in options:
        name, _, inner = dotted.partition(".")
        _refuse_unknown(known, [name])
        values[name] = _with(known[name], values.get(name, known[name].default), inner, text, name in begun)
        begun.add(name)
    for name, value in values.items():
        _check_type(known[name], value)
    return values


def check(known: Mapping[str, Parameter], values: Mapping[str, Any]) -> Grant | None:
    """The grant in these values, None for a notebook without one. Raises InvalidGrant, InvalidParameters."""
    whole = {
        name: parameter.default
        for name, parameter in known.items()
        if parameter.default is not PydanticUndefined
    }
    whole |= dict(values)
    settings_of(whole)
    return grant_of(whole) if "sources" in known else None


def grant_of(values: Mapping[str, Any]) -> Grant:
    """The grant among parameters, other names left out. Raises InvalidGrant."""
    return Grant(**{name: values[name] for name in Grant.model_fields if name in values})


def settings_of(values: Mapping[str, Any]) -> Settings:
    """The settings among parameters, other names left out. Raises InvalidParameters."""
    try:
        return Settings(**{name: values[name] for name in Settings.model_fields if name in values})
    except ValidationError as problem:
        raise refused(problem, Settings, InvalidParameters) from None


def without_secrets(values: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The values with a reference in place of an external ID, and the external ID; "" where there is none."""
    conditions = values.get("conditions") or {}
    given = conditions.get("external_id", "") if isinstance(conditions, Mapping) else ""
    if not given or is_reference(given):
        return dict(values), ""
    hidden = {**conditions, "external_id": f"env:{EXTERNAL_ID_VARIABLE}"}
    return {**values, "conditions": hidden}, given


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are shown and written: an external ID as a fingerprint. Raises InvalidGrant."""
    fields = grant_of(values).to_json() if "sources" in values else {}
    return {name: fields.get(name, value) for name, value in values.items()}


def shown_table(values: Mapping[str, Any]) -> Table:
    """The values that say something, as a table."""
    said = {name: value for name, value in shown(values).items() if value not in ("", [], {})}
    texts = {
        name: as_json(each) if isinstance(each, (dict, list)) else str(each) for name, each in said.items()
    }
    return Table(("parameter", "value"), tuple(texts.items()))


def _declaration(node: ast.stmt, lines: list[str]) -> Parameter:
    if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
        raise _no_declaration(node.lineno)
    try:
        default = ast.literal_eval(node.value)
    except ValueError as problem:
        raise _no_declaration(node.lineno) from problem
    help_text = lines[(node.end_lineno or node.lineno) - 1].partition("  # ")[2]
    return Parameter(node.target.id, ast.unparse(node.annotation).partition("[")[0], default, help_text)


def _no_declaration(line: int) -> InvalidParameters:
    return InvalidParameters(
        f"Line {line} of the parameters cell is no declaration.",
        why="A line reads name: type = default  # help, and the default is plain data.",
        hint="Correct the notebook.",
    )


def _refuse_unknown(known: Mapping[str, Parameter], names: Iterable[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        raise InvalidParameters(
            f"There is no parameter {unknown[0]!r}.",
            why="The notebook does not declare it.",
            hint=f"Known parameters: {', '.join(known)}.",
        )


def _with(parameter: Parameter, current: Any, inner: str, text: str, begun: bool) -> Any:
    if inner:
        _refuse_field(parameter, inner)
        return {**(current if isinstance(current, Mapping) else {}), inner: _loose(text)}
    if parameter.type == "list" and not text.lstrip().startswith("["):
        return [*current, text] if begun else [text]
    return _parsed(parameter, text)


def _refuse_field(parameter: Parameter, inner: str) -> None:
    if parameter.type != "dict":
        raise InvalidParameters(
            f"There is no parameter '{parameter.name}.{inner}'.",
            why=f"{parameter.name} has no fields: it is of the type {parameter.type}.",
            hint=f"Set {parameter.name} itself.",
        )


def _parsed(parameter: Parameter, text: str) -> Any:
    """Text as the declared type; no other reading than that type's (an account id stays text)."""
    if parameter.type == "str":
        return text
    try:
        return _WORDS[text.lower()] if parameter.type == "bool" else json.loads(text)
    except (KeyError, ValueError):
        raise _wrong_type(parameter, text) from None


def _loose(text: str) -> Any:
    """A field of a mapping: JSON where it is a list, a mapping, true or false, else text."""
    if text.lstrip()[:1] in ("[", "{") or text in ("true", "false"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _check_type(parameter: Parameter, value: Any) -> None:
    wanted = _TYPES.get(parameter.type, (object,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and not {bool, object} & set(wanted)):
        raise _wrong_type(parameter, value)


def _wrong_type(parameter: Parameter, value: Any) -> InvalidParameters:
    shown = "The value" if "external_id" in parameter.name or parameter.type == "dict" else repr(value)[:80]
    about = parameter.help or "the notebook declares it so"
    return InvalidParameters(
        f"{parameter.name}: {shown} is not of the type {parameter.type}.",
        why=f"{about[0].upper()}{about[1:]}.",
        hint=_WRITTEN.get(parameter.type, "Correct the value."),
    )


_WRITTEN = {
    "str": "Put it in quotes: it is text.",
    "int": "Write a whole number.",
    "float": "Write a number.",
    "bool": "Write true or false.",
    "list": "Write a list in square brackets, with the text in it in quotes.",
    "dict": 'Write a mapping in curly brackets: {"field": "value"}',
}
