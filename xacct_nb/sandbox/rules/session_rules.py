"""What the sessions of GetSessionToken and GetFederationToken may not call, whatever policies say."""

from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import internals

_INVALID = Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid")


def session_may_not(call: Call) -> Refusal | None:
    """API reference, GetSessionToken and GetFederationToken: no IAM, or with MFA only."""
    if call.service != "iam" or not (session := internals.session(call.key)):
        return None
    kind = session.get("PrincipalType")
    if kind == "FederatedUser" or (kind == "User" and not session.get("MultiFactorAuthTime")):
        return _INVALID
    return None
