"""The routes below `/_xacct/` that tell the sandbox what AWS would know, and the calls of them."""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

from xacct_nb.errors import SandboxError
from xacct_nb.sandbox.http.calls import Message, Receive, Send
from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.rules import entity_rules, organizations, quota_rules
from xacct_nb.sandbox.server.state import Sandbox

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Control:
    """What a route takes (PUT), and what it tells (GET)."""

    settle: Callable[[Any], None]
    told: Callable[[], Any]


CONTROLS = {
    "/_xacct/organization": Control(organizations.set_organization, organizations.show_organizations),
    "/_xacct/quotas": Control(quota_rules.settle, quota_rules.told),
    "/_xacct/expired": Control(internals.expire, dict),
}


def set_organization(sandbox: Sandbox, identifier: str, accounts: dict[str, str], **more: Any) -> None:
    """Put accounts into an organization: account -> path such as `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`.

    `service_control_policies` and `resource_control_policies` map accounts to lists of policies, one a level,
    root first; those of the account that is `management` count for nothing. Raises SandboxError if these are
    no such ids, or policies that AWS refuses.
    """
    _tell(sandbox, "organization", {"id": identifier, "accounts": accounts, **more})


def raise_quotas(sandbox: Sandbox, account: str, **quotas: int) -> None:
    """Grant an account more, by the names in AWS's errors: ACLSizePerRole, PoliciesPerRole, PoliciesPerUser.

    Raises SandboxError for what AWS would not grant.
    """
    _tell(sandbox, "quotas", {account: quotas})


def expire_session(sandbox: Sandbox, access_key_id: str) -> None:
    """End a session now, as if its time were over. Raises SandboxError if there is no such session."""
    _tell(sandbox, "expired", {"key": access_key_id})


def _tell(sandbox: Sandbox, what: str, told: Any) -> None:
    url = f"{sandbox.endpoint}/_xacct/{what}"
    request = urllib.request.Request(url, json.dumps(told).encode(), method="PUT")
    try:
        _direct.open(request, timeout=20).close()
    except HTTPError as error:
        why = json.load(error)["message"]
        raise SandboxError("The sandbox does not take what it was told.", why=why) from error
    except OSError as error:
        raise SandboxError("The sandbox cannot be told.", why=str(error)) from error


def forget_everything() -> None:
    """What was told, and what the rules have noted, is gone with the accounts."""
    for part in (organizations, quota_rules, entity_rules):
        part.forget()


async def answer_control(scope: Message, receive: Receive, send: Send) -> None:
    """Serve a route of CONTROLS."""
    control = CONTROLS[scope["path"]]
    try:
        if scope["method"] == "PUT":
            control.settle(json.loads(await _body(receive)))
        status, answer = 200, control.told()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        status, answer = 400, {"message": f"{type(error).__name__}: {error}"}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body
