"""The live state of both accounts, read by their administrators' sessions."""

from collections.abc import Callable, Iterator
from typing import Any

from xacct_nb.aws.sessions import Sessions, translate_errors
from xacct_nb.changes.plan import Change
from xacct_nb.errors import AwsRefused, InvalidGrant
from xacct_nb.grants.documents import Documents
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.naming import policy_arn, policy_name
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn

_ENTITIES = (
    ("PolicyUsers", "user", "UserName"),
    ("PolicyGroups", "group", "GroupName"),
    ("PolicyRoles", "role", "RoleName"),
)


def read(documents: Documents, sessions: Sessions) -> State:
    """What is there now of the roles and policies that the documents name.

    Raises AwsRefused, and InvalidGrant where a source does not exist or a role has another path.
    """
    resources: dict[ResourceKey, Any] = {}
    for role in documents.grant.destinations:
        resources |= _role(sessions, role)
    resources |= _callers(documents, sessions)
    _check_sources(documents.grant, sessions, resources)
    return State(resources)


def read_value(sessions: Sessions, change: Change) -> Any:
    """The value, as it is now, of the thing that a change is about; None where it does not exist."""
    return _LIVE[change.kind](sessions, change)


def dependents(sessions: Sessions, change: Change) -> set[ResourceKey]:
    """What hangs on the role or managed policy of a change: it cannot be deleted while something does."""
    if Arn.parse(change.target).kind == "policy":
        return set(_attachments(sessions.grant, sessions, change.target))
    return {key for key in _role(sessions, change.target) if key.kind != "role"}


def exists(sessions: Sessions, arn: str) -> bool:
    """Whether there is this user, role or group (path and case count)."""
    named = Arn.parse(arn)
    iam, kind = sessions.admin(named.account, "iam"), named.kind
    call, name = getattr(iam, f"get_{kind}"), {f"{kind.title()}Name": named.name}
    answer = optional(f"Get{kind.title()} {named.name}", lambda: call(**name))
    return answer is not None and answer[kind.title()]["Arn"] == arn


def policy_exists(sessions: Sessions, account: str, arn: str) -> bool:
    """Whether a thing in the account can have this managed policy, AWS's or the account's own."""
    iam = sessions.admin(account, "iam")
    return optional(f"GetPolicy {arn}", lambda: iam.get_policy(PolicyArn=arn)) is not None


def optional(doing: str, call: Callable[[], Any]) -> Any:
    """The answer of a call, None where AWS says NoSuchEntity. Raises AwsRefused."""
    try:
        with translate_errors(doing):
            return call()
    except AwsRefused as problem:
        if problem.aws_code != "NoSuchEntity":
            raise
        return None


def list_all(client: Any, operation: str, name: str, **parameters: Any) -> list[Any]:
    """All items of a paginated list. Raises AwsRefused."""
    with translate_errors(operation):
        pages = client.get_paginator(operation).paginate(**parameters)
        return [item for page in pages for item in page.get(name, [])]


def _role(sessions: Sessions, arn: str) -> dict[ResourceKey, Any]:
    value = _role_value(sessions, arn)
    if value is None:
        return {}
    iam, name = sessions.admin(Arn.parse(arn).account, "iam"), Arn.parse(arn).name
    inline = {
        ResourceKey("inline-policy", arn, policy): _inline_policy(sessions, arn, policy)
        for policy in list_all(iam, "list_role_policies", "PolicyNames", RoleName=name)
    }
    attached = {
        ResourceKey("attachment", arn, policy["PolicyArn"]): True
        for policy in list_all(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name)
    }
    return {ResourceKey("role", arn): value, **inline, **attached}


def _role_value(sessions: Sessions, arn: str) -> dict[str, Any] | None:
    iam, named = sessions.admin(Arn.parse(arn).account, "iam"), Arn.parse(arn)
    answer = optional(f"GetRole {named.name}", lambda: iam.get_role(RoleName=named.name))
    if answer is None:
        return None
    role = answer["Role"]
    if role["Arn"] != arn:
        raise InvalidGrant(
            f"{arn} does not exist, but {role['Arn']} does.",
            why="Role names are unique in an account, whatever their path and case.",
            hint="Write the role's ARN as it is, or choose another name.",
        )
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    return {
        "path": role["Path"],
        "description": role.get("Description", ""),
        "boundary": boundary,
        "session_seconds": role.get("MaxSessionDuration", 3600),
        "tags": _tags(role),
        "trust": role["AssumeRolePolicyDocument"],
    }


def _inline_policy(sessions: Sessions, arn: str, policy: str) -> Any:
    """The inline policy of a role, user or group."""
    named = Arn.parse(arn)
    iam, kind = sessions.admin(named.account, "iam"), named.kind
    call, owner = getattr(iam, f"get_{kind}_policy"), {f"{kind.title()}Name": named.name}
    answer = optional(f"Get{kind.title()}Policy {policy}", lambda: call(**owner, PolicyName=policy))
    return answer and answer["PolicyDocument"]


def _policy(sessions: Sessions, arn: str) -> Any:
    iam = sessions.admin(Arn.parse(arn).account, "iam")
    answer = optional(f"GetPolicy {arn}", lambda: iam.get_policy(PolicyArn=arn))
    return answer and answer["Policy"]


