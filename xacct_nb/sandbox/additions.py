"""IAM actions that AWS has and MiniStack does not, added to its table of actions.

`tests/test_sandbox_additions.py` fails when a newer MiniStack makes one of them needless.
"""

from collections.abc import Callable
from typing import Any


def install() -> None:
    """Adds the actions that MiniStack lacks; one that it has stays its own."""
    from ministack.services import iam

    for name, action in _ACTIONS.items():
        iam._IAM_HANDLERS.setdefault(name, action)


def _set_default_policy_version(parameters: Any) -> Any:
    """SetDefaultPolicyVersion, as the IAM API reference describes it."""
    from ministack.services import iam

    arn, version = iam._p(parameters, "PolicyArn"), iam._p(parameters, "VersionId")
    policy = iam._policies.get(arn)
    if not policy:
        return iam._error(404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", ns="iam")
    if version not in policy["Versions"]:
        return iam._error(
            404,
            "NoSuchEntity",
            f"Policy {arn} version {version} does not exist or is not attachable.",
            ns="iam",
        )
    for each in policy["Versions"].values():
        each["IsDefaultVersion"] = each["VersionId"] == version
    policy["DefaultVersionId"] = version
    return iam._xml(200, "SetDefaultPolicyVersionResponse", "", ns="iam")


_ACTIONS: dict[str, Callable[[Any], Any]] = {"SetDefaultPolicyVersion": _set_default_policy_version}
