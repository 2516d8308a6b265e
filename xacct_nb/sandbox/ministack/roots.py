"""The root user may do everything in its account but what the policy of a resource denies to it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

# Root may always mend the policy itself. Source: S3 API reference, PutBucketPolicy.
_MENDING = ("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy")


def unless_denied(enforce: Callable[..., Any]) -> Callable[..., Any]:
    """MiniStack's check of a call, after which no policy of a resource may deny it to the root user.

    Source: reference_policies_evaluation-logic.
    """
    from ministack.core import iam_evaluator, responses

    def ask(
        key: str, action: str, service: str, region: str, resource_arn: str = "*", service_context: Any = None
    ) -> Any:
        refused = enforce(key, action, service, region, resource_arn, service_context)
        if refused is not None or not key or action in _MENDING or not iam_evaluator.is_root_access_key(key):
            return refused
        policy, _ = iam_evaluator._resource_policy(service, resource_arn) or ("", "")
        if not policy:
            return None
        account = responses.get_account_id()
        root = iam_evaluator.resolve_principal(key, account)
        if isinstance(root, iam_evaluator.AuthError):
            return None
        about = iam_evaluator.EvalContext(
            principal_arn=root.arn,
            principal_type=root.type,
            principal_account=account,
            action=action,
            resource_arn=resource_arn,
            region=region,
            service_context={name.lower(): value for name, value in (service_context or {}).items()},
            principal_keys=root.keys,
        )
        found = iam_evaluator.evaluate_resource_policy(policy, about)
        return replace(found, resource_policy_arn=resource_arn) if found.decision == "Deny" else None

    return ask
