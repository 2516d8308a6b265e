"""Causes of a denial after AssumeRole: what the role's session is allowed."""

from xacct_nb.diagnosis.cause import CLIENT, DESTINATION, LIKELY, KnownCause

SESSION_CAUSES = (
    KnownCause("I1", "role-without-permission", DESTINATION, policy_type="identity-based policy",
        why="No policy of the role allows the action on the resource.",
        mend="Give the role a policy that allows it."),
    KnownCause("I1", "role-deny", DESTINATION, policy_type="identity-based policy",
        why="A Deny statement in a policy of the role applies to the action.",
        mend="A Deny is usually intended: agree with its author first, then exclude the action from it."),
    KnownCause("I2", "role-boundary", DESTINATION, policy_type="permissions boundary",
        why="The role's permissions boundary does not allow the action.",
        mend="Allow the action in the boundary, too."),
    KnownCause("I3", "session-policy", CLIENT, policy_type="session policy",
        why="The session policy of the AssumeRole request does not allow the action.",
        mend="Assume the role without a session policy, or with one that allows the action."),
    KnownCause("I4", "resource-policy", DESTINATION, policy_type="resource-based policy", sure=LIKELY,
        why="The resource's policy denies the role, or is in another account and does not allow it.",
        mend="Allow the role in the resource's policy.",
        text=r"because no resource-based policy allows"
        r"|s3:.*with an explicit deny in a resource-based policy"),
    KnownCause("I5", "permission-condition", DESTINATION, policy_type="identity-based policy",
        why="The role's policy allows the action under a condition that the session does not meet.",
        mend="Meet the condition, or change it; the session of a role never has MFA."),
    KnownCause("I6", "other-account-resource", DESTINATION,
        why="The resource is in a third account, which must allow the role, too.",
        mend="Find the resource's owner, and ask for a resource policy that allows the role."),
    KnownCause("I7", "wrong-identity", CLIENT,
        why="The request was made with the caller's original credentials, not with the role's session.",
        mend="Use the session's three credentials; aws sts get-caller-identity must then show assumed-role."),
    KnownCause("G3", "session-revoked", DESTINATION, policy_type="identity-based policy",
        why="The policy AWSRevokeOlderSessions denies every request of sessions that started too early.",
        mend="Assume the role again."),
)  # fmt: skip
