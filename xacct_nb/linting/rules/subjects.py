"""A policy under the lint, read statement by statement as it stands, whatever is wrong in it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from xacct_nb.grants.documents import Documents
from xacct_nb.iam import quotas
from xacct_nb.iam.arns import UNIQUE_ID, Arn
from xacct_nb.iam.grammar import ALLOW, IDENTITY, TRUST
from xacct_nb.iam.wildcards import covers

ROLE, SSO, USER, ACCOUNT, SESSION, GROUP = "role", "sso role", "user", "account", "session", "group"
EVERYBODY, DELETED = "everybody", "deleted"
_PRINCIPAL_TYPES = {
    EVERYBODY: re.compile(r"\*"),
    ACCOUNT: re.compile(r"\d{12}|arn:[^:]*:iam::\d{12}:root"),
    SSO: re.compile(r"arn:[^:]*:iam::\d{12}:role/(?:[^/]+/)*AWSReservedSSO_.+"),
    ROLE: re.compile(r"arn:[^:]*:iam::\d{12}:role/.+"),
    USER: re.compile(r"arn:[^:]*:iam::\d{12}:user/.+"),
    GROUP: re.compile(r"arn:[^:]*:iam::\d{12}:group/.+"),
    SESSION: re.compile(r"arn:[^:]*:sts::\d{12}:assumed-role/.+"),
    DELETED: UNIQUE_ID,
}
_QUALIFIER = re.compile(r"(forallvalues|foranyvalue):")
# The fields of a grant that the elements and condition keys of its policies are made of.
_TRUST_FIELDS = {
    "Principal": "sources",
    "sts:externalid": "conditions.external_id",
    "aws:multifactorauthpresent": "conditions.require_mfa",
    "aws:principalorgid": "conditions.organization_id",
    "aws:sourceip": "conditions.source_ips",
    "sts:rolesessionname": "conditions.role_session_name",
    "sts:sourceidentity": "conditions.source_identity",
    "aws:requesttag": "conditions.session_tags",
}
_PERMISSIONS_FIELDS = {"Action": "permissions.{n}", "Resource": "permissions.{n}"}


@dataclass(frozen=True)
class Clause:
    """One condition: its operator in lower case, its key in lower case, its values as text."""

    operator: str
    key: str
    values: tuple[str, ...]

    @property
    def needs_key(self) -> bool:
        """Whether a request without the key fails it.

        Source: IAM user guide, reference_policies_elements_condition_operators.
        """
        if self.operator == "null":
            return self.values == ("false",)
        excused = ("ifexists" in self.operator, self.operator.startswith("forallvalues:"))
        return not any(excused) and "not" not in _QUALIFIER.sub("", self.operator)


@dataclass(frozen=True)
class LintStatement:
    """One statement of a policy."""

    subject: "Subject"
    number: int
    fields: Mapping[str, Any]

    @property
    def allows(self) -> bool:
        """Whether its effect is Allow."""
        return self.fields.get("Effect") == ALLOW

    def listed(self, element: str) -> tuple[str, ...]:
        """The texts of an element, of one text too."""
        return tuple(_texts(self.fields.get(element)))

    def principals(self, kind: str = "AWS", element: str = "Principal") -> tuple[str, ...]:
        """The principals of one kind (`AWS`, `Service`, `Federated`), each once."""
        named = self.fields.get(element)
        if isinstance(named, Mapping):
            return tuple(dict.fromkeys(_texts(named.get(kind))))
        return tuple(_texts(named)) if kind == "AWS" else ()

    def of_type(self, *sorts: str) -> tuple[str, ...]:
        """The AWS principals of these sorts."""
        return tuple(each for each in self.principals() if principal_type(each) in sorts)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """Its conditions."""
        operators = self.fields.get("Condition")
        return tuple(
            Clause(str(operator).lower(), str(key).lower(), tuple(_texts(values)))
            for operator, keys in (operators.items() if isinstance(operators, Mapping) else ())
            for key, values in (keys.items() if isinstance(keys, Mapping) else ())
        )

    def on(self, *keys: str) -> tuple[Clause, ...]:
        """The conditions on these keys; `aws:requesttag/` stands for all keys that begin so."""
        return tuple(
            each
            for each in self.clauses
            if any(each.key == key or (key[-1] == "/" and each.key.startswith(key)) for key in keys)
        )

    def limited_by(self, *keys: str) -> bool:
        """Whether a condition on one of these keys has to be met."""
        return any(clause.needs_key for clause in self.on(*keys))

    def covers_action(self, action: str) -> bool:
        """Whether its actions cover this one."""
        spared = self.listed("NotAction")
        if spared:
            return not any(covers(each, action) for each in spared)
        return any(covers(each, action) for each in self.listed("Action"))

    def location(self, element: str, it: str = "") -> str:
        """The place of an element, with what is meant there; in a grant's policy the field behind it."""
        grant_fields = self.subject.grant_fields
        if element == "Condition" and (field := grant_fields.get(it.lower().partition("/")[0])):
            return field
        sid = self.fields.get("Sid")
        named = f" ({sid})" if isinstance(sid, str) and sid else ""
        usual = f"{self.subject.name}, Statement[{self.number}]{named}.{element}"
        place = grant_fields.get(element, usual).replace("{n}", str(self.number))
        return f"{place}: {it}" if it else place