def _policy_value(sessions: Sessions, arn: str) -> dict[str, Any] | None:
    policy = _policy(sessions, arn)
    if policy is None:
        return None
    iam, version = sessions.admin(Arn.parse(arn).account, "iam"), policy["DefaultVersionId"]
    with translate_errors(f"GetPolicyVersion {arn}"):
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return {
        "description": policy.get("Description", ""),
        "tags": _tags(policy),
        "document": document,
        "version": version,
    }


def _callers(documents: Documents, sessions: Sessions) -> dict[ResourceKey, Any]:
    grant = documents.grant
    if grant.caller_policy == "inline":
        keys = [
            ResourceKey("inline-policy", carrier, policy_name(grant, number + 1))
            for carrier, policies in documents.caller_policies.items()
            for number in range(len(policies))
        ]
        found = {key: _inline_policy(sessions, key.target, key.name) for key in keys}
        return {key: value for key, value in found.items() if value is not None}
    wanted = {
        Arn.parse(carrier).account: len(policies) for carrier, policies in documents.caller_policies.items()
    }
    return {
        key: value
        for account, count in wanted.items()
        for key, value in _managed(grant, sessions, account, count)
    }


def _managed(grant: Grant, sessions: Sessions, account: str, count: int) -> Iterator[tuple[ResourceKey, Any]]:
    """The grant's managed policies in an account with their attachments, also those beyond `count`."""
    number = 0
    while True:
        number += 1
        arn = policy_arn(grant, account, number)
        value = _policy_value(sessions, arn)
        if value is not None:
            yield ResourceKey("managed-policy", arn), value
            yield from ((key, True) for key in _attachments(grant, sessions, arn))
        elif number >= count:
            return


def _attachments(grant: Grant, sessions: Sessions, arn: str) -> Iterator[ResourceKey]:
    account = Arn.parse(arn).account
    known = {
        (Arn.parse(source).kind, Arn.parse(source).name): source
        for source in (*grant.principals, grant.attach_to)
        if source and Arn.parse(source).account == account
    }
    with translate_errors(f"ListEntitiesForPolicy {arn}"):
        pages = list(
            sessions.admin(account, "iam").get_paginator("list_entities_for_policy").paginate(PolicyArn=arn)
        )
    for page in pages:
        for name, kind, field in _ENTITIES:
            for entity in page.get(name, []):
                plain = f"arn:{grant.partition}:iam::{account}:{kind}/{entity[field]}"
                yield ResourceKey("attachment", known.get((kind, entity[field]), plain), arn)


def _check_sources(grant: Grant, sessions: Sessions, resources: dict[ResourceKey, Any]) -> None:
    """Asks for every source that is not yet known to exist: AWS refuses a trust in one that does not."""
    if grant.attach_to:
        resources[ResourceKey("group", grant.attach_to)] = _members(sessions, grant.attach_to)
    seen = {key.target for key in resources if key.kind in ("attachment", "inline-policy")}
    for source in grant.principals:
        if source not in seen and not exists(sessions, source):
            raise _no_such(source)


def _members(sessions: Sessions, arn: str) -> list[str]:
    named = Arn.parse(arn)
    pages = sessions.admin(named.account, "iam").get_paginator("get_group").paginate(GroupName=named.name)
    answers = optional(f"GetGroup {named.name}", lambda: list(pages))
    if answers is None:
        raise InvalidGrant(
            f"{arn} does not exist.",
            why="The grant's caller policy is to hang on it.",
            hint="Correct attach_to, or create the group first.",
        )
    return [user["UserName"] for answer in answers for user in answer["Users"]]


def _no_such(arn: str) -> InvalidGrant:
    return InvalidGrant(
        f"{arn} does not exist.",
        why="AWS refuses a trust policy that names a principal that does not exist.",
        hint="Correct the ARN (path and case count), or create it first.",
    )


def _tags(thing: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}


def _attached(sessions: Sessions, change: Change) -> Any:
    named = Arn.parse(change.target)
    iam, kind = sessions.admin(named.account, "iam"), named.kind
    operation, owner = f"list_attached_{kind}_policies", {f"{kind.title()}Name": named.name}
    policies = optional(operation, lambda: list_all(iam, operation, "AttachedPolicies", **owner))
    return True if any(policy["PolicyArn"] == change.name for policy in policies or ()) else None


def _part(name: str) -> Callable[[Sessions, Change], Any]:
    def part(sessions: Sessions, change: Change) -> Any:
        value = _role_value(sessions, change.target)
        return value and (value[name] or None if name == "boundary" else value[name])

    return part


def _all_tags(sessions: Sessions, change: Change) -> Any:
    if Arn.parse(change.target).kind == "policy":
        policy = _policy(sessions, change.target)
        return policy and _tags(policy)
    return _part("tags")(sessions, change)


def _settings(sessions: Sessions, change: Change) -> Any:
    role = _role_value(sessions, change.target)
    return role and {"description": role["description"], "session_seconds": role["session_seconds"]}


_LIVE: dict[str, Callable[[Sessions, Change], Any]] = {
    "role": lambda sessions, change: _role_value(sessions, change.target),
    "managed-policy": lambda sessions, change: _policy_value(sessions, change.target),
    "inline-policy": lambda sessions, change: _inline_policy(sessions, change.target, change.name),
    "attachment": _attached,
    "trust": _part("trust"),
    "boundary": _part("boundary"),
    "tags": _all_tags,
    "settings": _settings,
}
