"""The routes below `/_xacct/` that set the sandbox's organizations, quotas and clock, and end sessions."""

import json
from collections.abc import Callable
from typing import Any

from xacct_nb.sandbox.http.messages import Message, Receive, Send, read_body, send_json
from xacct_nb.sandbox.ministack import clock, internals
from xacct_nb.sandbox.rules import entity_rules, identity_tokens, organizations, quota_rules
from xacct_nb.sandbox.usage import policy_generation, recorder, reports

# What a route does with the JSON of a PUT, and what it returns if that returns nothing.
CONTROLS: dict[str, tuple[Callable[[Any], Any], Callable[[], Any]]] = {
    "/_xacct/organization": (organizations.set_organization, organizations.show_organizations),
    "/_xacct/quotas": (quota_rules.raise_quotas, quota_rules.show_quotas),
    "/_xacct/clock": (clock.set_clock, clock.show_clock),
    "/_xacct/expired": (internals.expire, dict),
    "/_xacct/token": (identity_tokens.make_token, dict),
    "/_xacct/assertion": (identity_tokens.make_assertion, dict),
}


def forget_everything() -> None:
    """Forget what was set, and what the rules have noted."""
    for part in (organizations, quota_rules, entity_rules, clock, recorder, reports, policy_generation):
        part.forget()


async def serve_control(scope: Message, receive: Receive, send: Send) -> None:
    """Serve a route of CONTROLS; 400 with a message where the value is not accepted."""
    change, show = CONTROLS[scope["path"]]
    body, made = await read_body(receive), None
    try:
        if scope["method"] == "PUT":
            made = change(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        return await send_json(send, 400, {"message": f"{type(error).__name__}: {error}"})
    await send_json(send, 200, show() if made is None else made)
