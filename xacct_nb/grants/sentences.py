"""What a grant gives, in sentences: who will be able to do what, through which role, when."""

from collections.abc import Iterable, Iterator

from xacct_nb.grants.conditions import Conditions, Permission
from xacct_nb.grants.expiry import describe_expiry
from xacct_nb.grants.grant import Grant, account_of, is_whole_account
from xacct_nb.grants.sources import is_role_pattern, permission_set_of
from xacct_nb.iam.arns import Arn, is_account_id


def access_sentences(grant: Grant, verb: str = "will be able to") -> tuple[str, ...]:
    """Return one sentence for each source and role: who may do what, through which role, when.

    Every action and resource is named. An external ID is mentioned, never shown.
    """
    what, when = describe_access(grant)
    return tuple(
        f"{describe_source(grant, source)} {verb} {what} through {describe_arn(role)}, {when}."
        for source in grant.sources
        for role in grant.destinations
    )


def describe_access(grant: Grant) -> tuple[str, str]:
    """Return what a grant lets its callers do, and when."""
    renews = ("and the role may assume itself again",) if grant.self_assume else ()
    length = describe_length(grant.session_minutes)
    ends = (describe_expiry(grant.expires),) if grant.expires else ()
    return _what(grant), ", ".join((*_conditions(grant.conditions), length, *renews, *ends))


def describe_arn(arn: str) -> str:
    """Return the name and the account of a user, a role, a policy or a whole account, as people read them."""
    if is_account_id(arn):
        return f"account {arn}"
    named = Arn.parse(arn)
    if named.resource == "root":
        return f"account {named.account}"
    if name := permission_set_of(arn):
        return f"the permission set {name} of {named.account}"
    return f"{named.resource} of {'AWS' if named.account == 'aws' else named.account}"


def join_words(words: Iterable[str]) -> str:
    """Return words as one list: `a, b and c`."""
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def describe_source(grant: Grant, source: str) -> str:
    """Return who gets access by one of the sources of a grant."""
    account = account_of(source)
    group = f"the group {Arn.parse(grant.attach_to).name}" if grant.attach_to else ""
    if is_whole_account(source):
        return f"Every user of {group} of {account}" if group else f"Everyone whom {account} allows it"
    if is_role_pattern(source):
        kind = "Everyone with" if permission_set_of(source) else "Every session of a role that matches"
        return f"{kind} {describe_arn(source)}, where its own policies allow it,"
    return f"{describe_arn(source)}{f', as a member of {group},' if group else ''}"


def _what(grant: Grant) -> str:
    policies = [f"what the policy {Arn.parse(each).name} allows" for each in grant.managed_policies]
    parts = [*map(describe_permission, grant.permissions), *(f"do {each}" for each in policies)]
    if grant.trust_only:
        return f"do what the role's owner allows{f' (to be proven: {join_words(parts)})' if parts else ''}"
    boundary = grant.permissions_boundary
    most = f" (at most what the boundary {Arn.parse(boundary).name} allows)" if boundary else ""
    return (join_words(parts) or "do nothing but open a session") + most


def describe_permission(permission: Permission) -> str:
    """Return the actions and the resources of a permission, each of them."""
    actions = join_words("do everything" if each == "*" else each for each in permission.actions)
    return f"{actions} on {join_words(map(_resource, permission.resources))}"


def _resource(resource: str) -> str:
    """Return a resource without what its ARN repeats; of S3 that is all but the bucket and the key."""
    if resource == "*":
        return "every resource"
    _, _, service, *_, name = resource.split(":", 5) if resource.count(":") > 4 else ("", "", "", resource)
    return name if service == "s3" else resource


def _conditions(when: Conditions) -> Iterator[str]:
    tags = join_words(f"{key}={value}" for key, value in when.session_tags.items())
    rows = (
        (when.external_id.get_secret_value(), "with an external ID"),
        (when.require_mfa, "with MFA"),
        (when.organization_id, f"only from the organization {when.organization_id}"),
        (when.source_ips, f"only from {join_words(when.source_ips)}"),
        (when.role_session_name, f"only under the session name {when.role_session_name}"),
        (when.source_identity, f"only with the source identity {when.source_identity}"),
        (when.session_tags, f"only with the session tags {tags}"),
    )
    yield from (text for holds, text in rows if holds)


def describe_length(minutes: int) -> str:
    """Return how long a role session of so many minutes may be, as the end of a sentence."""
    hours, rest = divmod(minutes, 60)
    if rest:
        return f"for {minutes} minutes at a time"
    return f"for {hours} hour{'s' * (hours != 1)} at a time"
