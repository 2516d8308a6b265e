"""A policy as the lint rules see it: statement by statement as written, valid or not."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from xacct_nb.grants.documents import Documents
from xacct_nb.grants.pattern_trust import patterns_in
from xacct_nb.iam import quotas
from xacct_nb.iam.arns import UNIQUE_ID, Arn
from xacct_nb.iam.canonical import as_list, value_text
from xacct_nb.iam.grammar import ALLOW, DENY, IDENTITY, TRUST, Document
from xacct_nb.iam.patterns import covers

ROLE, SSO, USER, ACCOUNT, SESSION, GROUP = "role", "sso role", "user", "account", "session", "group"
ANYONE, DELETED = "anyone", "deleted"
_PRINCIPAL_TYPES = {
    ANYONE: re.compile(r"\*"),
    ACCOUNT: re.compile(r"\d{12}|arn:[^:]*:iam::\d{12}:root"),
    SSO: re.compile(r"arn:[^:]*:iam::\d{12}:role/(?:[^/]+/)*AWSReservedSSO_.+"),
    ROLE: re.compile(r"arn:[^:]*:iam::\d{12}:role/.+"),
    USER: re.compile(r"arn:[^:]*:iam::\d{12}:user/.+"),
    GROUP: re.compile(r"arn:[^:]*:iam::\d{12}:group/.+"),
    SESSION: re.compile(r"arn:[^:]*:sts::\d{12}:assumed-role/.+"),
    DELETED: UNIQUE_ID,
}
_QUALIFIER = re.compile(r"(forallvalues|foranyvalue):")
# The fields of a grant from which the elements and condition keys of its policies are made.
_TRUST_FIELDS = {
    "Principal": "sources",
    "sts:externalid": "conditions.external_id",
    "aws:multifactorauthpresent": "conditions.require_mfa",
    "aws:principalorgid": "conditions.organization_id",
    "aws:sourceip": "conditions.source_ips",
    "sts:rolesessionname": "conditions.role_session_name",
    "sts:sourceidentity": "conditions.source_identity",
    "aws:requesttag": "conditions.session_tags",
    "aws:principalarn": "sources",
}
_PERMISSIONS_FIELDS = {"Action": "permissions.{n}", "Resource": "permissions.{n}"}


@dataclass(frozen=True)
class Clause:
    """One condition: operator and key in lower case and as written, values as text."""

    operator: str
    key: str
    values: tuple[str, ...]
    written: str
    written_operator: str

    @property
    def needs_key(self) -> bool:
        """Return whether a request without the key fails the condition.

        Source: IAM user guide, reference_policies_elements_condition_operators.
        """
        if self.operator == "null":
            return self.values == ("false",)
        excused = ("ifexists" in self.operator, self.operator.startswith("forallvalues:"))
        return not any(excused) and not self.is_negated

    @property
    def is_negated(self) -> bool:
        """Return whether the operator is an inverted one, such as StringNotEquals."""
        return "not" in _QUALIFIER.sub("", self.operator)

    @property
    def plain(self) -> str:
        """Return the operator without IfExists and without ForAllValues or ForAnyValue."""
        return _QUALIFIER.sub("", self.operator).removesuffix("ifexists")


@dataclass(frozen=True)
class LintStatement:
    """One statement of a policy."""

    subject: "Subject"
    number: int
    fields: Document

    @property
    def denies(self) -> bool:
        """Return whether the effect is Deny."""
        return self.fields.get("Effect") == DENY

    def callers_of(self, *types: str) -> tuple[str, ...]:
        """Return the principals of these types; where their roles are compared with patterns, those."""
        if matched := patterns_in(self.fields):
            return tuple(each for each in matched if principal_type(each) in types)
        return self.principals_of(*types)

    @property
    def allows(self) -> bool:
        """Return whether the effect is Allow."""
        return self.fields.get("Effect") == ALLOW

    def listed(self, element: str) -> tuple[str, ...]:
        """Return the values of an element, a single value too."""
        if element not in self._read:
            self._read[element] = tuple(_texts(self.fields.get(element)))
        return self._read[element]

    @cached_property
    def _read(self) -> dict[str, tuple[str, ...]]:
        # Rules ask for the same element of each statement many times.
        return {}

    def principals(self, kind: str = "AWS", element: str = "Principal") -> tuple[str, ...]:
        """Return the principals of one kind (`AWS`, `Service`, `Federated`), each once."""
        named = self.fields.get(element)
        if isinstance(named, Mapping):
            return tuple(dict.fromkeys(_texts(named.get(kind))))
        return tuple(_texts(named)) if kind == "AWS" else ()

    def principals_of(self, *types: str) -> tuple[str, ...]:
        """Return the AWS principals of these types."""
        return tuple(each for each in self.principals() if principal_type(each) in types)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """Return the conditions."""
        operators = self.fields.get("Condition")
        return tuple(
            Clause(str(operator).lower(), str(key).lower(), tuple(_texts(values)), str(key), str(operator))
            for operator, keys in (operators.items() if isinstance(operators, Mapping) else ())
            for key, values in (keys.items() if isinstance(keys, Mapping) else ())
        )

    def on(self, *keys: str) -> tuple[Clause, ...]:
        """Return the conditions on these keys; `aws:requesttag/` matches all keys that start with it."""
        return tuple(
            each
            for each in self.clauses
            if any(each.key == key or (key[-1] == "/" and each.key.startswith(key)) for key in keys)
        )

    def demands(self, clause: Clause) -> bool:
        """Return whether a request must have the key of a condition: by the condition itself, or by Null."""
        by_null = any(each.operator == "null" and each.needs_key for each in self.on(clause.key))
        return clause.needs_key or (by_null and not clause.is_negated and clause.operator != "null")

    def limited_by(self, *keys: str) -> bool:
        """Return whether the statement requires a condition on one of these keys."""
        return any(clause.needs_key for clause in self.on(*keys))

    def covers_action(self, action: str) -> bool:
        """Return whether the statement covers this action."""
        if excluded := self.listed("NotAction"):
            return not any(covers(each, action) for each in excluded)
        return any(covers(each, action) for each in self.listed("Action"))

    def location(self, element: str, it: str = "") -> str:
        """Return where an element is, with the value `it`; in a grant's policy, the field that it is from."""
        grant_fields = self.subject.grant_fields
        if element == "Condition" and (field := grant_fields.get(it.lower().partition("/")[0])):
            return field
        sid = self.fields.get("Sid")
        named = f" ({sid})" if isinstance(sid, str) and sid else ""
        path = f"{self.subject.name}, Statement[{self.number}]{named}.{element}"
        location = grant_fields.get(element, path).replace("{n}", str(self.number))
        return f"{location}: {it}" if it else location


