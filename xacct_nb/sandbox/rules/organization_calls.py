"""Answers the reading calls of AWS Organizations, from the organizations that were set.

Sources: the API reference of AWS Organizations; the messages, and `Account.Paths` with the account's id at
its end, from public recordings of AWS's responses.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from xacct_nb.sandbox.http.calls import Call
from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.ministack.denials import NO_ACCESS
from xacct_nb.sandbox.ministack.guard_result import NOTHING, GuardResult, HttpResponse, IamResource
from xacct_nb.sandbox.rules import organizations
from xacct_nb.sandbox.rules.organization_directory import Directory

Parameters = Mapping[str, Any]
_PAGE = 20
_ROOT, _UNIT = "ROOT", "ORGANIZATIONAL_UNIT"


class _OrganizationsError(Exception):
    """An error of AWS: its code, its message, and the reason that some errors have."""


def result(call: Call) -> GuardResult:
    """Return the answer to a call of Organizations; MiniStack answers in an organization of its own."""
    directory = organizations.directory_of(call.account)
    is_answered = call.action in OPERATIONS and not internals.has_organization(call.account)
    if directory is None and not is_answered:
        return NOTHING
    try:
        parameters = _parameters(call)
        made = _answer(call, directory, parameters)
        return GuardResult(_response(200, made), resource=_resource(call, directory, parameters))
    except _OrganizationsError as problem:
        code, message, *reason = problem.args
        more = {"Reason": reason[0]} if reason else {}
        response = _response(400, {"__type": code, "Message": message, **more})
        return GuardResult(response, resource=IamResource("*"))


def _answer(call: Call, directory: Directory | None, parameters: Parameters) -> Mapping[str, Any]:
    if directory is None:
        raise _OrganizationsError(
            "AWSOrganizationsNotInUseException", "Your account is not a member of an organization."
        )
    if call.action not in OPERATIONS:
        raise _OrganizationsError("UnknownOperationException", "The sandbox does not have this operation.")
    if call.action != "DescribeOrganization" and not directory.may_read(call.account):
        raise _OrganizationsError("AccessDeniedException", NO_ACCESS)
    return OPERATIONS[call.action](directory, parameters)


def _resource(call: Call, directory: Directory | None, parameters: Parameters) -> IamResource:
    """Return the resource by which a call is decided. A delegated administrator's is not told apart."""
    named = next((str(parameters[name]) for name in _NAMING if name in parameters), "")
    if not named or directory is None or call.account != directory.management:
        return IamResource("*")
    kind = "ou" if named.startswith("ou-") else "root" if named.startswith("r-") else "account"
    return IamResource(directory.arn(kind, named))


def _describe_organization(directory: Directory, parameters: Parameters) -> Mapping[str, Any]:
    account = directory.management
    described = {
        "Id": directory.id,
        "Arn": directory.arn("organization"),
        "FeatureSet": "ALL",
        "MasterAccountArn": directory.arn("account", account),
        "MasterAccountId": account,
        "MasterAccountEmail": _email(account),
        "AvailablePolicyTypes": _policy_types(directory),
    }
    return {"Organization": described}


def _list_accounts(directory: Directory, parameters: Parameters) -> Mapping[str, Any]:
    return _page("Accounts", sorted(directory.accounts), parameters, partial(_account, directory))


def _list_roots(directory: Directory, parameters: Parameters) -> Mapping[str, Any]:
    roots = [each for each in directory.nodes if each.startswith("r-")]
    return _page("Roots", roots, parameters, partial(_root, directory))


def _list_units(directory: Directory, parameters: Parameters) -> Mapping[str, Any]:
    parent = _parent(directory, parameters)
    below = [each for each, path in directory.nodes.items() if path == f"{parent}{each}/"]
    return _page("OrganizationalUnits", below, parameters, partial(_unit, directory))


def _list_accounts_for_parent(directory: Directory, parameters: Parameters) -> Mapping[str, Any]:
    parent = _parent(directory, parameters)
    inside = sorted(each for each, path in directory.accounts.items() if path == parent)
    return _page("Accounts", inside, parameters, partial(_account, directory))


def _list_tags(directory: Directory, parameters: Parameters) -> Mapping[str, Any]:
    named = _text(parameters, "ResourceId")
    if named not in directory.accounts and named not in directory.nodes:
        raise _OrganizationsError("TargetNotFoundException", "You specified a target that doesn't exist.")
    tags = directory.tags.get(named, {})
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _describe_account(directory: Directory, parameters: Parameters) -> Mapping[str, Any]:
    if (named := _text(parameters, "AccountId")) not in directory.accounts:
        raise _OrganizationsError("AccountNotFoundException", "You specified an account that doesn't exist.")
    return {"Account": _account(directory, named)}


