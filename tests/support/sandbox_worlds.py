"""A random world of policies in the sandbox, and where the sandbox and the evaluator disagree about it."""

from collections.abc import Iterator
from typing import Any

from support.evaluator_answers import PATHS, TAGS, Decided, Subject, in_its_place
from support.questions import Room, outcome
from support.random_worlds import ROOT, SESSION, TOKEN, USER, Holder, Made, World

TAGGED = [{"Key": key, "Value": value} for key, value in TAGS]
ALICE = {"UserName": "alice", "Path": "/team/", "Tags": TAGGED}
LET_IN = {
    "Effect": "Allow",
    "Principal": {"AWS": "{source}"},
    "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
}
OBJECT = {"Bucket": "reports-{here}", "Key": "alice/a.txt"}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "s3:GetObject": ("GetObject", OBJECT),
    "s3:PutObject": ("PutObject", OBJECT),
    "s3:ListBucket": ("ListObjectsV2", {"Bucket": "reports-{here}", "Prefix": "alice/", "MaxKeys": 10}),
    "iam:GetRole": ("GetRole", {"RoleName": "reader"}),
    "iam:GetUser": ("GetUser", {"UserName": "alice"}),
}
CALLERS = {USER: "alice", TOKEN: "session", SESSION: "session", ROOT: "source"}


def disagreements(room: Room, world: World) -> Iterator[str]:
    """What the two say differently of the world's questions, which are put to both."""
    room.names["organization"] = f"o-{room.names['third']}"
    furnish(room, world)
    decided, who = Decided(world, room.names), CALLERS[world.caller]
    if world.caller != TOKEN:  # it may call nothing of IAM, whatever policies say
        yield from _acts(room, decided, who, decided.caller())
    role = {"RoleArn": f"arn:aws:iam::{{{world.account}}}:role/reader"}
    for number, made in enumerate(world.calls):
        held = f"held{number}"
        step = {who: "AssumeRole", **role, **passed(made), "as": held}
        yield from _differs(room, step, decided.may_assume(made))
        if held in room.keys:
            yield from _acts(room, decided, held, decided.session(made))


def _acts(room: Room, decided: Decided, who: str, subject: Subject) -> Iterator[str]:
    for act in decided.world.acts:
        operation, parameters = CALLS[act]
        step = {who: operation, **in_its_place(parameters, subject.account)}
        yield from _differs(room, step, decided.may(subject, act))


def _differs(room: Room, step: dict[str, Any], expected: bool) -> Iterator[str]:
    code, message, _ = outcome(room, step)
    if code not in ("allowed", "AccessDenied") or (code == "allowed") is not expected:
        yield f"{step}: the evaluator says {expected}, the sandbox {code} {message}"


def furnish(room: Room, world: World) -> None:
    """Everything that is in the world, written by the root users."""
    room.do({"source": "CreateUser", **ALICE})
    hub = {"RoleName": "hub", "Path": "/app/", "AssumeRolePolicyDocument": LET_IN, "Tags": TAGGED}
    room.do({"source": "CreateRole", **hub})
    _make_reader(room, world)
    if world.reborn:
        room.do({"source": "DeleteUser", "UserName": "alice"})
        room.do({"source": "CreateUser", **ALICE})
    room.do({"source": "CreateAccessKey", "UserName": "alice", "as": "alice"})
    if world.caller == SESSION:
        _make_session(room, world)
    elif world.caller in (USER, TOKEN):
        _hold(room, "source", "User", "alice", world.own)
    if world.caller == TOKEN:
        room.do({"alice": "GetSessionToken", "as": "session"})
    if any(act.startswith("s3:") for act in world.acts):
        for account in sorted({"source", world.account}):
            _make_bucket(room, account, Decided(world).bucket(account))
    if world.organization:
        _organize(room, world)


def _make_reader(room: Room, world: World) -> None:
    reader = {"RoleName": "reader", "AssumeRolePolicyDocument": world.trust, "Tags": TAGGED}
    room.do({world.account: "CreateRole", **reader})
    if world.account == "destination":
        room.do({"source": "CreateRole", **reader, "AssumeRolePolicyDocument": LET_IN})
        room.do({"destination": "CreateUser", **ALICE})
    _hold(room, world.account, "Role", "reader", world.role)


def _make_session(room: Room, world: World) -> None:
    may = {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}
    room.do({"source": "PutUserPolicy", "UserName": "alice", "PolicyName": "may", "PolicyDocument": may})
    hub = {"RoleArn": "arn:aws:iam::{source}:role/app/hub"}
    room.do({"alice": "AssumeRole", **hub, **passed(world.made), "as": "session"})
    _hold(room, "source", "Role", "hub", world.own)


def _make_bucket(room: Room, account: str, policy: dict[str, Any] | None) -> None:
    bucket = {"Bucket": f"reports-{{{account}}}"}
    room.do({account: "CreateBucket", **bucket})
    room.do({account: "PutObject", **bucket, "Key": "alice/a.txt"})
    if policy:
        room.do({account: "DeletePublicAccessBlock", **bucket})
        room.do({account: "PutBucketPolicy", **bucket, "Policy": policy})


def _organize(room: Room, world: World) -> None:
    told = world.organization
    assert told
    controls = {
        f"{kind}_control_policies": {f"{{{account}}}": levels for account, levels in policies.items()}
        for kind, policies in (("service", told.service), ("resource", told.resource))
    }
    accounts = {f"{{{each}}}": f"{{organization}}/{PATHS[each]}" for each in told.members}
    management = {"management": f"{{{told.management}}}"} if told.management else {}
    identifier = {"identifier": "{organization}", "accounts": accounts}
    room.do({"sandbox": "set_organization", **identifier, **controls, **management})


def _hold(room: Room, account: str, kind: str, name: str, holder: Holder) -> None:
    """Gives a user or a role its policies."""
    who = {f"{kind}Name": name}
    if holder.inline:
        room.do({account: f"Put{kind}Policy", **who, "PolicyName": "own", "PolicyDocument": holder.inline})
    if holder.managed:
        arn = {"PolicyArn": _managed(room, account, f"{name}-managed", holder.managed)}
        room.do({account: f"Attach{kind}Policy", **who, **arn})
    if holder.group:
        room.do({account: "CreateGroup", "GroupName": "all"})
        room.do({account: "AddUserToGroup", "GroupName": "all", "UserName": name})
        put = {"GroupName": "all", "PolicyName": "own", "PolicyDocument": holder.group}
        room.do({account: "PutGroupPolicy", **put})
    if holder.boundary:
        bound = {"PermissionsBoundary": _managed(room, account, f"{name}-boundary", holder.boundary)}
        room.do({account: f"Put{kind}PermissionsBoundary", **who, **bound})


def _managed(room: Room, account: str, name: str, document: dict[str, Any]) -> str:
    room.do({account: "CreatePolicy", "PolicyName": name, "PolicyDocument": document})
    return f"arn:aws:iam::{{{account}}}:policy/{name}"


def passed(made: Made) -> dict[str, Any]:
    """The parameters of AssumeRole."""
    told = {
        "RoleSessionName": made.name,
        "ExternalId": made.external_id,
        "SourceIdentity": made.source_identity,
        "Tags": [{"Key": key, "Value": value} for key, value in made.tags],
        "TransitiveTagKeys": list(made.transitive),
        "Policy": made.policy,
    }
    return {name: value for name, value in told.items() if value}
