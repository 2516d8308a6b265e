"""Merges the templates of several accounts: AWS::AccountId takes the place of each account's own id."""

import re
from collections.abc import Mapping
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.redaction.invisible import on_one_line
from xacct_nb.validation import truncate

_ACCOUNT = {"Ref": "AWS::AccountId"}
_DIGITS = re.compile(r"([0-9]+)")
# What belongs to the account that it is in, where one account alone cannot show it. A trust policy does not:
# its callers may live in the same account.
_OF_ITS_ACCOUNT = ("PolicyDocument", "PermissionsBoundary", "ManagedPolicyArns")


def merge(values: Mapping[str, Any], where: str, own: bool = False) -> Any:
    """Return the one value of a template that gives each account its own; `values` are by account id.

    `where` names the value. `own` is whether the id of an account that is alone means its own account. Raises
    InvalidInput where the values differ in more than the account's id.
    """
    first = next(iter(values.values()))
    if _are(values, Mapping):
        merge({account: sorted(each) for account, each in values.items()}, where)
        return {
            key: merge(_each(values, key), f"{where}, {key}", own or key in _OF_ITS_ACCOUNT) for key in first
        }
    if _are(values, list) and len({len(each) for each in values.values()}) == 1:
        return [merge(_each(values, index), where, own) for index in range(len(first))]
    if _are(values, str):
        return _merge_texts(values, where, own)
    if any(each != first for each in values.values()):
        raise _differ(values, where)
    return first


def _are(values: Mapping[str, Any], kind: type) -> bool:
    return all(isinstance(each, kind) for each in values.values())


def _each(values: Mapping[str, Any], key: Any) -> dict[str, Any]:
    return {account: each[key] for account, each in values.items()}


def _merge_texts(values: Mapping[str, str], where: str, own: bool) -> Any:
    """Return a text, or the function that makes it where it has the account's own id."""
    texts = set(values.values())
    if len(texts) == 1 and not (own and len(values) == 1):
        return texts.pop()
    pieces = [(account, _DIGITS.split(text)) for account, text in values.items()]
    if len({len(each) for _, each in pieces}) > 1:
        raise _differ(values, where)
    merged: list[Any] = []
    for index, piece in enumerate(pieces[0][1]):
        found = {split[index] for _, split in pieces}
        is_own = all(split[index] == account for account, split in pieces)
        if len(found) > 1 and not is_own:
            raise _differ(values, where)
        merged.append(_ACCOUNT if is_own else piece)
    return _joined(merged)


def _joined(pieces: list[Any]) -> Any:
    """Return pieces of a text as one. Fn::Sub would read each ${...} as a name; Fn::Join reads none."""
    if _ACCOUNT not in pieces:
        return "".join(pieces)
    if not any("$" in piece for piece in pieces if piece != _ACCOUNT):
        return {"Fn::Sub": "".join("${AWS::AccountId}" if each == _ACCOUNT else each for each in pieces)}
    joined: list[Any] = []
    for piece in filter(None, pieces):
        if joined and isinstance(piece, str) and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return {"Fn::Join": ["", joined]}


def _differ(values: Mapping[str, Any], where: str) -> InvalidInput:
    account, value = next(iter(values.items()))
    other, another = next((each for each in values.items() if each[1] != value), (account, value))
    return InvalidInput(
        "One template cannot make these roles.",
        why=f"{where}: {_shown(value)} in {account}, but {_shown(another)} in {other}. Roles of one template "
        "differ in their account's id only.",
        hint="Make a grant for each kind of role, or use the form cloudformation for each account.",
    )


def _shown(value: Any) -> str:
    return truncate(on_one_line(repr(value)))
