"""What is not as declared any more, with the calls in CloudTrail that changed it: who made them, and when."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile

from xacct_nb.changes.plan import Change
from xacct_nb.grants.own_statement import TRUST_STATEMENT
from xacct_nb.iam.arns import Arn
from xacct_nb.validation import Serializable
from xacct_nb.views import Table

KEPT_DAYS = 90
"""Days for which CloudTrail keeps the events that can be looked up (LookupEvents)."""
_MOST = 5
_ROLE = ("CreateRole role", "DeleteRole role")
# The calls that change a kind of resource, and what names it in each; {Kind} is Role, User or Group.
_CALLS = {
    "role": (*_ROLE,),
    "trust": ("UpdateAssumeRolePolicy role", *_ROLE),
    TRUST_STATEMENT: ("UpdateAssumeRolePolicy role", *_ROLE),
    "settings": ("UpdateRole role", "UpdateRoleDescription role", *_ROLE),
    "boundary": ("PutRolePermissionsBoundary role", "DeleteRolePermissionsBoundary role", *_ROLE),
    "tags": ("TagRole role", "UntagRole role", *_ROLE),
    "inline-policy": ("Put{Kind}Policy holder name", "Delete{Kind}Policy holder name", "Delete{Kind} holder"),
    "attachment": (
        *("Attach{Kind}Policy holder policy", "Detach{Kind}Policy holder policy", "Delete{Kind} holder"),
    ),
    "managed-policy": (
        *("CreatePolicy policy-name", "CreatePolicyVersion policy", "SetDefaultPolicyVersion policy"),
        *("DeletePolicyVersion policy", "DeletePolicy policy", "TagPolicy policy", "UntagPolicy policy"),
    ),
}  # fmt: skip
_NONE_LATER = (
    "CloudTrail has no call on it after those of the record {}. It shows a call some minutes "
    "after it was made."
)
_HAPPENED = {"+": "removed", "~": "changed", "-": "added"}
"""What others did, by the sign of the change that would restore it."""


@dataclass(frozen=True)
class TrailEvent(Serializable):
    """A call that changed IAM, as CloudTrail has it: when (UTC), which, by whom, on what; no policy is in it.

    `names` are the parameters that name resources. `by_tool` says whether the client called itself xacct-nb,
    `record` is the record of the run that made the call, "" where no record has it.
    """

    at: str
    call: str
    who: str
    request_id: str
    names: Mapping[str, str] = field(default_factory=dict)
    by_tool: bool = False
    record: str = ""

    @property
    def sentence(self) -> str:
        """Return when, by whom and by which call; of our own calls, also by which run."""
        own = f", in the run of the record {self.record}" if self.record else ""
        unknown = ", by xacct-nb in a run whose record is not here" if self.by_tool and not own else ""
        return f"at {self.at} by {self.who} ({self.call}, request id {self.request_id}){own or unknown}"


@dataclass(frozen=True)
class TrailAnswer(Serializable):
    """What CloudTrail told of an account since a moment (UTC), the newest first; or why it was not read.

    `cut` says that it may have more events than were read.
    """

    since: str
    events: tuple[TrailEvent, ...] = ()
    problem: str = ""
    cut: bool = False


@dataclass(frozen=True)
class Drift(Serializable):
    """A resource that is not as declared: the change that would restore it, and the calls that changed it.

    `restores` is the title of that change, with its sign. `unexplained` says why no call is known.
    """

    account: str
    restores: str
    events: tuple[TrailEvent, ...] = ()
    unexplained: str = ""

    @property
    def sentence(self) -> str:
        """Return what became of the resource, when, and by whom; else why that is not known."""
        sign, title = self.restores[0], self.restores[2:]
        happened = f"{title} was {_HAPPENED[sign]}"
        if not self.events:
            return f"{happened}. Who did it is not known: {self.unexplained}"
        first, *others = self.events
        more = f"; {len(others)} earlier call{'s' * (len(others) != 1)} changed it, too" if others else ""
        return f"{happened} {first.sentence}{more}."

    def since_record(self, record: str, own: Mapping[str, str]) -> "Drift":
        """Return it with what was called since the change of a record, "" where none is known.

        `own` has the record of each call of our own by its request id; such a call names its record.
        """
        named = [replace(each, record=own.get(each.request_id, "")) for each in self.events]
        later = tuple(takewhile(lambda each: not record or each.record != record, named))
        gone = _NONE_LATER.format(record) if named and not later else self.unexplained
        return replace(self, events=later, unexplained=gone)


def drift_table(drift: Iterable[Drift]) -> Table:
    """Return one row for each call that changed something, or for a resource of which no call is known."""
    rows = tuple(row for each in drift for row in _rows(each))
    heads = ("account", "to restore it", "at (UTC)", "by", "call", "request id")
    return Table(heads, rows, caption="What others changed", tones=("change",) * len(rows))


def explain(changes: Iterable[Change], trail: TrailAnswer) -> tuple[Drift, ...]:
    """Return each change that would restore a resource, with the events that changed it.

    A call counts where it can change this kind of resource and names this one. Its policy is not compared,
    so that an earlier one may have made the difference.
    """
    return tuple(_explained(each, trail) for each in changes)


def calls_on(change: Change) -> dict[str, dict[str, str]]:
    """Return the calls that can change a resource, each with the parameters that name the resource.

    There are none for a kind of resource that is not in the table.
    """
    names, kind = _names(change), _holder(change).title()
    rows = (each.format(Kind=kind).split() for each in _CALLS.get(change.kind, ()))
    return {call: dict(names[key] for key in keys) for call, *keys in rows}


def resource_names(change: Change) -> tuple[str, ...]:
    """Return the names by which CloudTrail is asked for the events of a resource."""
    named = (value for names in calls_on(change).values() for value in names.values())
    return tuple(dict.fromkeys(named))


def changes_resource(event: TrailEvent, change: Change) -> bool:
    """Return whether an event is of a call on this resource. IAM's names are equal in any case."""
    wanted = calls_on(change).get(event.call)
    return wanted is not None and all(
        event.names.get(key, "").lower() == value.lower() for key, value in wanted.items()
    )


