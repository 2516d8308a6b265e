"""What an older change of a grant still expects, where newer changes of the same grant came after it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from xacct_nb.fleets.expansion import Slice
from xacct_nb.fleets.expected import ExpectedGrant
from xacct_nb.grants.documents import SOURCE
from xacct_nb.grants.grant import account_of
from xacct_nb.grants.sentences import describe_arn, join_words

_CALLERS, _ROLE, _ACCOUNT, _UNASKED = "callers", "role", "account", "unasked"
_MOST_NAMED = 5


def left_of(
    older: ExpectedGrant, newer: Iterable[ExpectedGrant]
) -> tuple[ExpectedGrant | None, tuple[str, ...]]:
    """Return what a grant expects that no newer one of its name declares, and sentences on the rest.

    None where nothing is left. The caller policies of an account are those of the newest grant, whose roles
    they name: against an older grant they would differ though nobody else changed them.
    """
    taken = _Taken()
    for each in newer:
        if each.label == older.label:
            taken.add(each)
    slices = tuple(part for each in older.slices for part in taken.left_of(each))
    kept = {each.account for each in slices if each.side != SOURCE}
    kept |= {each for each in _unasked(older) if not taken.has(f"the account {each}", (_ACCOUNT, each))}
    if not taken.told:
        return older, ()
    others = {account: owner for account, owner in older.others.items() if account in kept}
    accounts = tuple(each for each in older.accounts if each in kept)
    left = replace(older, slices=slices, accounts=accounts, others=others)
    return (left if slices or kept else None), tuple(taken.sentences(older.label))


@dataclass
class _Taken:
    """What newer grants have, with the record of the newest, and what an older one lost to each record."""

    records: dict[tuple[str, str], str] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)

    def add(self, grant: ExpectedGrant) -> None:
        """Take what a grant has that no newer one has; the newest is added first."""
        for place in _places_of(grant):
            self.records.setdefault(place, grant.record)

    def has(self, what: str, *places: tuple[str, str]) -> bool:
        """Return whether one of the places is taken, and keep by which record."""
        record = next((self.records[each] for each in places if each in self.records), None)
        if record is not None:
            self.told.setdefault(record, []).append(what)
        return record is not None

    def left_of(self, part: Slice) -> Iterator[Slice]:
        """Yield the slice with the roles that are not taken; a source slice whole, or not at all."""
        account = part.account
        if part.side == SOURCE:
            if not self.has(f"the caller policies in {account}", (_CALLERS, account)):
                yield part
            return
        roles = part.grant.destinations
        left = tuple(
            each for each in roles if not self.has(describe_arn(each), (_ROLE, each), (_UNASKED, account))
        )
        if left == roles:
            yield part
        elif left:
            yield replace(part, grant=part.grant.model_copy(update={"destinations": left}))

    def sentences(self, label: str) -> Iterator[str]:
        """Yield what each newer record has of a grant."""
        for record, what in self.told.items():
            more = [f"{len(what) - _MOST_NAMED} more"] if len(what) > _MOST_NAMED else []
            named = join_words([*what[:_MOST_NAMED], *more])
            yield f"{label}: the newer record {record} has {named}. Only the newer one is proven there."


def _places_of(grant: ExpectedGrant) -> Iterator[tuple[str, str]]:
    """Yield where a grant acts; one that cannot be asked for acts wherever it is declared."""
    for each in grant.slices:
        if each.side == SOURCE:
            yield _CALLERS, each.account
        else:
            yield _ACCOUNT, each.account
            yield from ((_ROLE, role) for role in each.grant.destinations)
    for account in _unasked(grant):
        yield _ACCOUNT, account
        yield _UNASKED, account
    for source in grant.declared.get("sources", ()) if grant.problem else ():
        yield _CALLERS, account_of(str(source))


def _unasked(grant: ExpectedGrant) -> tuple[str, ...]:
    """Return the accounts in which its roles are not asked for: those of others, all if it has a problem."""
    return grant.accounts if grant.problem else tuple(grant.others)
