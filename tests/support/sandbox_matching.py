"""What the sandbox says of one statement and a request, asked in its own process, without HTTP."""

import json
from typing import Any

from xacct_nb.iam.context import request_keys
from xacct_nb.iam.principals import read_caller
from xacct_nb.sandbox.ministack import patches

ALICE, REPORT = "arn:aws:iam::111111111111:user/alice", "arn:aws:s3:::reports/a.txt"


def all_matched(cases: list[dict[str, Any]]) -> list[bool]:
    """For each case (as in `tests/cases`, with its folder) whether its statement applies."""
    from ministack.core import iam_evaluator

    patches.install()
    iam_evaluator._resolve_condition_key = lambda key, context: context.service_context.get(key.lower())
    return [_matched(case) for case in cases]


def _matched(case: dict[str, Any]) -> bool:
    from ministack.core import iam_evaluator

    elements = {"Condition": case["condition"]} if "condition" in case else case["policy"]
    usual = {"Action": "s3:GetObject"} if "NotAction" not in elements else {}
    usual |= {"Resource": "*"} if "NotResource" not in elements else {}
    version = {"Version": case.get("version", "2012-10-17")} if case.get("version", "") is not None else {}
    document = {**version, "Statement": [{"Effect": "Allow", **usual, **elements}]}
    caller = read_caller(case.get("caller", ALICE))
    keys = request_keys(caller, case.get("context", {}), "")
    context = iam_evaluator.EvalContext(
        principal_arn=caller.text,
        principal_type="User",
        principal_account=caller.account,
        action=case["asked"] if case["folder"] == "actions" else "s3:GetObject",
        resource_arn=case["asked"] if "asked" in case and case["folder"] != "actions" else REPORT,
        region="us-east-1",
        service_context={key: _value(values) for key, values in keys.items()},
    )
    policies = [iam_evaluator.parse_policy_document(json.dumps(document))]
    return bool(iam_evaluator.evaluate(context, policies).decision == "Allow")


def _value(values: tuple[str, ...]) -> Any:
    return (values[0] if len(values) == 1 else list(values)) if values else None
