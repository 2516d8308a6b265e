"""A smaller grant, from what AWS reports as used: what is dropped, what is kept, and why."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from xacct_nb.changes.action_use import (
    ORDER,
    PASS_ROLE,
    TOO_NEW,
    UNKNOWN,
    UNTRACKED,
    UNUSED,
    USED,
    ActionUse,
    RoleReports,
)
from xacct_nb.changes.newly_allowed import newly_allowed
from xacct_nb.changes.source_use import SourceUse, uses_of_sources
from xacct_nb.changes.usage import REPORTING_HOURS, PolicyActions, Usage, day_of
from xacct_nb.grants.conditions import Permission
from xacct_nb.grants.grant import Grant
from xacct_nb.iam.patterns import covers
from xacct_nb.linting.service_reference import service_reference
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View

DROPPED, NARROWED, KEPT = "dropped", "narrowed", "kept"
LEAST_DAYS = 90
"""For how many days AWS must have tracked a role before what it never used is dropped."""
_EVERYTHING = "*"


@dataclass(frozen=True)
class NarrowedItem(Serializable):
    """An action or managed policy of a grant: its outcome, what `stays` of it, and why.

    `where` is the field of the grant, such as `permissions.0`; `code` is one of those of ActionUse.
    """

    where: str
    what: str
    outcome: str
    stays: tuple[str, ...]
    code: str
    because: str

    @property
    def remainder(self) -> str:
        """Return what stays where only a part goes, line by line."""
        return "\n".join(self.stays) if self.outcome == NARROWED else ""

    @property
    def line(self) -> str:
        """Return the item on one line."""
        rest = f" to {', '.join(self.stays)}" if self.outcome == NARROWED else ""
        return f"{self.what}: {self.outcome}{rest}. {self.because}"


@dataclass(frozen=True, repr=False)
class Narrowing(Shown, Serializable):
    """What of a grant is used: item by item, and the `smaller` grant, None where there is none to propose.

    `ends`: nothing of the grant was used, so that it should end instead. `notes` are sentences that a person
    must know before they decide.
    """

    grant: str
    items: tuple[NarrowedItem, ...]
    smaller: Grant | None = None
    ends: bool = False
    sources: tuple[SourceUse, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def dropped(self) -> tuple[NarrowedItem, ...]:
        """Return the items of which something goes."""
        return tuple(each for each in self.items if each.outcome != KEPT)

    @property
    def summary(self) -> str:
        """Return the outcome as one sentence."""
        gone, all_of = len(self.dropped), len(self.items)
        if self.ends:
            return f"Nothing that {self.grant} allows was used: end it, instead of making it smaller."
        if self.smaller is None:
            return f"{self.grant} stays as it is."
        return f"{self.grant} can be smaller: {gone} of its {all_of} actions and policies."

    def view(self) -> View:
        """Return each action with its reason, the sources, and what to know before deciding."""
        rows = tuple(
            (each.where, each.what, each.outcome, each.remainder, each.because) for each in self.items
        )
        tones = tuple({DROPPED: "destroy", NARROWED: "change"}.get(each.outcome, "") for each in self.items)
        head = ("where", "action or policy", "outcome", "stays", "because")
        parts: list[View] = [Text(self.summary, "note" if self.ends else ""), Table(head, rows, "", tones)]
        if self.sources:
            named = tuple((each.source, each.says) for each in self.sources)
            parts.append(Table(("source", "what is known of its use"), named))
        parts += [Text(each, "note") for each in self.notes]
        return Page(f"What {self.grant} needs", tuple(parts))


def narrow(
    grant: Grant, usage: Usage, *, tracked_days: int = LEAST_DAYS, keep: Collection[str] = ()
) -> Narrowing:
    """Return what can go from a grant by what AWS reports of its roles, and the smaller grant.

    Drops only what no role used while AWS tracked it, for at least `tracked_days`. What AWS does not track,
    or did not tell, stays, and so does what is in `keep`: actions as the grant has them, ARNs of policies.
    The smaller grant allows nothing that the grant does not allow.
    """
    sources = uses_of_sources(grant, usage)
    if grant.trust_only:
        return Narrowing(grant.name, (), sources=sources, notes=(_OWNER,))
    reports = RoleReports.of(grant.destinations, usage, tracked_days)
    found = (*_of_permissions(grant, reports), *_of_policies(grant, reports, usage))
    items = tuple(_kept(each) if each.what in keep else each for each in found)
    notes = (*usage.unknown, *_NOTES)
    if not any(each.outcome != KEPT for each in items):
        return Narrowing(grant.name, items, sources=sources, notes=usage.unknown)
    smaller = _without(grant, items)
    if not (smaller.permissions or smaller.managed_policies):
        return Narrowing(grant.name, items, ends=True, sources=sources, notes=(_END, *notes))
    if wider := newly_allowed([grant], [smaller]):
        doubt = (
            f"No smaller grant is proposed, since it is not certain that it is smaller: {wider[0].sentence}"
        )
        return Narrowing(grant.name, items, sources=sources, notes=(doubt, *notes))
    return Narrowing(grant.name, items, smaller, sources=sources, notes=notes)


def _of_permissions(grant: Grant, reports: RoleReports) -> Iterator[NarrowedItem]:
    for number, permission in enumerate(grant.permissions):
        for action in permission.actions:
            yield _item(f"permissions.{number}", action, *_narrowed(action, reports))


def _kept(item: NarrowedItem) -> NarrowedItem:
    """Return an item that stays, because a person says so."""
    return replace(item, outcome=KEPT, stays=(item.what,), because=f"It is to be kept. {item.because}")


def _item(where: str, what: str, stays: tuple[str, ...], use: ActionUse) -> NarrowedItem:
    outcome = DROPPED if not stays else KEPT if stays == (what,) else NARROWED
    return NarrowedItem(where, what, outcome, stays, use.code, use.because)


def _narrowed(action: str, reports: RoleReports) -> tuple[tuple[str, ...], ActionUse]:
    """Return what stays of an action or a pattern of actions, and why."""
    service, _, name = action.partition(":")
    if action == _EVERYTHING:
        return _of_everything(action, reports)
    if not set("*?") & set(name):
        use = reports.of_action(action)
        return (() if use.code == UNUSED else (action,)), use
    use = reports.of_service(service)
    if use.code == UNUSED:
        stays = _with_pass_role((), action, reports)
        return stays, reports.of_action(PASS_ROLE) if stays else use
    return _by_actions(action, reports) if use.code == USED else ((action,), use)


def _of_everything(action: str, reports: RoleReports) -> tuple[tuple[str, ...], ActionUse]:
    """Return the used services of `*`."""
    use = reports.of_everything()
    if use.code != UNUSED:
        return (action,), use
    kept = tuple(f"{each}:*" for each in reports.used_services)
    others = "These are the services with an attempt. There was no attempt at others since"
    why = f"{others} {day_of(use.moment)}." if kept else use.because
    return _with_pass_role(kept, action, reports), ActionUse(UNUSED, use.moment, why)


def _with_pass_role(kept: tuple[str, ...], action: str, reports: RoleReports) -> tuple[str, ...]:
    """Return what stays, with iam:PassRole where the action covers it: AWS cannot tell of its use."""
    if "iam:*" in kept or not covers(action, PASS_ROLE):
        return kept
    return (*kept, PASS_ROLE) if reports.of_action(PASS_ROLE).code != UNUSED else kept


def _by_actions(action: str, reports: RoleReports) -> tuple[tuple[str, ...], ActionUse]:
    """Return the used actions of a pattern, if AWS tracks all but iam:PassRole; else the pattern."""
    reference = service_reference()
    names = [each.name for each in reference.actions(action)] if reference else []
    uses = {name: reports.of_action(name) for name in names if name != PASS_ROLE}
    if not uses:
        unknown = ActionUse(UNKNOWN, "", "Which actions this pattern covers is not known.")
        return (action,), reports.of_action(PASS_ROLE) if names else unknown
    for code in (UNKNOWN, UNTRACKED, TOO_NEW):
        if hits := [name for name, use in uses.items() if use.code == code]:
            why = f"{_STATES[code]} {len(hits)} of its {len(uses)} actions, such as {hits[0]}."
            return (action,), ActionUse(code, "", f"{why} {uses[hits[0]].because}")
    used = tuple(name for name, use in uses.items() if use.code == USED)
    why = f"{len(used)} of its {len(uses)} actions were used; AWS tracks all of them."
    stays = (action,) if len(used) == len(uses) else _with_pass_role(used, action, reports)
    return stays, ActionUse(USED if used else UNUSED, "", why)


def _of_policies(grant: Grant, reports: RoleReports, usage: Usage) -> Iterator[NarrowedItem]:
    known = {each.policy: each for each in usage.policies}
    for policy in grant.managed_policies:
        use = _of_policy(known.get(policy, PolicyActions(policy)), reports)
        stays = () if use.code == UNUSED else (policy,)
        yield _item("managed_policies", policy, stays, use)


def _of_policy(policy: PolicyActions, reports: RoleReports) -> ActionUse:
    """Return whether a service that a managed policy allows was used; one that denies something stays."""
    if policy.denies:
        return ActionUse(UNKNOWN, "", "It denies something too: without it the role could do more.")
    if not policy.actions:
        why = policy.unknown or "What it allows is not known."
        return ActionUse(UNKNOWN, "", why)
    return min((_of_allowed(each, reports) for each in policy.actions), key=lambda use: ORDER.index(use.code))


def _of_allowed(action: str, reports: RoleReports) -> ActionUse:
    service = action.partition(":")[0]
    if set("*?") & set(service):
        if used := [each for each in reports.used_services if covers(action, f"{each}:*")]:
            return ActionUse(USED, "", f"{used[0]} was used.")
        whole = reports.of_everything()
        return whole if action == _EVERYTHING else ActionUse(UNKNOWN, "", f"It allows {action}.")
    use = reports.of_service(service)
    passes = use.code == UNUSED and covers(action, PASS_ROLE)
    return reports.of_action(PASS_ROLE) if passes else use


def _without(grant: Grant, items: Iterable[NarrowedItem]) -> Grant:
    """Return the grant with what stays of its permissions and policies."""
    stays = {(each.where, each.what): each.stays for each in items}
    permissions = []
    for number, each in enumerate(grant.permissions):
        actions = dict.fromkeys(
            one for action in each.actions for one in stays[f"permissions.{number}", action]
        )
        if actions:
            permissions.append(Permission(actions=tuple(actions), resources=each.resources))
    policies = tuple(each for each in grant.managed_policies if stays["managed_policies", each])
    return grant.model_copy(update={"permissions": tuple(permissions), "managed_policies": policies})


_STATES = {
    UNKNOWN: "The use is not known of",
    UNTRACKED: "AWS does not track",
    TOO_NEW: "AWS has not tracked for long enough",
}
_OWNER = "The owner of the roles decides what they may do: there is nothing to narrow in this grant."
_END = "The notebook 70_roll_back ends it, and so does a date in `expires`."
_NOTES = (
    "AWS does not say since when a policy allows an action: one that was added lately looks unused.",
    "What is needed once a year, or in an emergency only, looks unused too.",
    f"AWS reports an attempt after about {REPORTING_HOURS} hours: the last hours are not in it.",
    "The proofs of this toolkit are calls too: what only a proof called looks used.",
    "Resources stay as they are: AWS reports services and actions, not resources.",
)
