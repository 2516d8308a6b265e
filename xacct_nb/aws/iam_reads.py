"""Single reads of IAM: a user, group, role or policy by its ARN, and what AWS does not have."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock, get_ident
from typing import Any, TypeVar
from urllib.parse import unquote

from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.sessions import Sessions
from xacct_nb.errors import AwsRefused
from xacct_nb.iam.arns import Arn

T = TypeVar("T")
_KEEP, _KEEPING = "xacct-nb-trust-text", Lock()
_RESPONSES: ContextVar[dict[tuple[Any, ...], Any] | None] = ContextVar("responses", default=None)


@contextmanager
def each_read_once() -> Iterator[None]:
    """Let the reads in this block share their responses, so that IAM is asked for each thing once."""
    token = _RESPONSES.set({})
    try:
        yield
    finally:
        _RESPONSES.reset(token)


def _once(call: Callable[[], T], *read: Any) -> T:
    """Return the response of a read, in a block of `each_read_once` the one that it had before."""
    known = _RESPONSES.get()
    if known is None:
        return call()
    if read not in known:
        known[read] = call()
    response: T = known[read]
    return response


def exists(sessions: Sessions, arn: str) -> bool:
    """Return whether this user, role or group exists, with the same path and case."""
    return arn_of_name(sessions, arn) == arn


def arn_of_name(sessions: Sessions, arn: str) -> str:
    """Return the ARN of the user, role or group of this name, whatever its path and case; "" for none."""
    found = optional(lambda: get(sessions, arn, "get_{kind}"))
    return str(found[Arn.parse(arn).kind.title()]["Arn"]) if found else ""


def policy_exists(sessions: Sessions, account: str, arn: str) -> bool:
    """Return whether the account has this managed policy, its own or AWS's."""
    return optional(lambda: get(sessions, arn, "get_policy", account)) is not None


def owner_of(arn: str) -> tuple[str, dict[str, Any]]:
    """Return the kind of a user, group, role or policy, and the parameter that names it in IAM's calls."""
    named = Arn.parse(arn)
    by_name = {f"{named.kind.title()}Name": named.name}
    return named.kind, {"PolicyArn": arn} if named.kind == "policy" else by_name


def get(sessions: Sessions, arn: str, operation: str, account: str = "", **parameters: str) -> dict[str, Any]:
    """Return the response of an operation (`{kind}` becomes the resource's kind). Raises AwsRefused."""
    kind, owner = owner_of(arn)
    iam, method = sessions.admin(account or Arn.parse(arn).account, "iam"), operation.format(kind=kind)
    name = parameters.get("PolicyName") or next(iter(owner.values()))
    with translate_errors(f"{iam.meta.method_to_api_mapping[method]} {name}"):
        read = getattr(iam, method)
        return _once(lambda: dict(read(**owner, **parameters)), iam, method, arn, *parameters.items())


def list_all(sessions: Sessions, arn: str, operation: str, items: str) -> list[Any]:
    """Return all items of a paginated operation. Raises AwsRefused."""
    return [item for page in pages(sessions, arn, operation) for item in page.get(items, [])]


def optional(call: Callable[[], T]) -> T | None:
    """Return the result of a call, None where AWS returned NoSuchEntity. Raises AwsRefused."""
    try:
        return call()
    except AwsRefused as problem:
        if problem.aws_code != "NoSuchEntity":
            raise
        return None


def pages(sessions: Sessions, arn: str, operation: str) -> list[Mapping[str, Any]]:
    """Return the pages of a paginated operation. Raises AwsRefused."""
    kind, owner = owner_of(arn)
    iam, method = sessions.admin(Arn.parse(arn).account, "iam"), operation.format(kind=kind)
    with translate_errors(f"{iam.meta.method_to_api_mapping[method]} {next(iter(owner.values()))}"):
        return _once(lambda: list(iam.get_paginator(method).paginate(**owner)), iam, method, arn, pages)


def inline_policy(sessions: Sessions, arn: str, policy: str) -> Any:
    """Return the document of an inline policy, None where it does not exist. Raises AwsRefused."""
    found = optional(lambda: get(sessions, arn, "get_{kind}_policy", PolicyName=policy))
    return found and found["PolicyDocument"]


def managed_policy(sessions: Sessions, arn: str) -> Any:
    """Return a managed policy without its document, None where it does not exist. Raises AwsRefused."""
    found = optional(lambda: get(sessions, arn, "get_policy"))
    return found and found["Policy"]


def trust_text(sessions: Sessions, role: str) -> str:
    """Return a role's trust policy to the letter, as IAM keeps it. Raises AwsRefused."""
    named = Arn.parse(role)
    iam, found, thread = sessions.admin(named.account, "iam"), list[str](), get_ident()

    def keep(parsed: Mapping[str, Any], **about: Any) -> None:
        if get_ident() == thread:  # other threads may have the same client
            found.extend(filter(None, [parsed.get("Role", {}).get("AssumeRolePolicyDocument")]))

    # botocore replaces the text by what it says.
    with _KEEPING:
        iam.meta.events.register_first("after-call.iam.GetRole", keep, unique_id=_KEEP)
        try:
            with translate_errors(f"GetRole {named.name}"):
                iam.get_role(RoleName=named.name)
        finally:
            iam.meta.events.unregister("after-call.iam.GetRole", unique_id=_KEEP)
    return unquote(found[0])


def default_version(sessions: Sessions, arn: str, account: str) -> dict[str, Any] | None:
    """Return the default version of a managed policy, AWS's too, as a session of this account sees it."""
    found = optional(lambda: get(sessions, arn, "get_policy", account))
    return found and version_with_text(sessions, found["Policy"], account)


def version_with_text(sessions: Sessions, policy: Mapping[str, Any], account: str) -> dict[str, Any]:
    """Return the id and the document of a managed policy's default version. Raises AwsRefused."""
    version = policy["DefaultVersionId"]
    found = get(sessions, policy["Arn"], "get_policy_version", account, VersionId=version)
    return {"document": found["PolicyVersion"]["Document"], "version": version}


def version_number(version: str) -> int:
    """Return the number of a version: 3 for `v3`."""
    return int(version[1:])


def tags_of(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of a user, role or policy as IAM returned it."""
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}
