"""What an approval covers beside the changes: what the roles can do by other policies, and what is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.grants.state import ResourceKey
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import as_list, canonical_json, statements_of
from xacct_nb.redaction.redact import mask_secrets
from xacct_nb.validation import Serializable


@dataclass(frozen=True)
class PolicyAccess(Serializable):
    """A policy that a plan does not write, and that a role of the plan has, keeps or gets.

    `inline-policy` (role ARN; policy name; the document), `attachment` and `boundary` (role ARN; policy ARN;
    {version, document} of the default version, None where no such policy exists). `trust` (role ARN; the
    trust policy of a role of others, without the grant's statement). Where the target is no role of the
    grant, an `attachment` is one that an adopted managed policy keeps, with the value True.
    """

    kind: str
    target: str
    name: str
    value: Any

    def to_json(self) -> dict[str, Any]:
        """Return plain data, external IDs as fingerprints."""
        return {**super().to_json(), "value": mask_secrets(self.value)}

    @property
    def key(self) -> ResourceKey:
        """Return which policy it is."""
        return ResourceKey(self.kind, self.target, self.name)

    @property
    def title(self) -> str:
        """Return the policy and its role, as people read them."""
        return f"{self.kind} {self.name.rpartition('/')[2]} on {Arn.parse(self.target).resource}"

    def sentence(self, planned: bool) -> str:
        """Return what the policy allows; `planned` where the plan attaches it."""
        who, policy = Arn.parse(self.target).resource, self.name.rpartition("/")[2]
        if self.value is True:
            return f"{who} keeps the policy {policy}, which this plan changes."
        if self.kind == "trust":
            return f"{who} also trusts, by statements of others: {describe_trust(mask_secrets(self.value))}"
        if self.value is None:
            return f"{who}: {self.kind} {policy} does not exist, so it is not known what it allows."
        if self.kind == "boundary":
            return f"{who} can do at most, by its boundary {self._policy}: {self._allowed}"
        verb = "gets" if planned else "can already do"
        return f"{who} {verb}, by the {self._policy}: {self._allowed}"

    @property
    def _policy(self) -> str:
        name = self.name.rpartition("/")[2]
        if self.kind == "inline-policy":
            return f"inline policy {name}"
        return f"policy {name} ({self.value['version']})"

    @property
    def _allowed(self) -> str:
        document = self.value if self.kind == "inline-policy" else self.value["document"]
        return describe_document(mask_secrets(document))


@dataclass(frozen=True)
class Loss(Serializable):
    """What a plan destroys for good, or what a rollback cannot restore, with its document if it has one."""

    what: str
    value: Any = None

    @property
    def sentence(self) -> str:
        """Return what is lost; of a policy version, also what it allows."""
        is_document = isinstance(self.value, Mapping)
        if not is_document:
            return self.what
        return f"{self.what} It allows: {describe_document(mask_secrets(self.value))}"

    def to_json(self) -> dict[str, Any]:
        """Return plain data, external IDs as fingerprints."""
        return {"what": self.what, "value": mask_secrets(self.value)}


def describe_document(document: Any) -> str:
    """Return what a policy allows and denies, statement by statement: every action, resource and condition.

    Nothing is shortened: who approves the plan approves all of it.
    """
    return "; ".join(map(_statement, statements_of(document))) or "nothing"


def describe_trust(trust: Any) -> str:
    """Return whom a trust policy lets in and keeps out, statement by statement."""
    return "; ".join(map(_trust_statement, statements_of(trust))) or "nobody"


def _trust_statement(statement: Any) -> str:
    if not isinstance(statement, Mapping):
        return canonical_json(statement)
    who = statement.get("Principal", {"not": statement.get("NotPrincipal")})
    named = who.values() if isinstance(who, Mapping) else [who]
    effect = "" if statement.get("Effect") == "Allow" else "not: "
    when = f" if {canonical_json(statement['Condition'])}" if statement.get("Condition") else ""
    principals = _some([name for names in named for name in as_list(names)])
    return f"{effect}{principals} for {_named(statement, 'Action', 'every action')}{when}"


def _statement(statement: Any) -> str:
    if not isinstance(statement, Mapping):
        return canonical_json(statement)
    effect = "" if statement.get("Effect") == "Allow" else "not: "
    actions = _named(statement, "Action", "every action")
    resources = _named(statement, "Resource", "every resource")
    when = f" if {canonical_json(statement['Condition'])}" if statement.get("Condition") else ""
    return f"{effect}{actions} on {resources}{when}"


def _named(statement: Mapping[str, Any], element: str, every: str) -> str:
    if f"Not{element}" in statement:
        return f"{every} but {_some(as_list(statement[f'Not{element}']))}"
    return _some(as_list(statement.get(element, [])))


def _some(names: list[Any]) -> str:
    return ", ".join(map(str, names))
