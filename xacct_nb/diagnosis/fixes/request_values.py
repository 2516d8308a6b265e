"""Chooses parameters of AssumeRole that pass a condition: candidates from its patterns, then evaluated."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from xacct_nb.diagnosis.assume_request import ALLOW_ALL
from xacct_nb.diagnosis.attempt import ASSUME, Attempt
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.fixes.locations import LocatedStatement
from xacct_nb.diagnosis.known_keys import EVERY_OTHER_KEY
from xacct_nb.errors import InvalidArn, InvalidInput
from xacct_nb.grants.documents import VERSION
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import as_list, statements_of
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.weighing import EXPLICITLY_DENIED

Changes = dict[str, Any]
Conditions = Mapping[str, Mapping[str, Any]]
_NAME, _TAG_VALUE = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII), re.compile(r"[\w .:/=+@-]{1,256}")
_VARIABLE = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
_WORDS = ("my-session", "session", "work", "diagnosis-1", "xx")
_FILLS = (("", "x"), ("x", "x"), ("session", "a"), ("1", "1"), ("abcdefgh", "0"))
_REMOVABLE = {"sts:externalid": "ExternalId", "sts:sourceidentity": "SourceIdentity"}
_MIN_SECONDS, _MAX_SECONDS = 900, 43200


def conditions_of(statement: LocatedStatement) -> Conditions:
    """Return the conditions of a statement as the policy has them, with secrets."""
    found = statements_of(statement.policy.document)[statement.number].get("Condition")
    return found if isinstance(found, Mapping) else {}


def values_of(conditions: Conditions, key: str) -> list[str]:
    """Return the values with which a condition key is compared; Null compares it with none."""
    found = (
        values
        for operator, keys in conditions.items()
        if not operator.lower().endswith("null")
        for name, values in keys.items()
        if _is(name, key)
    )
    return [str(value) for values in found for value in as_list(values)]


def passing_request(case: Case, conditions: Conditions, key: str) -> Changes | None:
    """Return parameters with which the request meets the conditions on a key, None for none.

    Where there is a choice, they are ones to which no Deny of the trust policy applies.
    """
    met = [each for each in _candidates(case, conditions, key) if meets(case, conditions, key, each)]
    clean = (each for each in met if not _is_denied(case, each))
    return next(clean, met[0] if met else None)


def avoiding_request(case: Case, conditions: Conditions) -> Changes | None:
    """Return parameters with which a Deny of these conditions does not apply, nor another; None for none."""
    keys = dict.fromkeys(key for names in conditions.values() for key in names)
    found = (each for key in keys for each in _candidates(case, conditions, key))
    return next((each for each in found if not _is_denied(case, each)), None)


def meets(case: Case, conditions: Conditions, key: str, changes: Changes) -> bool:
    """Return whether the request surely meets the conditions on a key, with these parameters changed."""
    of_key = {
        operator: {name: value for name, value in keys.items() if _is(name, key)}
        for operator, keys in conditions.items()
    }
    account = {"AWS": Arn.parse(case.caller).account}
    statement = {"Effect": "Allow", "Principal": account, "Action": ASSUME}
    statement |= {"Condition": {operator: keys for operator, keys in of_key.items() if keys}}
    document = {"Version": VERSION, "Statement": [statement]}
    with suppress(InvalidInput, InvalidArn):
        context = _with(case, changes).context
        found = evaluate(
            case.caller, ASSUME, case.role, context, [ALLOW_ALL], document, unknown_keys=EVERY_OTHER_KEY
        )
        return found.allowed
    return False


def _is(name: str, key: str) -> bool:
    return name.lower() == key.lower()


def _with(case: Case, changes: Changes) -> Case:
    parameters = case.attempt.parameters | changes
    return replace(case, attempt=case.attempt.model_copy(update={"parameters": parameters}))


def _is_denied(case: Case, changes: Changes) -> bool:
    after = _with(case, changes)
    decisions = (after.trust_decision(), after.source_as_read())
    return any(each is not None and each.result == EXPLICITLY_DENIED for each in decisions)


def _candidates(case: Case, conditions: Conditions, key: str) -> Iterator[Changes]:
    patterns = values_of(conditions, key)
    if _is(key, "sts:ExternalId"):
        yield from ({"ExternalId": each} for each in patterns if not {"*", "?", "$"} & set(each))
    if _is(key, "aws:TagKeys"):
        yield from _tag_sets(case.attempt, patterns)
    for expression, make in _PARAMETERS.items():
        if re.fullmatch(expression, key.lower()):
            for value in dict.fromkeys(_values(case, patterns)):
                with suppress(ValueError):
                    yield make(case.attempt, key, value)
    if name := _REMOVABLE.get(key.lower()):
        yield {name: ""}


def _values(case: Case, patterns: list[str]) -> Iterator[str]:
    """Yield texts that match a pattern, then others, for those operators that exclude the patterns."""
    yield case.principal.rpartition("/")[2]
    for pattern in patterns:
        text = _VARIABLE.sub(lambda found: _variable(case, found), pattern)
        for many, one in _FILLS:
            yield text.replace("*", many).replace("?", one)
        if text.lstrip("-").isdecimal():
            yield from (str(int(text) + step) for step in (-1, 1))
    yield from (*_WORDS, str(_MIN_SECONDS), "3600")


def _variable(case: Case, found: re.Match[str]) -> str:
    """Return the value of a policy variable, else its default, else a text that no condition takes."""
    key, default = found[1], found[2]
    if key in ("*", "?", "$"):
        return key
    if _is(key, "aws:username") and not case.is_chained:
        return case.principal.rpartition("/")[2]
    known = {name.lower(): value for name, value in case.context.items()}.get(key.lower())
    return str(known or default or " ")


def _named(parameter: str) -> Callable[[Attempt, str, str], Changes]:
    def make(attempt: Attempt, key: str, value: str) -> Changes:
        if not _NAME.fullmatch(value) or (parameter == "SourceIdentity" and value.lower().startswith("aws:")):
            raise ValueError(value)
        return {parameter: value}

    return make


def _duration(attempt: Attempt, key: str, value: str) -> Changes:
    if not _MIN_SECONDS <= int(value) <= _MAX_SECONDS:
        raise ValueError(value)
    return {"DurationSeconds": int(value)}


def _tag(attempt: Attempt, key: str, value: str) -> Changes:
    if not _TAG_VALUE.fullmatch(value):
        raise ValueError(value)
    name = key.partition("/")[2]
    return {"Tags": _tag_list(_tags(attempt) | {name: value})}


def _tag_sets(attempt: Attempt, names: list[str]) -> Iterator[Changes]:
    """Yield session tags under more names, under fewer, and none."""
    tags = _tags(attempt)
    plain = {name: tags.get(name, "x") for name in names if not {"*", "?", "$"} & set(name)}
    yield {"Tags": _tag_list(tags | plain)}
    yield {"Tags": _tag_list(plain)}
    lower = {name.lower() for name in names}
    yield {"Tags": _tag_list({name: value for name, value in tags.items() if name.lower() in lower})}
    yield {"Tags": _tag_list({name: value for name, value in tags.items() if name.lower() not in lower})}
    yield {"Tags": []}


def _tags(attempt: Attempt) -> dict[str, str]:
    return {str(tag["Key"]): str(tag["Value"]) for tag in attempt.parameters.get("Tags") or []}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


_PARAMETERS: dict[str, Callable[[Attempt, str, str], Changes]] = {
    "sts:rolesessionname": _named("RoleSessionName"),
    "(sts|aws):sourceidentity": _named("SourceIdentity"),
    "sts:durationseconds": _duration,
    "aws:requesttag/.+": _tag,
}
