"""Allows a role what its policies allow only under conditions that its session does not meet."""

from xacct_nb.diagnosis.fixes.edits import is_holder, new_policy
from xacct_nb.diagnosis.fixes.fix import NO_FIX, Fix, smallest_policy, without_key
from xacct_nb.diagnosis.fixes.locations import LocatedStatement
from xacct_nb.diagnosis.policy_holder import PolicyHolder
from xacct_nb.iam.canonical import statements_of
from xacct_nb.iam.explain import short_name, summarize


def without_unmet(holder: PolicyHolder, statement: LocatedStatement) -> Fix:
    """Return the fix that allows the denied request alone, without the conditions that are not met."""
    if not is_holder(holder.arn) or "/aws-reserved/" in holder.arn:
        return NO_FIX
    own = statements_of(statement.policy.document)[statement.number]
    keys = tuple(dict.fromkeys(each.key for each in statement.unmet if each.element == "Condition"))
    left = own
    for key in keys:
        left = {**left, "Condition": without_key(left, key)}
    document = smallest_policy(holder.resource, holder.actions, left["Condition"])
    if holder.resource == "*" and "Resource" in own:  # which one was denied is not known
        document["Statement"][0]["Resource"] = own["Resource"]
    names = summarize(keys, " and ")
    mend = (
        f"A condition is usually intended: agree with its author first, then allow {short_name(holder.arn)} "
        f"{', '.join(holder.actions)} on {holder.resource} in a policy without {names}."
    )
    return Fix(mend, (new_policy(holder.arn, holder.new_policy, document, holder.policy_names),))
