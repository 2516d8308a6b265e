"""The users, roles and buckets of a world: two accounts, and the AWS files whose profiles lead into them."""

import io
import json
from collections.abc import Callable, Mapping
from configparser import ConfigParser
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from xacct_nb.sandbox.server.state import Sandbox, root_secret, write_private

Connect = Callable[[str, str, str], Any]
"""(service, access key id, secret access key) -> a boto3 client of the sandbox."""

Key = tuple[str, ...]
"""(access key id, secret access key), of a session with its token as well."""

Side = Literal["source", "destination"]
SIDES: tuple[Side, Side] = ("source", "destination")
SOURCE, DESTINATION = "111111111111", "222222222222"


@dataclass(frozen=True)
class World:
    """Two accounts of a sandbox, the files with their profiles, and the destination's buckets.

    A grant gives access to `bucket`, and none to `other_bucket`. `endpoint` is "" on AWS itself.
    """

    endpoint: str
    source: str
    destination: str
    config_file: Path
    credentials_file: Path
    bucket: str
    other_bucket: str
    token: str = field(repr=False)
    region: str = "us-east-1"

    def root_secret(self, account: str) -> str:
        """Return the secret access key of an account's root user, whose key id is the account's 12 digits."""
        return root_secret(self.token, account)

    def account(self, side: Side) -> str:
        """Return the account id of a side."""
        return self.source if side == "source" else self.destination


@dataclass(frozen=True)
class Resident:
    """A user with an access key; `profile` is its name in the AWS files."""

    profile: str
    side: Side
    name: str
    allowed: str = ""
    group: str = ""


RESIDENTS = (
    Resident("source-admin", "source", "admin", allowed="*"),
    Resident("destination-admin", "destination", "admin", allowed="*"),
    Resident("alice", "source", "alice", group="analysts"),
    Resident("mallory", "source", "mallory", allowed="sts:AssumeRole"),
)
HUB, READER, STANDING_POLICY = "hub", "summary-reader", "xacct-summary-readers"
_KEY_FIELDS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
OBJECTS = {
    "reports": ("2026/summary.csv", "quarter,orders\n1,1024\n2,1131\n3,998\n"),
    "payroll": ("2026/salaries.csv", "employee,salary\n1,52000\n2,61000\n"),
}


def world_of(sandbox: Sandbox, source: str, destination: str, folder: Path) -> World:
    """Return the world of two accounts, its files in `folder`.

    Bucket names are unique over all accounts, so only the default world has the plain ones.
    """
    suffix = "" if (source, destination) == (SOURCE, DESTINATION) else f"-{destination}"
    bucket, other_bucket = (name + suffix for name in OBJECTS)
    files = folder / "config", folder / "credentials"
    return World(sandbox.endpoint, source, destination, *files, bucket, other_bucket, sandbox.token)


def furnish(connect: Connect, world: World, residents: tuple[Resident, ...] = RESIDENTS) -> World:
    """Create everything in the world that is missing, write its files, and return it.

    Valid access keys in the credentials file stay, and so do profiles that others added. Where no
    administrator is among the residents, the whole source account may assume the hub.
    """
    roots = {side: (world.account(side), world.root_secret(world.account(side))) for side in SIDES}
    iam: dict[str, Any] = {side: connect("iam", *roots[side]) for side in SIDES}
    known = known_keys(world.credentials_file)
    keys = {resident.profile: _make_user(iam[resident.side], resident, known) for resident in residents}
    administrator = "user/admin" if residents == RESIDENTS else "root"
    _make_hub(iam["source"], f"arn:aws:iam::{world.source}:{administrator}")
    _make_standing_grant(iam, world)
    _fill_buckets(connect("s3", *roots["destination"]), world)
    hub = {"role_arn": f"arn:aws:iam::{world.source}:role/{HUB}", "source_profile": "source-admin"}
    _write_profiles(world, keys, {HUB: hub} if "source-admin" in keys else {})
    return world


def add_user(iam: Any, world: World, resident: Resident) -> None:
    """Create a user with an access key and a profile in the world's files, unless it is there."""
    key = _make_user(iam, resident, known_keys(world.credentials_file))
    _write_profiles(world, {resident.profile: key})


def add_session(world: World, profile: str, credentials: Mapping[str, Any]) -> None:
    """Write a profile with the Credentials of a response of STS into the world's files."""
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    _write_profiles(world, {profile: tuple(str(credentials[name]) for name in names)})


