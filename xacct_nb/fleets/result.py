"""What a run over a fleet did in each account, and what is expected and not proven."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from xacct_nb.changes.drift import Drift, drift_table
from xacct_nb.changes.plan import Change
from xacct_nb.fleets.plan import NO_WAITS, NOT_ACCEPTED, SliceKey, Waits
from xacct_nb.grants.documents import SOURCE
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View

PROVEN, APPLIED, UNCHANGED = "proven", "applied", "no-change"
STALE, NOT_STARTED, UNREADABLE = "stale-plan", "not-started", "unreadable"
FAILED, ROLLED_BACK, ROLLBACK_FAILED = "failed", "rolled-back", "rollback-failed"
UNDONE, DRIFTED, LOST = "undone", "drifted", "lost"
PROOF_FAILED, NOT_PROVEN, NOT_ASKED = "proof-failed", "not-proven", "not-asked"
HANDED_OVER = "handed-over"
GOOD = (PROVEN, APPLIED, UNCHANGED, UNDONE)
OPEN = frozenset((NOT_PROVEN, NOT_ASKED, HANDED_OVER, UNREADABLE, LOST, NOT_STARTED))
"""Statuses that show neither that the access is as the fleet says, nor that it is not."""
MEANINGS = {
    PROVEN: "applied or unchanged, and AWS answered every call as the grant says",
    APPLIED: "applied; there is nothing to prove on this side",
    UNCHANGED: "nothing to change, and nothing to prove on this side",
    NOT_ACCEPTED: "a finding on what is there has to be accepted first; nothing was changed",
    STALE: "the live state is another one than the approved plan says; nothing was changed",
    DRIFTED: "it was changed since it was applied, by others or by a later run; it is left as it is",
    NOT_STARTED: "not begun, since the run stopped before",
    UNREADABLE: "the account could not be entered or read; nothing was changed",
    FAILED: "an unexpected error",
    LOST: "the process that worked on it ended before it answered; what it had called may have taken effect",
    ROLLED_BACK: "a call failed; the account is as it was before",
    UNDONE: "what the run had changed was rolled back",
    ROLLBACK_FAILED: "a call failed, and what was made before could not be undone",
    PROOF_FAILED: "AWS answered otherwise than the grant says",
    NOT_PROVEN: "applied, and no call shows that the access works",
    NOT_ASKED: "it could not be asked whether the access is as declared",
    HANDED_OVER: "its owner was asked to make it, or is to be asked; no answer of theirs was accepted yet",
}
"""Each status with its meaning."""
_IF_ANY = ("by_source", "drift", "waits", "ended")
BAD = (ROLLBACK_FAILED, FAILED, LOST, PROOF_FAILED, UNREADABLE, ROLLED_BACK)


@dataclass(frozen=True)
class SliceResult(Serializable):
    """What was done in one account for one side of a grant, and what AWS answered.

    `changes` are those that were made and not rolled back. `proof` is the proof's last line. Of a failure,
    `code`, `reason` and `hint` are the error's, and `cause` what the diagnosis found. `found` is the number
    of approved changes that were there already when the work began, made by a worker that was lost, by an
    earlier run or by others: they are not among the changes. `by_source` has the
    status of each source, where the sources do not all have the same one. `drift` is what others changed,
    `waits` are the retries. Where the grant has `ended`, proven means that AWS denies its callers.
    """

    grant: str
    side: str
    account: str
    status: str
    changes: tuple[Change, ...] = ()
    proof: str = ""
    code: str = ""
    reason: str = ""
    hint: str = ""
    cause: str = ""
    seconds: float = 0.0
    found: int = 0
    by_source: Mapping[str, str] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()
    waits: Waits = NO_WAITS
    ended: bool = False

    @property
    def key(self) -> SliceKey:
        """Return the key of the slice."""
        return self.grant, self.side, self.account

    def status_of(self, source: str) -> str:
        """Return the status of one source of the grant in this account."""
        return self.by_source.get(source, self.status)

    def to_json(self) -> dict[str, Any]:
        """Return plain data; `by_source`, `drift`, `waits`, `ended` only where there are some."""
        return {name: value for name, value in super().to_json().items() if value or name not in _IF_ANY}

    def without_changes(self) -> "SliceResult":
        """Return the result without its changes, which the journal of a record has, too."""
        return replace(self, changes=())

    @property
    def is_good(self) -> bool:
        """Return whether the account is as the fleet says, as far as this side can show it."""
        return self.status in GOOD


@dataclass(frozen=True, repr=False)
class FleetResult(Shown, Serializable):
    """The results of all slices of a fleet: what is not as it should be first."""

    fleet: str
    results: tuple[SliceResult, ...]
    stopped: str = ""
    is_rollback: bool = False
    is_interrupted: bool = False

    @property
    def holds(self) -> bool:
        """Return whether every account is as the fleet says."""
        return all(each.is_good for each in self.results)

    @property
    def waits(self) -> Waits:
        """Return the retries of the work on all accounts."""
        return Waits.sum(each.waits for each in self.results)

    @property
    def missing(self) -> tuple[SliceResult, ...]:
        """Return what is expected and not proven."""
        return tuple(each for each in self.results if not each.is_good)

    @property
    def summary(self) -> str:
        """Return in one line how many accounts have the access, and how many do not."""
        if self.is_rollback:
            return self._undone
        accounts = [each for each in self.results if each.side != SOURCE and not each.ended]
        ended = sum(each.ended for each in self.results)
        removals = f"{self.removed} of {ended} removed, since their grants have ended"
        if ended and not accounts:
            return f"Fleet: {removals}{self._others}."
        proven = sum(each.status == PROVEN for each in accounts)
        made = sum(each.status in (APPLIED, UNCHANGED) for each in accounts)
        if made and not proven:
            return (
                f"Fleet: {made} of {len(accounts)} roles made{self._others}; who asked for them proves them."
            )
        also = f", {removals}" if ended else ""
        return f"Fleet: {proven} of {len(accounts)} roles proven{also}{self._others}."

    @property
    def removed(self) -> int:
        """Return the number of roles whose grant has ended, and whose callers AWS denies."""
        return sum(each.ended and each.status == PROVEN for each in self.results)

    @property
    def unbegun(self) -> int:
        """Return the number of accounts in which something was not begun."""
        return len({each.account for each in self.results if each.status == NOT_STARTED})

    @property
    def _undone(self) -> str:
        undone = sum(each.status == UNDONE for each in self.results)
        return f"Fleet: {undone} of {len(self.results)} slices rolled back{self._others}."

    @property
    def _others(self) -> str:
        counts = Counter(each.status for each in self.missing)
        return "".join(f", {count} {status}" for status, count in sorted(counts.items()))

    def view(self) -> View:
        """Return each account that is not as it should be with its cause, then the numbers."""
        rows = tuple(
            (each.account, each.grant, each.status, _why(each))
            for each in sorted(self.missing, key=lambda each: (each.status, each.key))
        )
        tones = tuple("bad" if row[2] in BAD else "change" for row in rows)
        table = (
            Table(("account", "grant", "status", "why"), rows, caption="Not as it should be", tones=tones),
        )
        numbers = Counter(each.status for each in self.results)
        totals = tuple(
            (status, str(count), MEANINGS.get(status, "")) for status, count in sorted(numbers.items())
        )
        drift = [each for result in self.missing for each in result.drift]
        stopped = (Text(self.stopped, "bad"),) if self.stopped else ()
        found = tuple(
            Text(_found(count)) for count in [sum(each.found > 0 for each in self.results)] if count
        )
        return Page(
            f"Fleet {self.fleet}",
            (
                *(table if rows else ()),
                *((drift_table(drift),) if drift else ()),
                Table(("status", "slices", "meaning"), totals),
                *found,
                *((Text(_waited(self.results), "note"),) if self.waits.retries else ()),
                *stopped,
                Text(self.summary, "good" if self.holds else "bad"),
            ),
        )


def not_started(keys: Iterable[SliceKey]) -> tuple[SliceResult, ...]:
    """Return the results of slices that the run did not begin."""
    return tuple(SliceResult(*key, NOT_STARTED) for key in keys)


def _found(count: int) -> str:
    where = "one slice" if count == 1 else f"{count} slices"
    return (
        f"In {where}, approved changes were there already when the work began: made by an earlier run, by a "
        "worker that was lost, or by others. They are not rolled back with this result."
    )


def _waited(results: Iterable[SliceResult]) -> str:
    """Return how long was waited for retries, and in which account most of it."""
    most = max(results, key=lambda each: each.waits.seconds)
    waits = Waits.sum(each.waits for each in results)
    return (
        f"{waits.retries} calls were made again, after {waits.seconds:.1f} s of waiting: "
        f"{most.waits.seconds:.1f} s of it in account {most.account}."
    )


def _why(result: SliceResult) -> str:
    return "\n".join(filter(None, (result.reason, result.cause, result.hint)))
