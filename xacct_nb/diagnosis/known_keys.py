"""The condition keys of a request: the values that are known, and the keys that are known to be missing."""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.snapshot import CallerIdentity, Principal
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import as_list, statements_of
from xacct_nb.iam.grammar import Document
from xacct_nb.iam.operators import parse_date

EVERY_OTHER_KEY = ("*",)
"""What is neither given nor follows from the caller: addresses, networks, organizations, session tags."""

# Keys that only requests of AWS services have, and parameters that STS adds only if they are passed.
# Source: IAM user guide, reference_policies_condition-keys, reference_policies_iam-condition-keys.
_NEVER = (
    "aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner",
    "aws:principalservicename", "aws:principalservicenameslist", "sts:awsservicename",
)  # fmt: skip
_PARAMETERS = ("sts:externalid", "sts:sourceidentity", "aws:tagkeys", "sts:transitivetagkeys")
_PASSED_ON = ("sts:sourceidentity", "aws:tagkeys", "sts:transitivetagkeys")
# What no session carries: where it is not known, only the text of the denial was given.
_PARAMETERS_ONLY = ("sts:externalid", "sts:rolesessionname", "sts:durationseconds")
_KEY_IN_TEXT = re.compile(r"\$\{([^},]+)")
# Dates as near as this to now could have been on the other side of it when the request was made.
_NEAR_SECONDS = 300

_TIME = ("aws:currenttime", "aws:epochtime")


def is_time(key: str) -> bool:
    """Return whether a key is the time of the request: AWS's clock decided, and the reader's is another."""
    return key.lower() in _TIME


def who_says(keys: Iterable[str]) -> str:
    """Return who knows the values of unknown keys, as the end of a sentence."""
    names = [each.lower() for each in keys]
    if names and all(each in _PARAMETERS_ONLY for each in names):
        return "the text does not say"
    if names and all(each in _PARAMETERS_ONLY or _is_passed_on(each) for each in names):
        return "neither the text nor the caller's ARN says"
    return "only AWS sees"


def _is_passed_on(key: str) -> bool:
    """Return whether a key is of a parameter, or of what a session carries on from an earlier role."""
    return key in _PASSED_ON or key.startswith("aws:requesttag/")


def is_of_role(caller: str) -> bool:
    """Return whether a caller is a session of a role: a role's own ARN stands for any of its sessions."""
    return ":assumed-role/" in caller or (":iam:" in caller and ":role/" in caller)


def known_keys(
    attempt: Attempt,
    caller: str,
    now: str,
    *,
    entity: Principal | None = None,
    identity: CallerIdentity | None = None,
    role: Principal | None = None,
    documents: Iterable[Document] = (),
    knows_parameters: bool = True,
) -> dict[str, Any]:
    """Return the keys of AssumeRole that follow from what was read; None for a key that is surely missing.

    `entity` is the caller's user or role, `identity` its session, and `documents` name the keys in question.
    Of a request of which only the error text is known, a parameter that was not given is not known.
    """
    is_session = is_of_role(caller)
    asked, dates = _asked(documents)
    keys: dict[str, Any] = dict.fromkeys(_NEVER)
    if now and not any(abs(date - (parse_date(now) or Decimal(0))) < _NEAR_SECONDS for date in dates):
        keys |= {"aws:CurrentTime": now, "aws:EpochTime": str(int(parse_date(now) or 0))}
    keys |= {"aws:SecureTransport": "true"} | _principal_keys(caller, entity, identity, asked)
    unpassed = [key for key in _PARAMETERS if not (is_session and key in _PASSED_ON)]
    keys |= dict.fromkeys(unpassed if knows_parameters else ())
    # Access keys of a user have no MFA, and neither has the session of a role; a session token may have it.
    if is_session or (identity and identity.temporary is False):
        keys |= {"aws:MultiFactorAuthPresent": None, "aws:MultiFactorAuthAge": None}
    if not is_session:
        keys |= dict.fromkeys(
            ("aws:SourceIdentity", "aws:FederatedProvider", *filter(_is_of_provider, asked))
        )
    if knows_parameters and not is_session:
        keys |= {key: None for key in asked if key.startswith("aws:requesttag/")}
    if role:
        keys |= _tags("aws:ResourceTag/", role.tags, asked) | _tags("iam:ResourceTag/", role.tags, asked)
    return _merged(keys, attempt.context)