def _write_profiles(
    world: World, keys: dict[str, Key], more: Mapping[str, dict[str, str]] | None = None
) -> None:
    """Write the profiles of users and `more`: their keys, then, last and at once, how they are reached."""
    sections = {profile: dict(zip(_KEY_FIELDS, key, strict=False)) for profile, key in keys.items()}
    _update(world.credentials_file, sections)
    endpoint = {"endpoint_url": world.endpoint} if world.endpoint else {}
    common = {"region": world.region, **endpoint, "output": "json"}
    profiles = {name: dict[str, str]() for name in keys} | dict(more or {})
    _update(world.config_file, {f"profile {name}": common | extra for name, extra in profiles.items()})


def _make_user(iam: Any, resident: Resident, known: dict[str, Key]) -> Key:
    try:
        iam.create_user(UserName=resident.name)
        is_new = True
    except iam.exceptions.EntityAlreadyExistsException:
        is_new = False
    if resident.allowed:
        policy = policy_of(resident.allowed, Resource="*")
        iam.put_user_policy(UserName=resident.name, PolicyName=resident.name, PolicyDocument=policy)
    if resident.group:
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_group(GroupName=resident.group)
        iam.add_user_to_group(GroupName=resident.group, UserName=resident.name)
    return _new_key(iam, resident.name) if is_new else _key(iam, resident.name, known.get(resident.profile))


def _key(iam: Any, user: str, known: Key | None) -> Key:
    there = [key["AccessKeyId"] for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]]
    if known and known[0] in there:
        return known
    for old in there[:-1]:  # a user has two keys at most
        iam.delete_access_key(UserName=user, AccessKeyId=old)
    return _new_key(iam, user)


def _new_key(iam: Any, user: str) -> Key:
    made = iam.create_access_key(UserName=user)["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def _make_hub(iam: Any, trusted: str) -> None:
    trust = policy_of("sts:AssumeRole", Principal={"AWS": trusted})
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=HUB, AssumeRolePolicyDocument=trust)


def _make_standing_grant(iam: dict[str, Any], world: World) -> None:
    """Create the grant that every world has from the start: the hub reads the summaries."""
    hub, role = f"arn:aws:iam::{world.source}:role/{HUB}", f"arn:aws:iam::{world.destination}:role/{READER}"
    with suppress(iam["destination"].exceptions.EntityAlreadyExistsException):
        trust = policy_of("sts:AssumeRole", Principal={"AWS": hub})
        iam["destination"].create_role(RoleName=READER, AssumeRolePolicyDocument=trust)
    permissions = policy_of("s3:GetObject", Resource=f"arn:aws:s3:::{world.bucket}/2026/*")
    iam["destination"].put_role_policy(
        RoleName=READER, PolicyName=STANDING_POLICY, PolicyDocument=permissions
    )
    with suppress(iam["source"].exceptions.EntityAlreadyExistsException):
        caller = policy_of("sts:AssumeRole", Resource=role)
        iam["source"].create_policy(PolicyName=STANDING_POLICY, PolicyDocument=caller)
    policy = f"arn:aws:iam::{world.source}:policy/{STANDING_POLICY}"
    iam["source"].attach_role_policy(RoleName=HUB, PolicyArn=policy)


def _fill_buckets(s3: Any, world: World) -> None:
    for bucket, (key, text) in zip((world.bucket, world.other_bucket), OBJECTS.values(), strict=True):
        place = {"LocationConstraint": world.region}
        s3.create_bucket(
            Bucket=bucket, **({} if world.region == "us-east-1" else {"CreateBucketConfiguration": place})
        )
        s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/csv")


def policy_of(action: str, **rest: object) -> str:
    """Return a policy of one statement as JSON, which allows an action."""
    statement = {"Effect": "Allow", "Action": action, **rest}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def known_keys(path: Path) -> dict[str, Key]:
    """Return the access keys in a credentials file, by profile."""
    sections = _read(path)
    return {
        name: tuple(sections[name][each] for each in _KEY_FIELDS if each in sections[name])
        for name in sections.sections()
        if set(_KEY_FIELDS[:2]) <= set(sections[name])
    }


def _update(path: Path, sections: dict[str, dict[str, str]]) -> None:
    parser = _read(path)
    parser.read_dict(sections)
    text = io.StringIO()
    parser.write(text)
    write_private(path, text.getvalue())


def _read(path: Path) -> ConfigParser:
    parser = ConfigParser(interpolation=None)
    parser.read(path, encoding="utf-8")
    return parser
