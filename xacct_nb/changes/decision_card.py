"""The decision card: what a person must know before they approve a plan, the same wherever it is shown."""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from xacct_nb.changes.plan import Plan
from xacct_nb.linting.rules.rule import WARNING, WIDENS, Finding
from xacct_nb.validation import Serializable
from xacct_nb.views import Banner, Code, Page, Shown, Table, Text, View

_NO_FINDINGS = Text("No findings.", "good")


@dataclass(frozen=True)
class CardAccount(Serializable):
    """An account that the plan is about: its side, its id, its alias if it could be read, who acts in it."""

    side: str
    id: str
    alias: str = ""
    caller: str = ""

    @property
    def line(self) -> str:
        """Return the account on one line."""
        alias = f" ({self.alias})" if self.alias else ""
        return f"{self.side} account {self.id}{alias}{f', as {self.caller}' if self.caller else ''}"


@dataclass(frozen=True)
class CardPlace(Serializable):
    """Where the plan acts: `kind` is sandbox, aws, or another endpoint; `user` is at the controls."""

    kind: str
    accounts: tuple[CardAccount, ...] = ()
    user: str = ""

    def view(self) -> View:
        """Return the place in words, with both accounts and who is at the controls."""
        named = [each.line for each in self.accounts]
        at = [f"at the controls: {self.user}"] if self.user else []
        return Banner("\n".join((*named, *at)), self.kind)


@dataclass(frozen=True)
class CardFinding(Serializable):
    """A finding on the card; `needs_accept` where the grant must accept its code, and does not yet."""

    code: str
    severity: str
    why: str
    mend: str = ""
    accepted: bool = False
    needs_accept: bool = False

    @property
    def state(self) -> str:
        """Return what the grant says of it, as people read it."""
        return "needs accept" if self.needs_accept else "accepted" if self.accepted else ""

    @property
    def tone(self) -> str:
        """Return the tone of its row."""
        return "bad" if self.needs_accept else "change" if self.severity in (WIDENS, WARNING) else ""


@dataclass(frozen=True, repr=False)
class DecisionCard(Shown, Serializable):
    """What is approved, in words: who will be able to do what, who loses what, where, and by whom.

    `same_person` says whether planner and approver are one person, None where that is not known yet. `rules`
    are what the approval needs besides. `blockers` say why this plan cannot be approved; none: it can.
    `command` is the whole command that approves it, "" where a form does. `checked` says whether findings
    were looked for: a rollback has none.
    """

    sentences: tuple[str, ...]
    losses: tuple[str, ...]
    banner: CardPlace
    findings: tuple[CardFinding, ...]
    planner: str
    approver: str
    same_person: bool | None
    digest: str
    summary: str
    rules: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    command: str = ""
    checked: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return plain data, with the codes that need `accept`."""
        needed = [each.code for each in self.findings if each.needs_accept]
        return {**super().to_json(), "needs_accept": list(dict.fromkeys(needed))}

    def view(self) -> View:
        """Return the place, the sentences, the losses, the findings, the people, and what is to be done."""
        return Page("Decision", tuple(self._parts()))

    def _parts(self) -> Iterator[View]:
        yield self.banner.view()
        yield from (Text(each) for each in self.sentences)
        yield from (Text(each, "change") for each in self.losses)
        if self.checked:
            yield self._findings()
        yield Table(("", ""), tuple(self._facts()))
        if not self.digest:
            yield Text(" ".join(self.blockers), "note")
            return
        yield from (Code("To sign it", each) for each in self._signing())
        yield from (Text(f"It cannot be approved. {each}", "bad") for each in self.blockers)
        if self.command and not self.blockers:
            yield Code("To approve exactly this plan", self.command)

    def _signing(self) -> Iterator[str]:
        """Yield the commands among the rules, with this digest; a record may hold any text there."""
        for each in self.rules:
            words = f"{_SIGNS}{each.partition(_SIGNS)[2]}".strip(": ").replace("DIGEST", self.digest)
            if each != _without_command(each) and _quoted(words) == words:
                yield words

    def _findings(self) -> View:
        if not self.findings:
            return _NO_FINDINGS
        rows = tuple(
            (each.code, each.severity, f"{each.why}\n{each.mend}".strip(), each.state)
            for each in self.findings
        )
        tones = tuple(each.tone for each in self.findings)
        return Table(("finding", "severity", "why", ""), rows, tones=tones)

    def _facts(self) -> Iterator[tuple[str, str]]:
        yield "plan", self.summary
        if self.planner:
            yield "planner", self.planner
        if self.digest:
            yield "approver", (self.approver or "not known yet") + (_SAME if self.same_person else "")
        if self.rules:
            yield "approval", "\n".join(_without_command(each) for each in self.rules)
        if self.digest:
            yield "digest", self.digest


_SAME = " (the planner, too)"
_SIGNS = ": xacct-nb approve "


def _without_command(rule: str) -> str:
    before, signs, _ = rule.partition(_SIGNS)
    return f"{before}." if signs else rule


def _quoted(command: str) -> str:
    """Return a command as a shell reads it, each word quoted; "" where it cannot be read."""
    try:
        return shlex.join(shlex.split(command))
    except ValueError:
        return ""


def card_findings(found: Iterable[Finding], plan: Plan, accepted: Iterable[str]) -> tuple[CardFinding, ...]:
    """Return the findings as a card shows them; the plan knows which codes still need `accept`."""
    codes = set(accepted)
    return tuple(
        CardFinding(
            each.code, each.severity, each.why, each.mend, each.code in codes, each.code in plan.unaccepted
        )
        for each in found
    )


def unaccepted_problem(plan: Plan) -> str:
    """Return why a plan with findings that are not accepted cannot be approved, "" where there are none."""
    if not plan.unaccepted:
        return ""
    codes = ", ".join(plan.unaccepted)
    return f"The grant does not accept {codes}. Add to the grant: accept: [{codes}], and plan again."
