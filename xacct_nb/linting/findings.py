"""What deserves a second look before it is applied; what widens access needs the grant's own word."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.documents import Documents
from xacct_nb.grants.state import State
from xacct_nb.iam import quotas
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.grammar import GRAMMARS, IDENTITY, TRUST
from xacct_nb.linting.headroom import Headroom, headroom
from xacct_nb.linting.rules.condition_blocks import CONDITION_RULES
from xacct_nb.linting.rules.elements import NEGATION_RULES, REFUSAL, SUBJECT_RULES
from xacct_nb.linting.rules.grant import GRANT_RULES, GrantCase
from xacct_nb.linting.rules.permissions import PERMISSION_RULES
from xacct_nb.linting.rules.principals import PRINCIPAL_RULES
from xacct_nb.linting.rules.rule import NOTE, SEVERITIES, WARNING, WIDENS, Finding, Rule
from xacct_nb.linting.rules.subjects import Subject, subjects_of
from xacct_nb.views import Page, Shown, Table, Text, View

_STATEMENT_RULES = (*PRINCIPAL_RULES, *CONDITION_RULES, *NEGATION_RULES, *PERMISSION_RULES)
_TONES = {WIDENS: "bad", WARNING: "change", NOTE: "note"}
# Characters that AWS takes in a policy that is pasted: an identity policy may be a managed one.
_LIMITS = {TRUST: quotas.TRUST_POLICY, IDENTITY: quotas.MANAGED_POLICY}


@dataclass(frozen=True)
class Analysis:
    """What IAM Access Analyzer finds in the documents; `said` is whether it was asked, and if not, why."""

    found: tuple[Finding, ...] = ()
    note: str = ""


@dataclass(frozen=True, repr=False)
class Findings(Shown):
    """All findings, what weighs most first; `accepted` are the codes that the grant says are wanted.

    `room` is what is left under AWS's quotas, where the live state is known; `said` is whether IAM Access
    Analyzer was asked too.
    """

    found: tuple[Finding, ...]
    accepted: tuple[str, ...] = ()
    headroom: Headroom | None = None
    note: str = ""

    @property
    def unaccepted(self) -> tuple[str, ...]:
        """Codes of what widens access without the grant's word."""
        widening = (finding.code for finding in self.found if finding.severity == WIDENS)
        return tuple(code for code in dict.fromkeys(widening) if code not in self.accepted)

    def to_json(self) -> list[dict[str, Any]]:
        """One object a finding."""
        return [asdict(finding) | {"accepted": finding.code in self.accepted} for finding in self.found]

    def view(self) -> View:
        """The findings and the word that is still needed, then the room that is left."""
        around: list[View] = [self.headroom.view()] if self.headroom else []
        around += [Text(self.note, "note")] if self.note else []
        if not self.found:
            none = Text("No findings.", "good")
            return Page("Findings", (none, *around)) if around else none
        rows = tuple((each.code, each.severity, each.where, each.why, each.mend) for each in self.found)
        tones = tuple(_TONES[each.severity] for each in self.found)
        table = Table(("code", "severity", "where", "why", "mend"), rows, tones=tones)
        word = f"To go on, the grant must say accept: [{', '.join(self.unaccepted)}]."
        last = Text(word, "bad") if self.unaccepted else Text("Nothing here needs a word more.", "good")
        return Page("Findings", (table, last, *around))


def lint(documents: Documents, state: State | None = None, *, analysis: Analysis = Analysis()) -> Findings:
    """The findings on the documents of a grant.

    With `state` also on what is there already: who would be shut out, what stays on a role, what is full,
    and how much room is left.
    `analysis` is what IAM Access Analyzer says (`xa.analyze(documents, sessions)`).
    """
    case = GrantCase(documents, state)
    found = [
        *(finding for subject in subjects_of(documents) for finding in _policy_findings(subject)),
        *(finding for rule in GRANT_RULES for finding in rule.findings(case)),
        *analysis.found,
    ]
    left = headroom(documents, state) if state is not None else None
    return Findings(_sorted(found), documents.grant.accept, left, analysis.note)


def lint_policy(policy: Any, *, kind: str, of: str = "") -> Findings:
    """The findings on any policy, as a document or as JSON text.

    `kind` is identity, trust, resource, service control or resource control; `of` the ARN of the user or role
    that it is on, if known: its account counts as one's own. Raises InvalidInput, InvalidArn.
    """
    if kind not in GRAMMARS:
        raise InvalidInput(
            f"{kind!r} is no kind of policy.",
            why=f"There are {', '.join(GRAMMARS)}.",
            hint="A caller policy and a permissions policy are identity policies.",
        )
    own = (Arn.parse(of).account,) if of else ()
    limit = _LIMITS.get(kind, quotas.POLICY_MAX)
    return Findings(
        _sorted(_policy_findings(Subject(kind, f"{kind} policy", _document(policy), limit, of, own)))
    )


def _policy_findings(subject: Subject) -> list[Finding]:
    """What the rules find; where they do not see why AWS refuses a policy, the evaluator's words."""
    hits = [*_hits(SUBJECT_RULES, subject, subject)]
    for statement in subject.statements:
        hits += _hits(_STATEMENT_RULES, subject, statement)
    refused = any(rule.refused for rule, _ in hits)
    return [*(found for _, found in hits), *(() if refused else REFUSAL.findings(subject))]


def _hits(rules: Iterable[Rule[Any]], subject: Subject, looked: Any) -> Iterator[tuple[Rule[Any], Finding]]:
    for rule in rules:
        if not rule.kinds or subject.kind in rule.kinds:
            yield from ((rule, found) for found in rule.findings(looked))


def _sorted(found: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(dict.fromkeys(found), key=lambda each: SEVERITIES.index(each.severity)))


def _document(policy: Any) -> Any:
    if not isinstance(policy, str):
        return policy
    try:
        return json.loads(policy)
    except json.JSONDecodeError as problem:
        # Its own words would bring the text along, and that may hold an external ID.
        raise InvalidInput(
            "The policy is not JSON.",
            why=f"Line {problem.lineno}, column {problem.colno}: {problem.msg}.",
            hint="Copy the whole document, from { to }.",
        ) from None
