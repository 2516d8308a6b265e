"""A notebook's parameters: which it takes, how a file and options set them, and how they are validated."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, get_origin

from pydantic_core import PydanticUndefined

from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.coercion import check_type, coerce, coerce_items, unknown_parameter
from xacct_nb.grants.conditions import EXTERNAL_ID_VARIABLE, Conditions, is_reference
from xacct_nb.grants.declarations import Parameter
from xacct_nb.grants.former_names import FORMER_NAMES, accept_former_names, rename_former_fields
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import FREE_TEXTS, Settings, settings_of
from xacct_nb.grants.target import Target
from xacct_nb.redaction.redact import redact
from xacct_nb.validation import StrictModel
from xacct_nb.views import Table, as_json


def accepted_parameters(cell: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Return the parameters of a notebook: its cell's, the settings, and the fields of its grant or fleet.

    A notebook that takes a request has those that each owner decides. Settings of other notebooks are left
    out.
    """
    settings = {
        name: each
        for name, each in _SETTINGS.items()
        if _ONLY_WITH.get(name, "") in ("", *cell) or _ALSO_WITH.get(name) in cell
    }
    own = next((fields for name, fields in _FIELDS.items() if name in cell), {})
    modelled = settings | own
    references = {name for name, each in modelled.items() if each.reference}
    stated = {name: replace(each, reference=name in references) for name, each in cell.items()}
    return stated | {name: each for name, each in modelled.items() if name not in cell}


def _model_parameters(model: type[StrictModel], before: str = "") -> dict[str, Parameter]:
    """Return the fields of a model as parameters, each name after the prefix `before`."""
    return {
        before + name: Parameter(
            before + name,
            _type_of(field.annotation),
            field.get_default(call_default_factory=True),
            field.description or "",
            isinstance(extra := field.json_schema_extra, dict) and extra.get("format") == "reference",
        )
        for name, field in model.model_fields.items()
    }


def _type_of(annotation: Any) -> str:
    name = getattr(get_origin(annotation) or annotation, "__name__", "str")
    known = {"tuple": "list", "Conditions": "dict"}
    return known.get(name, name if name in ("int", "bool", "list", "dict") else "str")


_GRANT, _SETTINGS = _model_parameters(Grant), _model_parameters(Settings)
_FLEET = {name: each for name, each in _GRANT.items() if name != "destinations"} | _model_parameters(Target)
# What each owner of a hand-over decides for their own account.
_OF_EACH_OWNER = {name: _GRANT[name] for name in ("accept", "adopt")}
# The fields of a notebook, by what its cell declares: a grant, a fleet, or the request of a hand-over.
_FIELDS = {"destinations": _GRANT, "fleet": _FLEET, "request": _OF_EACH_OWNER}
CONDITIONS = _model_parameters(Conditions, "conditions.")
# Settings that a notebook takes only if its cell declares the named parameter.
_OF_A_DENIAL = (
    *("error_text", "caller", "role", "call", "through", "carried"),
    *("action", "resource", "snapshot", "snapshot_to"),
)
_OF_A_HANDOVER = (
    *("request", "answer", "answer_to", "refuse", "changes", "agree"),
    *("signing_key", "signers", "proof_objects"),
)
_OF_A_FLEET = ("fleet", "organization_profile", "scheduler", "spool", "waves", "tolerance")
_OF_A_REVIEW = ("review", "reviewers", "answer_days", "review_to", "answers")
_ONLY_WITH = {
    "until": "sources",
    **dict.fromkeys(("record", "revoke_sessions"), "record"),
    **dict.fromkeys(_OF_A_FLEET, "fleet"),
    "records_of": "records_of",
    **dict.fromkeys(_OF_A_DENIAL, "error_text"),
    **dict.fromkeys(_OF_A_HANDOVER, "request"),
    **dict.fromkeys(_OF_A_REVIEW, "reviewers"),
}
# A fleet can be that of a request, which the run answers.
_ALSO_WITH = dict.fromkeys(("answer_to", "signing_key", "signers"), "fleet")