def direct_keys(
    attempt: Attempt,
    caller: str,
    now: str,
    entity: Principal,
    identity: CallerIdentity | None,
    documents: Iterable[Document],
) -> dict[str, Any]:
    """Return the known keys of a caller's request to another service than STS: none are of that service."""
    found = known_keys(
        attempt, caller, now, entity=entity, identity=identity, documents=documents, knows_parameters=False
    )
    return {key: value for key, value in found.items() if key.lower().startswith("aws:")}


def without_missing_parameters(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys without those that a parameter would give: whether it was passed is not known."""
    return {key: value for key, value in keys.items() if value is not None or not _is_of_parameter(key)}


def _is_of_provider(key: str) -> bool:
    """Return whether a key is of an identity provider, or of a service: a user's request of STS has none."""
    return not key.startswith(("aws:", "sts:", "iam:"))


def _is_of_parameter(key: str) -> bool:
    return key.lower() in _PARAMETERS or key.lower().startswith("aws:requesttag/")


def _principal_keys(
    caller: str, entity: Principal | None, identity: CallerIdentity | None, asked: set[str]
) -> dict[str, Any]:
    """Return the keys of the caller's user or role; session tags may override the tags of a role."""
    if entity is None:
        return {"aws:userid": identity.user_id} if identity and identity.user_id else {}
    is_session, is_named = is_of_role(caller), ":role/" not in caller
    name = f":{Arn.parse(caller).name}" if is_session else ""
    user_id = {"aws:userid": f"{entity.id}{name}"} if entity.id and is_named else {}
    keys = {"aws:PrincipalArn": entity.arn} | user_id
    return keys if is_session else keys | _tags("aws:PrincipalTag/", entity.tags, asked)


def _tags(prefix: str, tags: Mapping[str, str], asked: set[str]) -> dict[str, Any]:
    """Return the keys of a principal's or a resource's tags; those in question that it lacks are missing."""
    missing = {key: None for key in asked if key.startswith(prefix.lower())}
    return _merged(missing, {f"{prefix}{name}": value for name, value in tags.items()})


def _merged(keys: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return both; condition keys are the same in upper and lower case."""
    given = {key.lower() for key in more}
    return {key: value for key, value in keys.items() if key.lower() not in given} | dict(more)


def _asked(documents: Iterable[Document]) -> tuple[set[str], set[Decimal]]:
    """Return the condition keys and variables in the documents, in lower case, and the dates."""
    keys, dates = set[str](), set[Decimal]()
    for operator, key, value in _comparisons(documents):
        keys.add(key.lower())
        keys.update(each.lower() for each in _KEY_IN_TEXT.findall(value))
        date = parse_date(value) if "date" in operator.lower() else None
        if date is not None:
            dates.add(date)
    return keys, dates


def _comparisons(documents: Iterable[Document]) -> Iterator[tuple[str, str, str]]:
    """Yield each operator, key and value of the conditions, and the resources as values of no key."""
    for statement in (each for document in documents for each in statements_of(document)):
        if not isinstance(statement, Mapping):
            continue
        for resource in as_list(statement.get("Resource", [])):
            yield "", "", str(resource)
        conditions = statement.get("Condition")
        for operator, keys in conditions.items() if isinstance(conditions, Mapping) else ():
            for key, values in keys.items() if isinstance(keys, Mapping) else ():
                yield from ((str(operator), str(key), str(value)) for value in as_list(values))
