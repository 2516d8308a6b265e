"""Decides what IAM's policy simulator is asked, with our own evaluation and the sandbox's organizations."""

from typing import Any

from xacct_nb.iam.arns import Arn
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.explain import ALLOW, SERVICE_CONTROL_POLICY
from xacct_nb.iam.grammar import NEW, RESOURCE, TRUST
from xacct_nb.iam.policy import ParsedPolicy, parse
from xacct_nb.iam.weighing import EXPLICITLY_DENIED
from xacct_nb.sandbox.ministack.simulation import SimulatedAnswer, SimulatedRequest
from xacct_nb.sandbox.rules import organizations
from xacct_nb.sandbox.rules.documents import read_policy


def simulate(request: SimulatedRequest) -> SimulatedAnswer:
    """Return the simulator's answer: a resource's own policy is left out, as AWS leaves out trust policies.

    A key that a policy needs and that was not given is missing. Source: IAM API reference,
    SimulatePrincipalPolicy.
    """
    decision = _decide(request, ())
    denied = "explicitDeny" if decision.result == EXPLICITLY_DENIED else "implicitDeny"
    checks = (each for each in decision.checks if each.type == SERVICE_CONTROL_POLICY)
    organization = next((each.effect == ALLOW for each in checks), None)
    missing = _decide(request, ("*",)).depends_on
    return SimulatedAnswer("allowed" if decision.allowed else denied, organization, missing)


def _decide(request: SimulatedRequest, unknown_keys: tuple[str, ...]) -> Decision:
    account = Arn.parse(request.principal).account
    owner = request.resource.split(":")[4] if request.resource.count(":") >= 5 else ""
    service, resource = organizations.control_policies(account, owner or account)
    return evaluate(
        request.principal,
        request.action,
        request.resource,
        {**organizations.keys_of(account, owner or account), **request.context},
        [read_policy(text) for text in request.identity],
        _open(account, request.action, request.resource),
        None if request.boundaries is None else [read_policy(text) for text in request.boundaries],
        None,
        service if request.scp else None,
        resource if request.rcp else None,
        unknown_keys=unknown_keys,
    )


def _open(account: str, action: str, resource: str) -> ParsedPolicy | None:
    """Return a resource's policy that leaves the decision to the caller's account; None without one."""
    allow: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": account}}
    if ":iam:" in resource:
        trust = {"Version": NEW, "Statement": {**allow, "Action": "sts:*"}}
        return parse(trust, TRUST) if action.lower().startswith("sts:") else None
    return parse({"Version": NEW, "Statement": {**allow, "Action": "*", "Resource": "*"}}, RESOURCE)
