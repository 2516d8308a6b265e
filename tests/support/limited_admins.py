"""Administrators of both accounts who have the printed rights and no other, and what they asked AWS for."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from support.examples import root_iam
from xacct_nb.errors import InvalidInput
from xacct_nb.fleets.rights import NeededRights
from xacct_nb.iam.patterns import matches
from xacct_nb.sandbox.server.accounts import Resident, World, add_user

NAME = "limited"
PROFILES = {"source_profiles": ["limited-source"], "destination_profiles": ["limited-destination"]}


class Asked(NamedTuple):
    """One authorization that the sandbox decided: whose, the action, and the resource with its path."""

    who: str
    action: str
    resource: str


@dataclass
class Recording:
    """What the sandbox was asked, and what of it was denied."""

    asked: list[Asked] = field(default_factory=list)
    denied: list[Asked] = field(default_factory=list)

    def denied_to(self, name: str) -> list[Asked]:
        return [each for each in self.denied if f"/{name}" in each.who]

    def unused(self, name: str, policies: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
        """Each action with each resource of these policies that was not asked for under this name."""
        mine = {each for each in self.asked if f"/{name}" in each.who}
        return [
            (action, resource)
            for policy in policies
            for statement in policy["Statement"]
            for action in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
            if not any(each.action == action and matches(resource, each.resource) for each in mine)
        ]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
    """Keep what the sandbox in this process decides; it decides as ever."""
    from xacct_nb.sandbox.ministack import authorization

    found, ask, deny = Recording(), authorization._request, authorization._denial

    def asked(*args: Any) -> Any:
        request = ask(*args)
        if request is not None:
            found.asked.append(Asked(request.caller.arn, request.action, request.resource))
        return request

    def denied(request: Any, decision: Any) -> Any:
        found.denied.append(Asked(request.caller.arn, request.action, request.resource))
        return deny(request, decision)

    with monkeypatch.context() as patch:
        patch.setattr(authorization, "_request", asked)
        patch.setattr(authorization, "_denial", denied)
        yield found


class LimitedAdmins:
    """The users `limited` of both accounts of a world, with the profiles of PROFILES."""

    def __init__(self, world: World) -> None:
        self.world = world
        for side in ("source", "destination"):
            iam = root_iam(world, world.account(side))  # type: ignore[arg-type]
            add_user(iam, world, Resident(f"limited-{side}", side, NAME))  # type: ignore[arg-type]

    def have(self, needed: NeededRights, step: str = "") -> None:
        """Give both exactly the policies of a step, or those of all steps."""
        for side in ("source", "destination"):
            account = self.world.account(side)  # type: ignore[arg-type]
            policies: tuple[dict[str, Any], ...] = ()
            with suppress(InvalidInput):
                rights = needed.of(side, account)
                policies = rights.of_step(step) if step else rights.merged
            give(root_iam(self.world, account), policies)


def give(iam: Any, policies: Iterable[dict[str, Any]]) -> None:
    """Let the user have these policies and no other."""
    for each in iam.list_attached_user_policies(UserName=NAME)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=NAME, PolicyArn=each["PolicyArn"])
        iam.delete_policy(PolicyArn=each["PolicyArn"])
    for number, policy in enumerate(policies):
        made = iam.create_policy(PolicyName=f"limited-{number}", PolicyDocument=json.dumps(policy))
        iam.attach_user_policy(UserName=NAME, PolicyArn=made["Policy"]["Arn"])
