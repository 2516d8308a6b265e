"""What `xa.evaluate` says of the questions that a world of policies puts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.random_conditions import ALICE, HUB
from support.random_worlds import ROOT, TOKEN, USER, Document, Holder, Made, World
from xacct_nb.iam.evaluation import evaluate

Names = Mapping[str, str]
NAMES = {"source": "111111111111", "destination": "222222222222", "third": "333333333333"}
PATHS = {"source": "r-ab12/", "destination": "r-ab12/ou-ab12-11111111/"}
GONE = "AIDAZZZZZZZZZZZZZZZZ"
TAGS = (("team", "red"),)
NOW = {
    "aws:SourceIp": "127.0.0.1",
    "aws:SecureTransport": False,
    "aws:ViaAWSService": False,
    "aws:RequestedRegion": "us-east-1",
    "aws:CurrentTime": "2026-01-01T00:00:00Z",
    "aws:EpochTime": 1767225600,
}
TEMPORARY = {"aws:TokenIssueTime": "2026-01-01T00:00:00Z", "aws:MultiFactorAuthPresent": False}
LISTED = {"s3:prefix": "alice/", "s3:max-keys": "10"}
TAGGED = {"aws:ResourceTag/team": "red", "iam:ResourceTag/team": "red"}
# What is asked for: the resource, and the condition keys that the request has for it.
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "s3:GetObject": ("arn:aws:s3:::reports-{here}/alice/a.txt", {"s3:ResourceAccount": "{here}"}),
    "s3:PutObject": ("arn:aws:s3:::reports-{here}/alice/a.txt", {"s3:ResourceAccount": "{here}"}),
    "s3:ListBucket": ("arn:aws:s3:::reports-{here}", {"s3:ResourceAccount": "{here}", **LISTED}),
    "iam:GetRole": ("arn:aws:iam::{here}:role/reader", TAGGED),
    "iam:GetUser": ("arn:aws:iam::{here}:user/team/alice", TAGGED),
}


@dataclass(frozen=True)
class Subject:
    """Who asks: ARN, account (source, destination), own condition keys, policies, how its session is made."""

    arn: str
    account: str
    keys: dict[str, Any]
    holder: Holder
    made: Made | None = None
    carried: tuple[tuple[str, str], ...] = ()
    identity: str = ""


@dataclass(frozen=True)
class Decided:
    """A world with the names of its accounts; `asked` keeps the arguments of `evaluate` of each question."""

    world: World
    names: Names = field(default_factory=lambda: NAMES)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def caller(self) -> Subject:
        """Who calls in this world."""
        world = self.world
        if world.caller == ROOT:
            return Subject("arn:aws:iam::{source}:root", "source", {}, Holder(None, None, None, None))
        if world.caller in (USER, TOKEN):
            keys: dict[str, Any] = {"aws:userid": "AIDAXXXXXXXXXXXXXXXX", "aws:PrincipalArn": ALICE}
            keys |= TEMPORARY if world.caller == TOKEN else {}
            return Subject(ALICE, "source", keys | _tagged(TAGS), world.own)
        return _session("hub", "source", world.own, world.made)

    def session(self, made: Made) -> Subject:
        """The session of the role reader that a call of the caller makes."""
        return _session("reader", self.world.account, self.world.role, made, self.caller())

    def may_assume(self, made: Made) -> bool:
        """Whether the caller may assume the role reader like this: each of the actions that the call is."""
        caller = self.caller()
        actions = ["sts:AssumeRole"]
        actions += ["sts:TagSession"] * bool(made.tags or caller.carried)
        actions += ["sts:SetSourceIdentity"] * bool(made.source_identity or caller.identity)
        return all(self._may_assume(caller, action, made) for action in actions)

    def _may_assume(self, caller: Subject, action: str, made: Made) -> bool:
        keys: dict[str, Any] = {
            "sts:ExternalId": made.external_id,
            "sts:RoleSessionName": made.name,
            "sts:SourceIdentity": made.source_identity,
            "sts:TransitiveTagKeys": list(made.transitive) or None,
            "aws:TagKeys": [key for key, _ in made.tags] or None,
        }
        keys |= TAGGED | {f"aws:RequestTag/{key}": value for key, value in made.tags}
        role = f"arn:aws:iam::{{{self.world.account}}}:role/reader"
        return self._decide(caller, action, role, keys, self._trust(), self.world.account)

    def _trust(self) -> Document:
        """The trust policy, which has the unique id of a deleted alice."""
        return _without_alice(self.world.trust) if self.world.reborn else self.world.trust

    def may(self, subject: Subject, action: str) -> bool:
        """Whether the caller, or a session that it made, may do this in its own account."""
        on, keys = in_its_place(ASKED[action], subject.account)
        bucket = self.bucket(subject.account) if action.startswith("s3:") else None
        return self._decide(subject, action, on, keys, bucket, subject.account)

    def bucket(self, account: str) -> Document | None:
        """The policy of the bucket in this account."""
        source, destination = self.world.buckets
        found: Document | None = in_its_place(source if account == "source" else destination, account)
        return found

    def _decide(
        self, who: Subject, action: str, on: str, keys: Mapping[str, Any], own: Document | None, owner: str
    ) -> bool:
        holder, session = who.holder, who.made.policy if who.made else None
        context = NOW | who.keys | self._of_organization(who.account) | dict(keys)
        identity = [each for each in (holder.inline, holder.managed, holder.group) if each]
        question = self.filled(
            {
                "principal": who.arn,
                "action": action,
                "resource": on,
                "context": context,
                "identity_policies": identity,
                "resource_policy": own,
                "permissions_boundaries": [holder.boundary] if holder.boundary else None,
                "session_policies": [session] if session else None,
                "service_control_policies": self._control("service", who.account),
                "resource_control_policies": self._control("resource", owner),
                "resource_account": f"{{{owner}}}",
            }
        )
        self.asked.append(question)
        return evaluate(**question).allowed

    def _control(self, kind: str, account: str) -> Any:
        told = self.world.organization
        if not told or account == told.management:
            return None
        return getattr(told, kind).get(account)

    def _of_organization(self, account: str) -> dict[str, Any]:
        told = self.world.organization
        if not told or account not in told.members:
            return {}
        return {
            "aws:PrincipalOrgID": "{organization}",
            "aws:PrincipalOrgPaths": [f"{{organization}}/{PATHS[account]}"],
        }

    def filled(self, value: Any) -> Any:
        """The value with the names of accounts in it."""
        text = json.dumps(value)
        for name, told in ({"organization": "o-a1b2c3d4e5"} | dict(self.names)).items():
            text = text.replace(f"{{{name}}}", told)
        return json.loads(text)


def questions_of(world: World) -> list[dict[str, Any]]:
    """Return the arguments of `evaluate` for every question of a world, control policies left out."""
    decided = Decided(world)
    for made in world.calls:
        if decided.may_assume(made):
            for act in world.acts:
                decided.may(decided.session(made), act)
    for act in world.acts:
        decided.may(decided.caller(), act)
    none = {"service_control_policies": None, "resource_control_policies": None}
    return [question | none for question in decided.asked]


def in_its_place(value: Any, account: str) -> Any:
    """The value with its account, source or destination."""
    return json.loads(json.dumps(value).replace("{here}", f"{{{account}}}"))


def _without_alice(trust: Document) -> Document:
    """Principals have the unique id; conditions keep the ARN."""
    document: Document = json.loads(json.dumps(trust))
    told = document["Statement"]
    for statement in told if isinstance(told, list) else [told]:
        if statement["Principal"] != "*":
            names = statement["Principal"]["AWS"]
            listed = names if isinstance(names, list) else [names]
            statement["Principal"]["AWS"] = [GONE if each == ALICE else each for each in listed]
    return document


def _session(role: str, account: str, holder: Holder, made: Made, before: Subject | None = None) -> Subject:
    """The session of a role; what the caller's session carries on it has too."""
    carried = before.carried if before else ()
    identity = (before.identity if before else "") or made.source_identity or ""
    keys: dict[str, Any] = {
        "aws:userid": f"AROAXXXXXXXXXXXXXXXX:{made.name}",
        "aws:SourceIdentity": identity or None,
    }
    keys |= (
        TEMPORARY | _tagged(TAGS + carried + made.tags) | ({"aws:PrincipalArn": HUB} if role == "hub" else {})
    )
    onward = carried + tuple(tag for tag in made.tags if tag[0] in made.transitive)
    arn = f"arn:aws:sts::{{{account}}}:assumed-role/{role}/{made.name}"
    return Subject(arn, account, keys, holder, made, onward, identity)


def _tagged(tags: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {f"aws:PrincipalTag/{key}": value for key, value in tags}
