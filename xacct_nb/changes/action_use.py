"""Whether an action was used, as the reports on all roles of a grant say together."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from xacct_nb.changes.usage import GeneratedActions, PrincipalUsage, Usage, day_of

USED, UNKNOWN, UNTRACKED, TOO_NEW, UNUSED = "used", "unknown", "untracked", "too-new", "unused"
# An action is as used as the first of these that one of the roles answers.
ORDER = (USED, UNKNOWN, UNTRACKED, TOO_NEW, UNUSED)
PASS_ROLE = "iam:PassRole"
"""It is no call, so AWS tracks it nowhere; other calls need it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""


@dataclass(frozen=True)
class ActionUse:
    """What the reports say of an action or a service: one of the codes, a moment, and a sentence."""

    code: str
    moment: str
    because: str


@dataclass(frozen=True)
class RoleReports:
    """The reports on all roles of a grant.

    Nothing counts as unused that AWS has tracked for fewer days than `tracked_days`.
    """

    roles: tuple[PrincipalUsage, ...]
    generated: tuple[GeneratedActions, ...]
    tracked_days: int

    @classmethod
    def of(cls, roles: Iterable[str], usage: Usage, tracked_days: int) -> "RoleReports":
        """Return the reports on some roles; one that was not read is not known."""
        by_role = {each.principal: each for each in usage.roles}
        missing = "Its use was not read."
        found = (by_role.get(each, PrincipalUsage(each, unknown=(missing,))) for each in roles)
        return cls(tuple(found), usage.generated, tracked_days)

    @property
    def used_services(self) -> tuple[str, ...]:
        """Return the services that one of the roles attempted to use."""
        found = {each.service.lower() for role in self.roles for each in role.services or () if each.used}
        return tuple(sorted(found | {each.partition(":")[0].lower() for each in self._seen()}))

    def of_service(self, service: str) -> ActionUse:
        """Return whether a service was used."""
        seen = self._in_trail(lambda action: action.lower().startswith(f"{service.lower()}:"))
        return _together([*seen, *(self._of_service(role, service) for role in self.roles)])

    def of_action(self, action: str) -> ActionUse:
        """Return whether one action of one service, such as `s3:GetObject`, was used."""
        seen = self._in_trail(lambda each: each.lower() == action.lower())
        return _together([*seen, *(self._of_action(role, action) for role in self.roles)])

    def of_everything(self) -> ActionUse:
        """Return whether the roles were used at all, where the services of each of them are known."""
        whole = [_unknown(each) for each in self.roles if each.services is None]
        whole += [self._unused(each) for each in self.roles]
        return _together(whole)

    def _of_service(self, role: PrincipalUsage, service: str) -> ActionUse:
        if role.services is None:
            return _unknown(role)
        if (found := role.service(service)) is None:
            return ActionUse(UNKNOWN, "", f"AWS's report on {role.principal} does not name {service}.")
        if found.used:
            return ActionUse(USED, found.used, f"{service} was used on {day_of(found.used)}.")
        return self._unused(role)

    def _of_action(self, role: PrincipalUsage, action: str) -> ActionUse:
        service, _, name = action.partition(":")
        of_service = self._of_service(role, service)
        if action.lower() == PASS_ROLE.lower() and of_service.code != UNKNOWN and self.used_services:
            why = "AWS does not track iam:PassRole, since it is no call; calls of other services may need it."
            return ActionUse(UNTRACKED, "", why)
        if of_service.code != USED:
            return of_service
        found = role.service(service)
        if found is None or (tracked := found.action(name)) is None:
            why = f"AWS does not report when {action} was used last. {of_service.because}"
            return ActionUse(UNTRACKED, of_service.moment, why)
        if tracked.last:
            return ActionUse(USED, tracked.last, f"It was used on {day_of(tracked.last)}.")
        return self._unused(role)

    def _unused(self, role: PrincipalUsage) -> ActionUse:
        since = day_of(role.since)
        if role.days < self.tracked_days or not since:
            why = f"AWS tracks {role.principal} since {since or 'an unknown date'} only: {role.days} days"
            return ActionUse(TOO_NEW, role.since, f"{why} of the {self.tracked_days} that are asked for.")
        return ActionUse(UNUSED, role.since, f"There was no attempt since {since}.")

    def _seen(self) -> tuple[str, ...]:
        names = {each.principal for each in self.roles}
        return tuple(action for each in self.generated if each.role in names for action in each.actions)

    def _in_trail(self, is_meant: Callable[[str], bool]) -> list[ActionUse]:
        if not any(map(is_meant, self._seen())):
            return []
        names = {each.principal for each in self.roles}
        until = max(each.until for each in self.generated if each.role in names)
        return [ActionUse(USED, "", f"IAM Access Analyzer saw it in the trail, before {day_of(until)}.")]


def _unknown(role: PrincipalUsage) -> ActionUse:
    why = " ".join(role.unknown) or f"The use of {role.principal} is not known."
    return ActionUse(UNKNOWN, "", why)


def _together(found: list[ActionUse]) -> ActionUse:
    """Return what several roles say together: one use is a use; of equal ones the latest."""
    first = min(ORDER.index(each.code) for each in found)
    return max((each for each in found if each.code == ORDER[first]), key=lambda each: each.moment)