def _explained(change: Change, trail: TrailAnswer) -> Drift:
    found = tuple(each for each in trail.events if changes_resource(each, change))[:_MOST]
    restores = f"{change.sign} {change.title}"
    return Drift(change.account, restores, found, "" if found else _unexplained(trail))


def _unexplained(trail: TrailAnswer) -> str:
    if trail.problem:
        return trail.problem
    cut = " It has more events than were read." if trail.cut else ""
    return (
        f"CloudTrail has no call on it since {trail.since}.{cut} It keeps events for {KEPT_DAYS} days, "
        "and shows a call some minutes after it was made."
    )


def _names(change: Change) -> dict[str, tuple[str, str]]:
    """Return the parameter and the value by which a call names each part of a resource."""
    target = Arn.parse(change.target)
    policy = change.target if change.kind == "managed-policy" else change.name
    return {
        "role": ("roleName", target.name),
        "holder": (f"{_holder(change)}Name", target.name),
        "name": ("policyName", change.name),
        "policy": ("policyArn", policy),
        "policy-name": ("policyName", target.name),
    }


def _holder(change: Change) -> str:
    """Return user, role or group: the kind of what the resource belongs to."""
    return Arn.parse(change.target).resource.partition("/")[0]


def _rows(drift: Drift) -> Iterator[tuple[str, ...]]:
    for each in drift.events:
        own = f"\nxacct-nb, record {each.record}" if each.record else "\nxacct-nb" * each.by_tool
        yield drift.account, drift.restores, each.at, f"{each.who}{own}", each.call, each.request_id
    if not drift.events:
        yield drift.account, drift.restores, "", "not known", "", drift.unexplained
