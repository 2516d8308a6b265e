"""IAM's quotas by the names in its errors, and those that were raised for an account."""

from typing import Any

from xacct_nb.iam import quotas
from xacct_nb.sandbox.http.calls import Refusal

DEFAULTS = {
    "ACLSizePerRole": quotas.TRUST_POLICY,
    "PolicySize": quotas.MANAGED_POLICY,
    "PoliciesPerUser": 10,
    "PoliciesPerGroup": 10,
    "PoliciesPerRole": 20,
    "GroupsPerUser": 10,
    "AccessKeysPerUser": 2,
}
GRANTED_MOST = {
    "ACLSizePerRole": quotas.TRUST_POLICY_MAX,
    "PoliciesPerUser": quotas.ATTACHED_MAX["user"],
    "PoliciesPerRole": quotas.ATTACHED_MAX["role"],
}
_granted: dict[str, dict[str, int]] = {}


def raise_quotas(given: Any) -> None:
    """Take `{"222222222222": {"ACLSizePerRole": 4096}}` as the quotas of these accounts.

    Raises ValueError for a quota that AWS does not raise, or not to that value.
    """
    for raised in given.values():
        for name, number in raised.items():
            if name not in GRANTED_MOST:
                raise ValueError(f"{name!r} cannot be raised: {', '.join(GRANTED_MOST)} can.")
            if not DEFAULTS[name] <= number <= GRANTED_MOST[name]:
                raise ValueError(f"{name} is {DEFAULTS[name]} at least and {GRANTED_MOST[name]} at most.")
    _granted.update({account: dict(raised) for account, raised in given.items()})


def show_quotas() -> dict[str, Any]:
    """Return the quotas that were raised, by account."""
    return _granted


def forget() -> None:
    """Set every account to the default quotas."""
    _granted.clear()


def over(account: str, name: str, number: int) -> Refusal | None:
    """Refuse a number above the account's quota of that name."""
    most = _granted.get(account, {}).get(name, DEFAULTS[name])
    if number <= most:
        return None
    return Refusal(409, "LimitExceeded", f"Cannot exceed quota for {name}: {most}")
