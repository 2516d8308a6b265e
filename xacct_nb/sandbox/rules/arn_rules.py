"""IAM's refusals of what is no ARN of a policy, where an operation takes one."""

from xacct_nb.sandbox.http.calls import Call, Refusal

_PARAMETERS = ("PolicyArn", "PermissionsBoundary")


def invalid_arn(call: Call) -> Refusal | None:
    """Refuse a text that is no ARN, or no policy's, in a parameter for the ARN of a policy."""
    if call.service != "iam":
        return None
    for name in _PARAMETERS:
        if name in call.parameters and (refusal := _refused(call.parameters[name])):
            return refusal
    return None


def _refused(arn: str) -> Refusal | None:
    prefix, partition, service, _, _, resource, *_ = (*arn.split(":", 5), "", "", "", "", "", "")
    if prefix != "arn" or arn.count(":") < 5:
        return Refusal(400, "ValidationError", "Invalid ARN:  Could not be parsed!")
    if partition != "aws":
        return Refusal(400, "ValidationError", "Invalid ARN partition")
    if service != "iam" or not resource.startswith("policy/"):
        return Refusal(400, "InvalidInput", f"ARN {arn} is not valid.")
    return None