def merge(
    known: Mapping[str, Parameter], fields: Mapping[str, Any], options: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Return the values of a file, overridden by those of `-p NAME VALUE`.

    A dotted name (`conditions.external_id`) sets one field of a mapping; a list is JSON, or one item for each
    `-p`. Raises InvalidParameters for a name that is not declared, a value of another type, and a value that
    is given twice.
    """
    values, texts = _under_current_names(known, fields, list(options))
    if strange := [name for name in values if name not in known]:
        raise unknown_parameter(strange[0], known)
    given = dict[str, str]()
    for dotted, text in texts:
        name, _, inner = dotted.partition(".")
        parameter = _named(known, dotted)
        _refuse_twice(parameter, given, text)
        before = values.get(name, known[name].default)
        if inner:
            around = before if isinstance(before, Mapping) else {}
            values[name] = {**around, inner: _coerced(parameter, around.get(inner), text, dotted in given)}
        else:
            values[name] = _coerced(parameter, before, text, dotted in given)
        given[dotted] = text
    for name, value in values.items():
        check_type(known[name], value)
    return values


def grant_options(options: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the fields of a grant that `NAME VALUE` sets. Raises InvalidParameters."""
    return merge(_GRANT, {}, options)


def _under_current_names(
    known: Mapping[str, Parameter], fields: Mapping[str, Any], options: list[tuple[str, str]]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return fields and options of a grant under their current names; warn of former ones."""
    if "sources" not in known:
        return dict(fields), options
    accept_former_names(dict(options))
    values = accept_former_names(fields)
    texts = [(FORMER_NAMES.get(name, name), text) for name, text in options]
    # A cell that still declares the former name must not add its own default to what is given.
    given = {*values, *(name for name, _ in texts)}
    return values | {old: "" for old, new in FORMER_NAMES.items() if old in known and new in given}, texts


def _named(known: Mapping[str, Parameter], dotted: str) -> Parameter:
    """Return the parameter of this name, or the field of one. Raises InvalidParameters."""
    name, _, inner = dotted.partition(".")
    conditions = CONDITIONS if "sources" in known else {}
    if name not in known or (inner and name == "conditions" and conditions and dotted not in conditions):
        raise unknown_parameter(dotted, [*known, *conditions])
    if inner and known[name].type != "dict":
        raise InvalidParameters(
            f"There is no parameter '{name}.{inner[:80]}'.",
            why=f"{name} has no fields: it is of the type {known[name].type}.",
            hint=f"Set {name} itself.",
        )
    return conditions.get(dotted, Parameter(dotted, "any", None, "")) if inner else known[name]


def _refuse_twice(parameter: Parameter, given: Mapping[str, str], text: str) -> None:
    """Raise InvalidParameters where a value is given twice; a list takes each as an item."""
    name = parameter.name
    again = name in given and given[name] != text and parameter.type != "list"
    if again or any(each.startswith(f"{name}.") for each in given):
        raise InvalidParameters(
            f"{name} is given twice.",
            why="One of the two values would be lost.",
            hint="Give it once, and its fields after it.",
        )


def _coerced(parameter: Parameter, before: Any, text: str, begun: bool) -> Any:
    """Return a value after a `-p`; the first item for a list replaces the list before."""
    if not text and parameter.name in CONDITIONS:
        raise InvalidParameters(
            f"{parameter.name} is empty.",
            why="Without it, more callers could assume the role. Perhaps a shell variable is not set.",
            hint="Give it a value, or leave out the option.",
        )
    if parameter.type != "list":
        return coerce(parameter, text)
    items = coerce_items(parameter, text)
    return [*before, *items] if begun else items


def validate(known: Mapping[str, Parameter], values: Mapping[str, Any]) -> Grant | None:
    """Return the grant in the values, None for a notebook without one.

    Raises InvalidGrant, InvalidParameters.
    """
    defaults = {name: each.default for name, each in known.items()}
    given = {name: each for name, each in defaults.items() if each is not PydanticUndefined}
    whole = given | dict(values)
    settings_of(whole)
    return grant_of(whole) if "destinations" in known else None


def grant_of(values: Mapping[str, Any]) -> Grant:
    """Return the grant among parameters; other names are ignored. Raises InvalidGrant."""
    fields = rename_former_fields(values)
    return Grant(**{name: fields[name] for name in Grant.model_fields if name in fields})


def without_secrets(values: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the values with a reference in place of an external ID, and the external ID or ""."""
    conditions = values.get("conditions") or {}
    given = conditions.get("external_id", "") if isinstance(conditions, Mapping) else ""
    if not given or is_reference(given):
        return dict(values), ""
    reference = {**conditions, "external_id": f"env:{EXTERNAL_ID_VARIABLE}"}
    return {**values, "conditions": reference}, given


def to_display(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as they are recorded: an external ID as a fingerprint, free texts redacted.

    Raises InvalidGrant.
    """
    shown = redact_free_texts(values, ())
    if "sources" not in values:
        return shown
    if "fleet" in values:  # its grants have no roles before the accounts are known
        given = values.get("conditions")
        conditions = {"conditions": Conditions(**given).model_dump(mode="json")} if given else {}
        return {**shown, **conditions}
    fields = grant_of(values).to_json()
    return {name: fields.get(name, value) for name, value in rename_former_fields(shown).items()}


def redact_free_texts(values: Mapping[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
    """Return the values with the texts that a person typed or pasted redacted."""
    known = frozenset(secrets)
    texts = {name: values[name] for name in FREE_TEXTS if isinstance(values.get(name), str)}
    return {**values, **{name: redact(text, known) for name, text in texts.items()}}


def parameters_table(values: Mapping[str, Any]) -> Table:
    """Return the parameters that have a value as a table."""
    shown = {name: value for name, value in to_display(values).items() if value not in ("", [], {})}
    texts = {
        name: as_json(each) if isinstance(each, (dict, list)) else str(each) for name, each in shown.items()
    }
    return Table(("parameter", "value"), tuple(texts.items()))