@dataclass(frozen=True)
class Subject:
    """A policy, its kind and name, and what is known around it.

    `of` is the ARN that it is on, `own` the accounts that are known to be one's own, `limit` the characters
    that AWS takes, `places` the fields of a grant by the elements and condition keys made of them.
    """

    kind: str
    name: str
    document: Any
    limit: int
    arn: str = ""
    own_accounts: tuple[str, ...] = ()
    grant_fields: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def statements(self) -> tuple[LintStatement, ...]:
        """The statements, those that are none left out."""
        written = self.document.get("Statement") if isinstance(self.document, Mapping) else None
        listed = written if isinstance(written, (list, tuple)) else [written]
        return tuple(
            LintStatement(self, number, each)
            for number, each in enumerate(listed)
            if isinstance(each, Mapping)
        )


def principal_type(principal: str) -> str:
    """What sort of AWS principal this is, "" where it is none that is known."""
    return next((sort for sort, shape in _PRINCIPAL_TYPES.items() if shape.fullmatch(principal)), "")


def subjects_of(documents: Documents) -> list[Subject]:
    """Every policy of a grant once; what several users or roles get alike is named after the first."""
    alike: dict[tuple[str, str], list[Subject]] = {}
    for subject in _subjects(documents):
        alike.setdefault((subject.name, quotas.minify(subject.document)), []).append(subject)
    return [replace(first, name=_name(first, len(others))) for first, *others in alike.values()]


def _subjects(documents: Documents) -> Iterator[Subject]:
    grant, own = documents.grant, documents.grant.destination_accounts
    for arn, policies in documents.caller_policies.items():
        inline = quotas.INLINE_TOTAL[Arn.parse(arn).kind]
        room = quotas.MANAGED_POLICY if grant.caller_policy == "managed" else inline
        for policy in policies:
            yield Subject(IDENTITY, "caller policy", policy, room, arn, own, {"Resource": "destinations"})
    for arn, policy in documents.trust_policies.items():
        yield Subject(TRUST, "trust policy", policy, quotas.TRUST_POLICY, arn, own, _TRUST_FIELDS)
    for arn, policy in documents.permissions_policies.items():
        room = quotas.INLINE_TOTAL["role"]
        yield Subject(IDENTITY, "permissions policy", policy, room, arn, own, _PERMISSIONS_FIELDS)


def _name(subject: Subject, others: int) -> str:
    more = f" and {others} more" if others else ""
    return f"{subject.name} of {Arn.parse(subject.arn).resource}{more}"


def _texts(value: Any) -> Iterable[str]:
    for each in value if isinstance(value, (list, tuple)) else [value]:
        if isinstance(each, bool):
            yield str(each).lower()
        elif isinstance(each, (str, int, float)):
            yield str(each)