@dataclass(frozen=True)
class Subject:
    """A policy with its kind, its name and its surroundings.

    `limit` is the length that AWS accepts, and `arn` the user or role that has the policy. `own_accounts` are
    the accounts known to belong to the owner. `grant_fields` are the fields of a grant by the elements and
    condition keys made from them.
    """

    kind: str
    name: str
    document: object
    limit: int
    arn: str = ""
    own_accounts: tuple[str, ...] = ()
    grant_fields: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def statements(self) -> tuple[LintStatement, ...]:
        """Return the statements; what is not an object is left out."""
        listed = as_list(self.document.get("Statement")) if isinstance(self.document, Mapping) else []
        return tuple(
            LintStatement(self, number, each)
            for number, each in enumerate(listed)
            if isinstance(each, Mapping)
        )


def principal_type(principal: str) -> str:
    """Return the type of an AWS principal, "" where it is none of them."""
    return next((name for name, pattern in _PRINCIPAL_TYPES.items() if pattern.fullmatch(principal)), "")


def subjects_of(documents: Documents) -> list[Subject]:
    """Return every policy of a grant once; one that several users or roles share is named after the first."""
    shared: dict[tuple[str, str], list[Subject]] = {}
    for subject in _subjects(documents):
        shared.setdefault((subject.name, quotas.minify(subject.document)), []).append(subject)
    return [replace(first, name=_name(first, len(others))) for first, *others in shared.values()]


def _subjects(documents: Documents) -> Iterator[Subject]:
    grant, own = documents.grant, documents.grant.destination_accounts
    for arn, policies in documents.caller_policies.items():
        inline = quotas.INLINE_TOTAL[Arn.parse(arn).kind]
        limit = quotas.MANAGED_POLICY if grant.caller_policy == "managed" else inline
        for policy in policies:
            yield Subject(IDENTITY, "caller policy", policy, limit, arn, own, {"Resource": "destinations"})
    for arn, policy in documents.trust_policies.items():
        # The account's own quota, which may be smaller, is a matter of the grant: `rules/account_quotas.py`.
        yield Subject(TRUST, "trust policy", policy, quotas.TRUST_POLICY_MAX, arn, own, _TRUST_FIELDS)
    for arn, policy in documents.permissions_policies.items():
        limit = quotas.INLINE_TOTAL["role"]
        yield Subject(IDENTITY, "permissions policy", policy, limit, arn, own, _PERMISSIONS_FIELDS)


def _name(subject: Subject, others: int) -> str:
    more = f" and {others} more" if others else ""
    return f"{subject.name} of {Arn.parse(subject.arn).resource}{more}"


def _texts(value: object) -> list[str]:
    return [value_text(each) for each in as_list(value) if isinstance(each, (str, int, float))]