def _describe_unit(directory: Directory, parameters: Parameters) -> Mapping[str, Any]:
    named = _text(parameters, "OrganizationalUnitId")
    if named not in directory.nodes or named.startswith("r-"):
        message = "You specified an organizational unit that doesn't exist."
        raise _OrganizationsError("OrganizationalUnitNotFoundException", message)
    return {"OrganizationalUnit": _unit(directory, named)}


def _list_parents(directory: Directory, parameters: Parameters) -> Mapping[str, Any]:
    child = _text(parameters, "ChildId")
    nodes = directory.nodes
    path = directory.accounts.get(child) or nodes.get(child, "").removesuffix(f"{child}/")
    parent = path.rstrip("/").rpartition("/")[2]
    if parent not in nodes:
        raise _OrganizationsError("ChildNotFoundException", "You specified a child that doesn't exist.")
    return {"Parents": [{"Id": parent, "Type": _ROOT if parent.startswith("r-") else _UNIT}]}


OPERATIONS: dict[str, Callable[[Directory, Parameters], Mapping[str, Any]]] = {
    "DescribeAccount": _describe_account,
    "DescribeOrganization": _describe_organization,
    "DescribeOrganizationalUnit": _describe_unit,
    "ListAccounts": _list_accounts,
    "ListAccountsForParent": _list_accounts_for_parent,
    "ListOrganizationalUnitsForParent": _list_units,
    "ListParents": _list_parents,
    "ListRoots": _list_roots,
    "ListTagsForResource": _list_tags,
}
_NAMING = ("AccountId", "ChildId", "OrganizationalUnitId", "ParentId", "ResourceId")


def _account(directory: Directory, account: str) -> dict[str, Any]:
    """Return an account as AWS does since it retired `Status`."""
    return {
        "Id": account,
        "Arn": directory.arn("account", account),
        "Email": _email(account),
        "Name": directory.names.get(account, f"account-{account}"),
        "State": directory.states.get(account, "ACTIVE"),
        "Paths": [f"{directory.accounts[account]}{account}/"],
        "JoinedMethod": "INVITED" if account == directory.management else "CREATED",
        "JoinedTimestamp": directory.since,
    }


def _root(directory: Directory, root: str) -> dict[str, Any]:
    types = _policy_types(directory)
    return {"Id": root, "Arn": directory.arn("root", root), "Name": "Root", "PolicyTypes": types}


def _unit(directory: Directory, unit: str) -> dict[str, Any]:
    return {
        "Id": unit,
        "Arn": directory.arn("ou", unit),
        "Name": directory.names.get(unit, unit),
        "Path": directory.nodes[unit],
    }


def _policy_types(directory: Directory) -> list[dict[str, str]]:
    return [{"Type": each, "Status": "ENABLED"} for each in directory.policy_types]


def _email(account: str) -> str:
    return f"{account}@example.com"


def _parent(directory: Directory, parameters: Parameters) -> str:
    """Return the path of the root or unit whose children are asked for."""
    path = directory.nodes.get(_text(parameters, "ParentId"))
    if path is None:
        raise _OrganizationsError("ParentNotFoundException", "You specified a parent that doesn't exist.")
    return path


def _page(
    name: str, ids: list[str], parameters: Parameters, describe: Callable[[str], Any]
) -> dict[str, Any]:
    """Return one page: at most 20, or as many as asked, and a token for the next one."""
    most = parameters.get("MaxResults", _PAGE)
    if not isinstance(most, int) or not 1 <= most <= _PAGE:
        raise _invalid("You specified an invalid value for MaxResults.", "MAX_VALUE_EXCEEDED")
    start = _start(parameters, name)
    more = {"NextToken": _token(name, start + most)} if start + most < len(ids) else {}
    return {name: [describe(each) for each in ids[start : start + most]], **more}


def _token(name: str, start: int) -> str:
    return base64.urlsafe_b64encode(f"{name}:{start}".encode()).decode()


def _start(parameters: Parameters, name: str) -> int:
    token = parameters.get("NextToken")
    if token is None:
        return 0
    try:
        kind, _, start = base64.urlsafe_b64decode(token).decode().partition(":")
        if kind == name and start.isdecimal():
            return int(start)
    except (binascii.Error, TypeError, ValueError):
        pass
    raise _invalid("You provided an invalid pagination token.", "INVALID_PAGINATION_TOKEN")


def _parameters(call: Call) -> Parameters:
    try:
        found = json.loads(call.body or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _OrganizationsError("SerializationException", "")
    return found


def _text(parameters: Parameters, name: str) -> str:
    if name not in parameters:
        raise _invalid("You must include a value for all required parameters.", "INPUT_REQUIRED")
    if not isinstance(parameters[name], str):
        raise _OrganizationsError("SerializationException", "")
    return str(parameters[name])


def _invalid(message: str, reason: str) -> _OrganizationsError:
    return _OrganizationsError("InvalidInputException", message, reason)


def _response(status: int, body: Mapping[str, Any]) -> HttpResponse:
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    return status, headers, json.dumps(body).encode()
