"""The findings on a grant's policies: the grant must accept each code that widens access."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.documents import Documents
from xacct_nb.grants.state import State
from xacct_nb.iam import quotas
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.grammar import GRAMMARS, IDENTITY, TRUST
from xacct_nb.linting.headroom import Headroom, headroom
from xacct_nb.linting.rules.account_quotas import QUOTA_RULES
from xacct_nb.linting.rules.actions import ACTION_RULES
from xacct_nb.linting.rules.condition_blocks import CONDITION_RULES
from xacct_nb.linting.rules.condition_keys import KEY_RULES
from xacct_nb.linting.rules.contradictions import CONTRADICTION_RULES, never_applies
from xacct_nb.linting.rules.elements import NEGATION_RULES, REFUSAL, SUBJECT_RULES
from xacct_nb.linting.rules.escalation import ESCALATION_RULES
from xacct_nb.linting.rules.federation import FEDERATION_RULES, needs_foreign_claim
from xacct_nb.linting.rules.grant import GRANT_RULES, LIVE_GRANT_RULES, GrantCase
from xacct_nb.linting.rules.live import LIVE_RULES
from xacct_nb.linting.rules.others_roles import OTHERS_RULES
from xacct_nb.linting.rules.perimeters import PERIMETER_RULES
from xacct_nb.linting.rules.permissions import PERMISSION_RULES
from xacct_nb.linting.rules.principals import PRINCIPAL_RULES
from xacct_nb.linting.rules.rule import NOTE, SEVERITIES, WARNING, WIDENS, Finding, Rule, Target
from xacct_nb.linting.rules.subjects import Subject, subjects_of
from xacct_nb.linting.rules.third_parties import THIRD_PARTY_RULES, has_no_possible_id
from xacct_nb.views import Page, Shown, Table, Text, View

_STATEMENT_RULES = (
    *PRINCIPAL_RULES,
    *CONDITION_RULES,
    *NEGATION_RULES,
    *PERMISSION_RULES,
    *ACTION_RULES,
    *FEDERATION_RULES,
    *KEY_RULES,
    *CONTRADICTION_RULES,
    *THIRD_PARTY_RULES,
    *ESCALATION_RULES,
    *PERIMETER_RULES,
)
# Every rule, on statements, policies, grants and the live state.
_LIVE_RULES = (*LIVE_GRANT_RULES, *QUOTA_RULES, *LIVE_RULES, *OTHERS_RULES)
_CASE_RULES = (*GRANT_RULES, *_LIVE_RULES)
RULES = (*_STATEMENT_RULES, *SUBJECT_RULES, REFUSAL, *_CASE_RULES)
_IDLE = (never_applies, has_no_possible_id, needs_foreign_claim)
_ENDED = "The grant has ended, so its policies are not checked: nothing of it is made."
_TONES = {WIDENS: "bad", WARNING: "change", NOTE: "note"}
# Findings that widen nothing, and that the grant must accept too: what it takes over has another owner.
_MUST_ACCEPT = ("managed-elsewhere",)
# Characters that AWS accepts in a policy of unknown use: an identity policy may be a managed one.
_LIMITS = {TRUST: quotas.TRUST_POLICY, IDENTITY: quotas.MANAGED_POLICY}
# Far over the longest policy of AWS, which is that of a KMS key (32,768), and deeper than any.
_MOST_READ, _DEEPEST = 100_000, 12


@dataclass(frozen=True)
class Analysis:
    """The findings of IAM Access Analyzer; `note` says whether it was called, and if not, why."""

    found: tuple[Finding, ...] = ()
    note: str = ""


@dataclass(frozen=True, repr=False)
class Findings(Shown):
    """All findings, the most severe first; `accepted` are the codes that the grant accepts.

    `headroom` is what AWS's quotas leave, where the live state was read; `note` says whether IAM Access
    Analyzer was called.
    """

    found: tuple[Finding, ...]
    accepted: tuple[str, ...] = ()
    headroom: Headroom | None = None
    note: str = ""

    @property
    def unaccepted(self) -> tuple[str, ...]:
        """Return the codes that widen access, or take over what has an owner, and are not accepted yet."""
        codes = (each.code for each in self.found if each.severity == WIDENS or each.code in _MUST_ACCEPT)
        return tuple(code for code in dict.fromkeys(codes) if code not in self.accepted)

    def to_json(self) -> list[dict[str, Any]]:
        """Return one object for each finding."""
        return [finding.to_json() | {"accepted": finding.code in self.accepted} for finding in self.found]

    def view(self) -> View:
        """Return the findings, the codes that the grant must still accept, and the headroom."""
        around: list[View] = [self.headroom.view()] if self.headroom else []
        around += [Text(self.note, "note")] if self.note else []
        if not self.found:
            none = Text("No findings.", "good")
            return Page("Findings", (none, *around)) if around else none
        codes = f"To continue, add to the grant: accept: [{', '.join(self.unaccepted)}]."
        last = (
            Text(codes, "bad")
            if self.unaccepted
            else Text("No further finding needs to be accepted.", "good")
        )
        return Page("Findings", (self.table, last, *around))

    @property
    def table(self) -> Table:
        """Return one row for each finding."""
        rows = tuple((each.code, each.severity, each.where, each.why, each.mend) for each in self.found)
        tones = tuple(_TONES[each.severity] for each in self.found)
        return Table(("code", "severity", "where", "why", "fix"), rows, tones=tones)


def lint(documents: Documents, state: State | None = None, *, analysis: Analysis = Analysis()) -> Findings:
    """Return the findings on the documents of a grant.

    With `state` also on the live resources: callers that would lose access, policies that stay on a role,
    full quotas and the headroom. `analysis` has the findings of IAM Access Analyzer (`xa.analyze(documents,
    sessions)`). A grant that had ended when the state was read has none: nothing of it is made.
    """
    if state is not None and state.is_after(documents.grant.expires):
        return Findings((), documents.grant.accept, note=_ENDED)
    case = GrantCase(documents, state)
    found = [
        *(finding for subject in subjects_of(documents) for finding in _policy_findings(subject)),
        *(finding for rule in _CASE_RULES for finding in rule.findings(case)),
        *analysis.found,
    ]
    left = headroom(documents, state) if state is not None else None
    return Findings(_sorted(found), documents.grant.accept, left, analysis.note)


def live_findings(documents: Documents, state: State) -> tuple[Finding, ...]:
    """Return those findings of `lint` that the live state decides, or may decide."""
    if state.is_after(documents.grant.expires):
        return ()
    case = GrantCase(documents, state)
    return _sorted(finding for rule in _LIVE_RULES for finding in rule.findings(case))


def lint_policy(policy: object, *, kind: str, of: str = "") -> Findings:
    """Return the findings on any policy, given as a document or as JSON text.

    `kind` is identity, trust, resource, service control or resource control. `of` is the ARN of the user or
    role that has the policy, if known: its account is taken as the owner's. Raises InvalidInput, InvalidArn.
    """
    if kind not in GRAMMARS:
        raise InvalidInput(
            f"{kind!r} is not a kind of policy.",
            why=f"The kinds are {', '.join(GRAMMARS)}.",
            hint="A caller policy and a permissions policy are identity policies.",
        )
    own = (Arn.parse(of).account,) if of else ()
    limit = _LIMITS.get(kind, quotas.POLICY_MAX)
    return Findings(
        _sorted(_policy_findings(Subject(kind, f"{kind} policy", _document(policy), limit, of or "", own)))
    )


def _policy_findings(subject: Subject) -> list[Finding]:
    """Return the rules' findings; where none explains why AWS refuses a policy, the parser's reason."""
    hits = [*_hits(SUBJECT_RULES, subject, subject)]
    for statement in subject.statements:
        found = list(_hits(_STATEMENT_RULES, subject, statement))
        # What lets nobody in widens nothing.
        idle = statement.allows and any(check(statement) for check in _IDLE)
        hits += [hit for hit in found if not (idle and hit[1].severity == WIDENS)]
    refused = any(is_refused for is_refused, _ in hits)
    return [*(found for _, found in hits), *(() if refused else REFUSAL.findings(subject))]


def _hits(rules: Iterable[Rule[Target]], subject: Subject, target: Target) -> Iterator[tuple[bool, Finding]]:
    for rule in rules:
        if not rule.kinds or subject.kind in rule.kinds:
            yield from ((rule.refused, found) for found in rule.findings(target))


def _sorted(found: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(dict.fromkeys(found), key=lambda each: SEVERITIES.index(each.severity)))


def _document(policy: object) -> object:
    """Return the document of a policy. Raises InvalidInput where it is not JSON, or far too much of it."""
    try:
        document = json.loads(policy) if isinstance(policy, str) else policy
        length = len(quotas.minify(document)) if _is_flat(document) else None
    except json.JSONDecodeError as problem:
        # The error's own text would quote the policy, which may hold an external ID.
        raise _no_json(f"Line {problem.lineno}, column {problem.colno}: {problem.msg}.") from None
    except RecursionError:
        length = None
    except (TypeError, ValueError) as problem:
        raise _no_json(f"{str(problem).partition(':')[0]}.") from None
    if length is None or length > _MOST_READ:
        raise InvalidInput(
            "The policy is far too long, or nested too deeply.",
            why=f"No policy of AWS has {_MOST_READ:,} characters, or lists in lists.",
            hint="Copy the document of one policy.",
        )
    return document


def _no_json(why: str) -> InvalidInput:
    return InvalidInput("The policy is not JSON.", why=why, hint="Copy the whole document, from { to }.")


def _is_flat(value: object, levels: int = _DEEPEST) -> bool:
    """Return whether a value has at most so many levels of lists and objects in one another."""
    if not isinstance(value, (dict, list, tuple)):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_flat(each, levels - 1) for each in inner)
