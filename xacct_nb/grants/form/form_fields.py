"""The fields of the forms of a grant and of a run, made from the models: the label, help and kind of each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from xacct_nb.errors import InvalidInput, UnresolvedSecret
from xacct_nb.grants.conditions import Conditions, Permission
from xacct_nb.grants.form.field_kinds import KINDS, Typed
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import RunFile, Settings, settings_of

EXTERNAL_ID = "conditions.external_id"
# The groups of a form, in their order, with their headings.
GROUPS = {
    "grant": "Who may assume which role, to do what",
    "conditions": "Conditions of the trust policy",
    "more": "More about the role and the policies",
    "place": "Where it acts, and with which profiles",
}


@dataclass(frozen=True)
class FormField:
    """A field of a form: `kind` is how it is typed, `options` are its choices with their values."""

    name: str
    label: str
    help: str
    kind: str
    group: str
    required: bool = False
    example: str = ""
    options: tuple[tuple[str, Typed], ...] = ()
    default: Typed = ""

    def typed(self, value: Any) -> Typed:
        """Return a value as a person types it."""
        return KINDS[self.kind].show(value)

    def read(self, typed: Typed, given: Any) -> Any:
        """Return what is typed as a value; the given value where it is what is typed. Raises InvalidInput."""
        if typed == self.typed(given):
            return given
        return KINDS[self.kind].read(self.name, typed)


def fields_of(model: type[BaseModel], before: str = "", group: str = "more") -> list[FormField]:
    """Return the fields of a model, those of a model inside it among them."""
    found = list[FormField]()
    for name, field in model.model_fields.items():
        if field.annotation is Conditions:
            found += fields_of(Conditions, f"{name}.", "conditions")
        else:
            found.append(_form_field(before + name, field, group))
    return found


def _form_field(name: str, field: FieldInfo, group: str) -> FormField:
    label, help_text, example = _WORDS.get(name, ("", "", ""))
    plain, kind = name.rpartition(".")[2].replace("_", " "), _kind_of(name, field.annotation)
    return FormField(
        name,
        label or plain[0].upper() + plain[1:],
        help_text or _sentence(field.description or ""),
        kind,
        _GROUP_OF.get(name, group),
        field.is_required(),
        example,
        _PLACES if name == "sandbox" else tuple((each, each) for each in _literals(field.annotation)),
        "" if field.is_required() else KINDS[kind].show(field.get_default(call_default_factory=True)),
    )


def _literals(annotation: Any) -> tuple[str, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _kind_of(name: str, annotation: Any) -> str:
    if name in _KIND_OF:
        return _KIND_OF[name]
    if _literals(annotation):
        return "choice"
    origin, inner = get_origin(annotation) or annotation, get_args(annotation)
    if origin is tuple and inner[0] is Permission:
        return "permissions"
    return _KIND_OF_TYPE[getattr(origin, "__name__", str(origin))]


def _sentence(words: str) -> str:
    return words and f"{words[0].upper()}{words[1:].removesuffix('.')}."


_KIND_OF_TYPE = {
    "str": "text", "int": "number", "bool": "flag", "tuple": "arns", "list": "lines", "dict": "tags",
    "SecretStr": "reference",
}  # fmt: skip
_KIND_OF = {
    "accept": "codes", "conditions.source_ips": "codes", "sandbox": "choice",
    "accounts": "accounts", "except_accounts": "accounts", "waves": "numbers",
}  # fmt: skip
_PLACES = (("The sandbox of this machine", True), ("AWS itself", False))
_GROUP_OF = dict.fromkeys(
    (
        *("name", "sources", "destinations", "accounts", "role", "permissions"),
        *(EXTERNAL_ID, "session_minutes", "expires", "accept"),
    ),
    "grant",
) | {"organization_profile": "accounts"}
# By field: its label, its help, and an example; "" where the model has it, or where there is none.
_WORDS = {
    "name": ("Grant name", "Names the policies and the tags, so that this grant is found again.", ""),
    "sources": (
        "Source ARN",
        "Who may assume the roles: users, roles, patterns of roles, one a line, or account ids of 12 digits.",
        "arn:aws:iam::111111111111:user/alice",
    ),
    "destinations": (
        "Destination role",
        "The roles that may be assumed, one ARN a line. A role that is not there is made.",
        "arn:aws:iam::222222222222:role/reports-reader",
    ),
    "permissions": (
        "What the role may do",
        "One line for each: actions on resources, with commas between.",
        "s3:GetObject on arn:aws:s3:::reports/*",
    ),
    "session_minutes": ("Session minutes", "", ""),
    "accept": ("Accept findings", "Codes of the findings below that are wanted.", "whole-account-trust"),
    "conditions.external_id": (
        "External ID",
        "Where it is found, never the external ID itself: env:NAME or file:PATH.",
        "none; or env:NAME or file:PATH",
    ),
    "conditions.require_mfa": ("Require MFA", "", ""),
    "conditions.organization_id": ("Organization", "", "o-a1b2c3d4e5"),
    "conditions.source_ips": ("Source addresses", "", "203.0.113.0/24"),
    "conditions.session_tags": ("Session tags", "One tag a line: key = value; 50 at most.", "team = reports"),
    "managed_policies": ("Managed policies", "", "arn:aws:iam::aws:policy/SecurityAudit"),
    "permissions_boundary": ("Permissions boundary", "", "arn:aws:iam::222222222222:policy/boundary"),
    "attach_to": ("Attach to group", "", "arn:aws:iam::111111111111:group/analysts"),
    "self_assume": ("May assume itself", "", ""),
    "manage": ("What the grant owns", "", ""),
    "expires": ("Expires", "", "2026-12-31"),
    "adopt": ("Adopt what exists", "", ""),
    "sandbox": ("It acts on", "The sandbox is for trying: it is on this machine, and costs nothing.", ""),
    "source_profiles": ("Source profiles", "", "source-admin"),
    "destination_profiles": ("Destination profiles", "", "destination-admin"),
    "caller_profiles": ("Caller profiles", "", "alice"),
    "accounts": (
        "Destination accounts",
        "Ids of 12 digits. Paste a list as it is: commas, quotes, and what follows a # are left out.",
        "222222222222",
    ),
    "role": (
        "Role in each account",
        "The role's name. {account} is the account's id; a role that is not there is made.",
        "reports-reader",
    ),
    "organization_units": ("Organizational units", "", "ou-ab12-11111111"),
    "tags": ("Account tags", "Only accounts with these tags, one a line: key = value.", "environment = prod"),
    "except_accounts": ("Accounts left out", "", "444444444444"),
    "account_role": ("Role to enter accounts", "", "OrganizationAccountAccessRole"),
    "organization_profile": ("Organization profile", "", "management"),
    "waves": (
        "Waves",
        "How many accounts are changed first, then next; all others follow.",
        "1, 10",
    ),
    "tolerance": ("Tolerance", "", "0"),
}
GRANT_FIELDS = {each.name: each for each in fields_of(Grant)}
RUN_FIELDS = {
    each.name: each
    for each in fields_of(RunFile, group="place")
    if each.name in ("sandbox", "source_profiles", "destination_profiles", "caller_profiles")
}


def typed_grant(grant: Grant) -> dict[str, Typed]:
    """Return the fields of a grant as a person types them; an external ID itself is left out."""
    return {name: field.typed(value_in(grant, name)) for name, field in GRANT_FIELDS.items()}


def grant_as_typed(typed: Mapping[str, Typed], given: Grant) -> Grant:
    """Return the grant that is typed; a field that is as the given grant shows it keeps its value.

    Raises InvalidGrant.
    """
    fields, conditions = dict(given), dict(given.conditions)
    for name in typed.keys() & GRANT_FIELDS.keys():
        _, inner, last = name.rpartition(".")
        value = GRANT_FIELDS[name].read(typed[name], value_in(given, name))
        (conditions if inner else fields)[last] = value
    return Grant(**{**fields, "conditions": conditions})


def typed_settings(settings: Settings, fields: Mapping[str, FormField] = RUN_FIELDS) -> dict[str, Typed]:
    """Return where a run acts and its profiles, as a person types them."""
    return {name: field.typed(getattr(settings, name)) for name, field in fields.items()}


def settings_as_typed(
    typed: Mapping[str, Typed], given: Settings, fields: Mapping[str, FormField] = RUN_FIELDS
) -> Settings:
    """Return the settings with what is typed. Raises InvalidParameters."""
    names = typed.keys() & fields.keys()
    read = {name: fields[name].read(typed[name], getattr(given, name)) for name in names}
    return settings_of({**dict(given), **read})


def problems_as_typed(typed: Mapping[str, Typed], given: Grant) -> dict[str, InvalidInput]:
    """Return what is not valid by field of the grant: each field that was changed is tried alone."""
    return problems_by_field(typed, typed_grant(given), lambda each: grant_as_typed(each, given))


def problems_by_field(
    typed: Mapping[str, Typed],
    before: Mapping[str, Typed],
    read: Callable[[Mapping[str, Typed]], object],
    named: Iterable[str] = (*GRANT_FIELDS, *RUN_FIELDS),
) -> dict[str, InvalidInput]:
    """Return the problems of the fields that differ from `before`: `read` tries each of them alone.

    A problem counts where it is with that field, by its name among those that are `named`.
    """
    known, found = tuple(named), dict[str, InvalidInput]()
    for name in (each for each in before if typed.get(each, before[each]) != before[each]):
        try:
            read({name: typed[name]})
        except InvalidInput as problem:
            if field_of(problem, known) == name:
                found[name] = problem
    return found


def field_of(problem: InvalidInput, fields: Iterable[str] = (*GRANT_FIELDS, *RUN_FIELDS)) -> str:
    """Return the field that a problem is with; "" where it is with several together."""
    if isinstance(problem, UnresolvedSecret):
        return EXTERNAL_ID
    path = problem.what.partition(":")[0]
    known = [name for name in fields if f"{path}.".startswith(f"{name}.")]
    return max(known, key=len, default="")


def value_in(grant: Grant, name: str) -> Any:
    """Return the value of a field of a grant, or of its conditions."""
    outer, _, last = name.rpartition(".")
    return getattr(getattr(grant, outer) if outer else grant, last)
