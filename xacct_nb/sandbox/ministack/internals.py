"""Reads what MiniStack keeps in memory; with `additions` the only module that knows its insides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]

_owners: dict[str, str] = {}


def account_of(key: str) -> str:
    """The 12-digit account of an access key; "" if nobody has such a key."""
    from ministack.services import iam, sts

    if len(key) == 12 and key.isdigit():
        return key
    if key == "test":
        return "000000000000"
    if session := sts._sessions.get(key):
        return str(session.get("AccountId", ""))
    if not iam._access_keys.contains_scoped(_owners.get(key, ""), None, key):
        _owners.pop(key, None)
        _owners.update({known: account for account, known in iam._access_keys.to_dict() if known == key})
    return _owners.get(key, "")


def entity(kind: str, account: str, name: str) -> Record | None:
    """The user, role or group of an account by its name."""
    from ministack.services import iam

    store = {"user": iam._users, "role": iam._roles, "group": iam._groups}[kind]
    found: Record | None = store.get_scoped(account, None, name)
    return found


def managed_policy(account: str, arn: str) -> Record | None:
    """The customer managed policy of an account."""
    from ministack.services import iam

    found: Record | None = iam._policies.get_scoped(account, None, arn)
    return found


def inline_policies(kind: str, account: str, name: str) -> dict[str, str]:
    """The inline policies of a user, role or group: name -> text."""
    from ministack.services import iam

    if kind == "role":
        return dict((entity(kind, account, name) or {}).get("InlinePolicies") or {})
    store = {"user": iam._user_inline_policies, "group": iam._group_inline_policies}[kind]
    return dict(store.get_scoped(account, None, name) or {})


def groups_of(account: str, user: str) -> list[str]:
    """The groups that a user is in."""
    return [group["GroupName"] for group in _records("_groups", account) if user in group["Users"]]


def access_keys_of(account: str, user: str) -> list[str]:
    """The access key ids of a user."""
    return [key["AccessKeyId"] for key in _records("_access_keys", account) if key["UserName"] == user]


def devices_of(account: str, user: str) -> list[str]:
    """The serial numbers of a user's MFA devices."""
    return [each["SerialNumber"] for each in _records("_mfa_devices", account) if each["User"] == user]


def has_password(account: str, user: str) -> bool:
    """Whether a user has a login profile."""
    from ministack.services import iam

    return bool(iam._login_profiles.contains_scoped(account, None, user))


def in_instance_profile(account: str, role: str) -> bool:
    """Whether a role is in an instance profile."""
    return any(role in each.get("Roles", ()) for each in _records("_instance_profiles", account))


def device(account: str, serial: str) -> Record | None:
    """The MFA device by its serial number; what is noted in it stays as long as it does."""
    from ministack.services import iam

    found: Record | None = iam._mfa_devices.get_scoped(account, None, serial)
    return found


def session(key: str) -> Record | None:
    """The session of a temporary access key id, expired or not."""
    from ministack.services import sts

    found: Record | None = sts._sessions.get(key)
    return found


def expire(told: Mapping[str, str]) -> None:
    """End the session of `{"key": ...}`. Raises ValueError if there is none."""
    if not (found := session(told["key"])):
        raise ValueError(f"There is no session with the access key id {told['key']}.")
    found["Expiration"] = 0


def roles() -> Iterator[Record]:
    """The roles of all accounts."""
    from ministack.services import iam

    yield from iam._roles.to_dict().values()


def _records(store: str, account: str) -> list[Record]:
    from ministack.services import iam

    return [each for (owner, _), each in getattr(iam, store).to_dict().items() if owner == account]


@dataclass(frozen=True)
class Caller:
    """Who calls: ARN, kind (User, AssumedRole, FederatedUser, Root), account, condition keys and policies."""

    arn: str
    kind: str
    account: str
    keys: Mapping[str, Any] = field(default_factory=dict)
    policies: Any = None
    limits: Any = ()
    session: Mapping[str, Any] = field(default_factory=dict)


def caller(key: str, account: str, region: str) -> Caller | None:
    """The caller behind an access key, its signature not checked; None for a key that is not good."""
    from ministack.core import iam_evaluator, responses

    with responses.request_scope(account, region):
        found = iam_evaluator.resolve_principal(key, account)
    if isinstance(found, iam_evaluator.AuthError):
        return None
    own = session(key) or {}
    return Caller(found.arn, found.type, found.account, found.keys, found.policies, found.limits, own)


@dataclass(frozen=True)
class Question:
    """Whether a caller may do an action on a role, under these condition keys (in lower case)."""

    caller: Caller
    role: Record
    context: Mapping[str, Any]
    region: str = "us-east-1"
    client: str = "127.0.0.1"

    def sides(self, action: str) -> tuple[bool, bool]:
        """What policies say of it: the caller's own (identity, boundary, session), and all together."""
        from ministack.core import iam_evaluator

        who = self.caller
        about = iam_evaluator.EvalContext(
            principal_arn=who.arn,
            principal_type=who.kind,
            principal_account=who.account,
            action=action,
            resource_arn=self.role["Arn"],
            region=self.region,
            source_ip=self.client,
            service_context=dict(self.context),
            principal_keys=dict(who.keys) | dict(self.context),
        )
        own = iam_evaluator.evaluate(about, who.policies, *who.limits)
        trust, owner = self.role["AssumeRolePolicyDocument"], self.role["Arn"].split(":")[4]
        both = iam_evaluator.combine_resource_policy(own, about, trust, owner, True, tuple(who.limits))
        return own.decision == "Allow", both.decision == "Allow"
