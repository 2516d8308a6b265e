"""Many accounts as IAM describes them, with what a large organization has: made in memory, read by nobody."""

from typing import Any

from xacct_nb.grants.documents import caller_policies
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.naming import policy_arn
from xacct_nb.grants.pictures.live_access import AccountDetails

FIRST = 100_000_000_000
HUB = f"{FIRST:012d}"


def policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def many_accounts(count: int, roles: int, users: int = 10) -> list[AccountDetails]:
    """Accounts that a hub and their neighbours may enter; of ten roles four were made by the tool."""
    return [_account(number, count, roles, users) for number in range(count)]


def _id(number: int, count: int) -> str:
    return f"{FIRST + number % count:012d}"


def _account(number: int, count: int, roles: int, users: int) -> AccountDetails:
    account, before = _id(number, count), _id(number - 1, count)
    details: dict[str, list[Any]] = {
        "UserDetailList": [
            _user(account, _id(number + 1 + each, count), each, roles) for each in range(users)
        ],
        "RoleDetailList": [_role(account, before, number, each) for each in range(roles)],
        "GroupDetailList": [],
        "Policies": _all_policies(roles, count) if number == 0 else [],
    }
    if number == 0:
        attached = [{"PolicyArn": each["Arn"]} for each in details["Policies"]]
        details["UserDetailList"][0]["AttachedManagedPolicies"] = attached
    return AccountDetails(account, details)


def _all_policies(roles: int, count: int) -> list[dict[str, Any]]:
    return [each for number in range(roles) if _is_made(number) for each in _caller_policies(number, count)]


def _is_made(number: int) -> bool:
    return number % 10 in (4, 5, 6, 7)


def _user(account: str, other: str, number: int, roles: int) -> dict[str, Any]:
    wanted = [f"arn:aws:iam::{other}:role/r{each}" for each in range(roles)]
    own = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": wanted}
    full = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return {
        "Path": "/",
        "UserName": f"u{number}",
        "Arn": f"arn:aws:iam::{account}:user/u{number}",
        "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": policy(full if number == 9 else own)}],
        "GroupList": [],
        "AttachedManagedPolicies": [],
    }


def _role(account: str, before: str, owner: int, number: int) -> dict[str, Any]:
    kind, made = number % 10, _is_made(number)
    reading = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::logs-{account}/*"]}
    return {
        "Path": "/",
        "RoleName": f"r{number}",
        "Arn": f"arn:aws:iam::{account}:role/r{number}",
        "AssumeRolePolicyDocument": policy(*_trust(account, before, owner, kind)),
        "RolePolicyList": [
            {"PolicyName": f"xacct-g{number}" if made else "own", "PolicyDocument": policy(reading)}
        ],
        "AttachedManagedPolicies": [],
        "Tags": [{"Key": "xacct-nb:grant", "Value": f"g{number}"}] if made else [],
        "MaxSessionDuration": 3600,
        "Description": "",
    }


def _trust(account: str, before: str, owner: int, kind: int) -> list[dict[str, Any]]:
    def trusting(principal: Any, **condition: Any) -> dict[str, Any]:
        more = {"Condition": condition} if condition else {}
        return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}

    external = {"sts:ExternalId": f"external-{owner}"}
    kinds = {
        0: [trusting({"Service": "ec2.amazonaws.com"})],
        1: [trusting({"AWS": f"arn:aws:iam::{before}:root"})],
        2: [trusting({"AWS": "999999999999"}, StringEquals=external)],
        3: [
            trusting({"AWS": f"arn:aws:iam::{before}:user/u0"}),
            trusting({"Service": "lambda.amazonaws.com"}),
        ],
        8: [
            trusting(
                {"AWS": f"arn:aws:iam::{before}:user/u0"}, ArnLike={"aws:PrincipalArn": "arn:aws:iam::*"}
            )
        ],
        9: [trusting({"AWS": f"arn:aws:iam::{account}:root"})],
    }
    hub = {"AWS": f"arn:aws:iam::{HUB}:user/u0"}
    return kinds.get(kind) or [trusting(hub, Bool={"aws:MultiFactorAuthPresent": "true"})]


def _caller_policies(number: int, count: int) -> list[dict[str, Any]]:
    """The hub's policies for one grant over all accounts."""
    roles = [f"arn:aws:iam::{_id(each, count)}:role/r{number}" for each in range(count)]
    grant = Grant(name=f"g{number}", sources=[f"arn:aws:iam::{HUB}:user/u0"], destinations=roles)
    return [
        {
            "Arn": policy_arn(grant, HUB, place),
            "DefaultVersionId": "v1",
            "PolicyVersionList": [{"Document": document, "VersionId": "v1", "IsDefaultVersion": True}],
            "Tags": [{"Key": "xacct-nb:grant", "Value": grant.name}],
        }
        for place, document in enumerate(caller_policies(grant)[grant.sources[0]], start=1)
    ]
