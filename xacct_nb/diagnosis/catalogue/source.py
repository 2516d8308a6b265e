"""Causes in the source account: what the caller's policies, boundary and session allow and deny."""

from xacct_nb.diagnosis.attempt import ASSUME_ACTIONS
from xacct_nb.diagnosis.cause import LIKELY, SOURCE, KnownCause, only_for

_IDENTITY = "identity-based policy"
_OF_ASSUME_ROLE = only_for(ASSUME_ACTIONS, (
    KnownCause("B1", "no-identity-allow", SOURCE, policy_type=_IDENTITY, sure=LIKELY,
        why="No policy of the caller allows sts:AssumeRole on the role.",
        mend="Give the caller a policy that allows it."),
    KnownCause("B2", "other-resource-arn", SOURCE, policy_type=_IDENTITY,
        why="The caller's policy names an ARN that differs from the role's in account, path or letter case.",
        mend="Write the role's ARN as GetRole returns it, with path and letter case."),
    KnownCause("B3", "policy-not-attached", SOURCE, policy_type=_IDENTITY,
        why="A policy that would allow the request exists, but is not attached to the caller.",
        mend="Attach it to the caller, or add the user to the group."),
    KnownCause("B4", "old-policy-version", SOURCE, policy_type=_IDENTITY,
        why="A newer version of the policy would allow the request, but it is not the default version.",
        mend="Make that version the default version."),
    KnownCause("B5", "identity-deny", SOURCE, policy_type=_IDENTITY, sure=LIKELY,
        why="A Deny statement in a policy of the caller applies to the role.",
        mend="A Deny is usually intended: agree with its author first, then exclude the role from it."),
    KnownCause("B5", "deny-without-mfa", SOURCE, policy_type=_IDENTITY,
        why="A policy of the caller denies every request without MFA, and access keys have no MFA.",
        mend="Pass --serial-number and --token-code, or use a session from get-session-token with MFA."),
    KnownCause("B6", "identity-condition", SOURCE, policy_type=_IDENTITY,
        why="The caller's policy allows the request under a condition that it does not meet.",
        mend="Meet the condition, or change it."),
    KnownCause("B7", "caller-boundary", SOURCE, policy_type="permissions boundary", sure=LIKELY,
        why="The caller's permissions boundary does not allow sts:AssumeRole on the role.",
        mend="Allow the action in the boundary, too."),
    KnownCause("B8", "caller-session-policy", SOURCE, policy_type="session policy", sure=LIKELY,
        why="The session policy of the caller's own session does not allow sts:AssumeRole on the role.",
        mend="Start the session without a session policy, or with one that allows it."),
    KnownCause("B11", "no-tag-session", SOURCE, sure=LIKELY,
        why="The request passes session tags, and not both sides allow sts:TagSession.",
        mend="Allow sts:TagSession besides sts:AssumeRole on both sides, or pass no tags.",
        text=r"not authorized to perform:? sts:TagSession"),
    KnownCause("B12", "no-set-source-identity", SOURCE, sure=LIKELY,
        why="The request sets a source identity, and not both sides allow sts:SetSourceIdentity.",
        mend="Allow sts:SetSourceIdentity besides sts:AssumeRole on both sides, or set no source identity.",
        text=r"not authorized to perform:? sts:SetSourceIdentity"),
    KnownCause("B13", "old-policy-language", SOURCE, policy_type=_IDENTITY,
        why="The policy has no Version 2012-10-17, so AWS reads ${...} in it as text, not as a variable.",
        mend="Add \"Version\": \"2012-10-17\"."),
    KnownCause("B14", "chained-role-without-allow", SOURCE, policy_type=_IDENTITY,
        why="The caller is a role, and its own policies do not allow it to assume the next role.",
        mend="Give the caller's role a policy that allows sts:AssumeRole on the next role."),
    KnownCause("B15", "wildcard-allows-any-role", SOURCE,
        why="The caller's policy allows every role of every account, so only the trust policies decide.",
        mend="Name the roles in Resource."),
))  # fmt: skip
SOURCE_CAUSES = (
    *_OF_ASSUME_ROLE,
    KnownCause("A9", "no-such-caller", SOURCE, signed=True,
        why="The caller's account has no user or role of the caller's name.",
        mend="Sign in as a user or role that exists, or create it again; then the trust policy must name it "
        "again, too."),
)  # fmt: skip
