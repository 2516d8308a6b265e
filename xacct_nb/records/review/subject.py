"""A grant under review as it was found: its declaration, its records, its live state and its use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xacct_nb.changes.narrowing import Narrowing
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.grant import Grant

EVERY = "*"
"""The reviewer's word for every grant that no other reviewer has."""


@dataclass(frozen=True)
class GrantPast:
    """What the records say of a grant: who approved its last change, and when it was proven last.

    A proof that is newer counts alone: `is_proven` says whether it held.
    """

    approved: str = ""
    proof: str = ""
    is_proven: bool = False

    @property
    def is_known(self) -> bool:
        """Return whether both were found."""
        return bool(self.approved and self.proof)


@dataclass(frozen=True)
class LiveState:
    """What was read of a grant in its accounts: how it differs from the declaration, and what was not."""

    differences: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    narrowing: Narrowing | None = None
    use: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReviewSubject:
    """A grant under review, in accounts that are alike.

    `grant` has the roles of the first of `accounts` alone, where it is of a fleet. `is_whole`: these are all
    its accounts. `findings` are the accepted ones. `origin` is the file or the record that declares it.
    """

    key: str
    origin: str
    fleet: str
    grant: Grant
    accounts: tuple[str, ...]
    reviewers: tuple[str, ...]
    is_whole: bool = True
    past: GrantPast = GrantPast()
    live: LiveState = LiveState()
    findings: tuple[str, ...] = ()


def responsible(
    reviewers: Mapping[str, Iterable[str]], names: Iterable[str], accounts: Iterable[str]
) -> tuple[str, ...]:
    """Return the reviewers of a grant of these names in these accounts; without one, those of every grant."""
    wanted = {*names, *accounts}
    found = tuple(each for each, has in reviewers.items() if wanted & set(has))
    return found or tuple(each for each, has in reviewers.items() if EVERY in has)


def check_reviewers(reviewers: Mapping[str, Iterable[str]], subjects: Iterable[ReviewSubject]) -> None:
    """Check that each grant has a reviewer, and each name of a reviewer's list is under review.

    Raises InvalidParameters.
    """
    under = list(subjects)
    known = {EVERY, *(name for each in under for name in (each.grant.name, each.fleet, *each.accounts))}
    if left := sorted({each.grant.name for each in under if not each.reviewers}):
        raise InvalidParameters(
            f"No reviewer has {', '.join(left)}.",
            why="A grant that nobody is asked about would stay without a decision.",
            hint=f'Name it in reviewers, or let one reviewer have "{EVERY}": '
            f'-p reviewers \'{{"NAME": ["{EVERY}"]}}\'',
        )
    if strange := [name for has in reviewers.values() for name in has if name not in known]:
        raise InvalidParameters(
            f"reviewers names {strange[0]!r}, which is not under review.",
            why=f"Under review are: {', '.join(sorted(known - {EVERY, ''}))}.",
            hint="Correct the name of the grant or fleet, or the account id.",
        )
