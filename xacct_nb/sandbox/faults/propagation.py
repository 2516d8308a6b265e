"""Propagation delay: for some seconds after a change of IAM, calls are decided on what was there before."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.http.messages import App, Message, Receive, Send, send_response
from xacct_nb.sandbox.ministack.delayed_store import Memory, deciding

Delay = Callable[[float], None]
"""Lets a change that was made arrive only after so many seconds."""

_PRINCIPAL = re.compile(r"arn:[^:]+:iam::(\d{12}):(user|role)/(?:.+/)?([^/]+)")
_TRUST = {"CreateRole": "AssumeRolePolicyDocument", "UpdateAssumeRolePolicy": "PolicyDocument"}
_NEW = {"CreateUser": ("user", "UserName"), "CreateRole": ("role", "RoleName")}
# The first of these parameters that a call has says what it changes, and which of MiniStack's stores hold it.
_CHANGED = {
    "GroupName": ("_groups", "_group_inline_policies"),
    "RoleName": ("_roles",),
    "UserName": ("_users", "_user_inline_policies"),
    "PolicyArn": ("_policies",),
}


class Propagation:
    """What is on its way, from the first call on until `stop`."""

    def __init__(self) -> None:
        self._memory = Memory()
        self._newcomers: dict[tuple[str, str, str], float] = {}

    def stop(self) -> None:
        """Everything has arrived."""
        self._memory.close()

    def decided(self, app: App, call: Call) -> App:
        """`app`, which decides on what has arrived; reads by IAM's own operations show what is there."""

        async def decide(scope: Message, receive: Receive, send: Send) -> None:
            if arn := self._newcomer(call):
                words = f'Invalid principal in policy: "AWS":"{arn}"'
                await send_response(send, Refusal(400, "MalformedPolicyDocument", words).response("iam"))
                return
            seen: AbstractContextManager[None] = nullcontext() if call.service == "iam" else deciding()
            with seen:
                await app(scope, receive, send)

        return decide

    def delayed(self, app: App, call: Call, seconds: float) -> App:
        """`app`, in which what this call changes arrives after so many seconds."""

        async def change(scope: Message, receive: Receive, send: Send) -> None:
            delay = self._watch(call)

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start" and message["status"] < 300:
                    delay(seconds)
                await send(message)

            await app(scope, receive, answer)

        return change

    def _watch(self, call: Call) -> Delay:
        """Keeps what a call is about to change; what it gives is called when that was done."""
        parameter = next((name for name in _CHANGED if call.parameter(name)), "")
        # A new user is there at once: it only can't be named in a trust policy yet.
        names = () if call.action == "CreateUser" else _CHANGED.get(parameter, ())
        stores = [self._memory.stores[name] for name in names]
        key = (call.account, call.parameter(parameter))
        before = [(store, store.image(key)) for store in stores]

        def delay(seconds: float) -> None:
            for store, image in before:
                store.delay(key, image, seconds)
            if call.action in _NEW:
                kind, name = _NEW[call.action]
                newcomer = (call.account, kind, call.parameter(name))
                self._newcomers[newcomer] = time.monotonic() + seconds

        return delay

    def _newcomer(self, call: Call) -> str:
        """The first principal in a trust policy that is not known everywhere yet; "" if there is none."""
        if call.service != "iam" or call.action not in _TRUST:
            return ""
        named, now = _principals(call.parameter(_TRUST[call.action])), time.monotonic()
        return next((arn for arn, key in named if self._newcomers.get(key, 0) > now), "")


def _principals(document: str) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """The users and roles that a trust policy names: ARN, and account, kind, name."""
    try:
        statements = json.loads(document).get("Statement", [])
    except (ValueError, AttributeError):
        return
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal") if isinstance(statement, dict) else None
        named = principal.get("AWS", []) if isinstance(principal, dict) else []
        for arn in named if isinstance(named, list) else [named]:
            if found := _PRINCIPAL.fullmatch(str(arn)):
                yield arn, (found[1], found[2], found[3])
