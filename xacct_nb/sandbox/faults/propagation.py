"""Propagation delay: for some seconds after a change of IAM, calls are authorized by the state before it."""

import re
import time
from contextlib import AbstractContextManager, nullcontext

from xacct_nb.iam.grammar import TRUST
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.http.messages import App, Message, Receive, Send, send_response
from xacct_nb.sandbox.ministack.delayed_store import DelayedStores, deciding
from xacct_nb.sandbox.rules.documents import aws_principals, read_policy

_PRINCIPAL = re.compile(r"arn:[^:]+:iam::(\d{12}):(user|role)/(?:.+/)?([^/]+)")
_DOCUMENTS = {"CreateRole": "AssumeRolePolicyDocument", "UpdateAssumeRolePolicy": "PolicyDocument"}
_NEW = {"CreateUser": ("user", "UserName"), "CreateRole": ("role", "RoleName")}
# The first of these parameters of a call names what it changes, and MiniStack's stores that hold it.
_CHANGED = {
    "GroupName": ("_groups", "_group_inline_policies"),
    "RoleName": ("_roles",),
    "UserName": ("_users", "_user_inline_policies"),
    "PolicyArn": ("_policies",),
}


class Propagation:
    """The changes that have no effect yet, until its stores are closed."""

    def __init__(self) -> None:
        self.stores = DelayedStores()
        self._recent: dict[tuple[str, ...], float] = {}

    def decided(self, app: App, call: Call) -> App:
        """Return `app` that authorizes by changes in effect; IAM's own operations show all changes."""

        async def decide(scope: Message, receive: Receive, send: Send) -> None:
            if arn := self._recent_principal(call):
                message = f'Invalid principal in policy: "AWS":"{arn}"'
                await send_response(send, Refusal(400, "MalformedPolicyDocument", message).response("iam"))
                return
            view: AbstractContextManager[None] = nullcontext() if call.service == "iam" else deciding()
            with view:
                await app(scope, receive, send)

        return decide

    def delayed(self, app: App, call: Call, seconds: float) -> App:
        """Return `app` in which the change of this call takes effect after so many seconds."""
        parameter = next((name for name in _CHANGED if call.parameter(name)), "")
        # A new user works at once, but a trust policy cannot name it yet.
        names = () if call.action == "CreateUser" else _CHANGED.get(parameter, ())
        stores = [self.stores.stores[name] for name in names]
        key = (call.account, call.parameter(parameter))

        async def change(scope: Message, receive: Receive, send: Send) -> None:
            before = [(store, store.image(key)) for store in stores]

            async def respond(message: Message) -> None:
                if message["type"] == "http.response.start" and message["status"] < 300:
                    for store, image in before:
                        store.delay(key, image, seconds)
                    self._note_new(call, seconds)
                await send(message)

            await app(scope, receive, respond)

        return change

    def _note_new(self, call: Call, seconds: float) -> None:
        if call.action in _NEW:
            kind, name = _NEW[call.action]
            self._recent[call.account, kind, call.parameter(name)] = time.monotonic() + seconds

    def _recent_principal(self, call: Call) -> str:
        """Return the first principal of a trust policy that is too new to be named; "" if there is none."""
        if call.service != "iam" or call.action not in _DOCUMENTS:
            return ""
        principals = aws_principals(read_policy(call.parameter(_DOCUMENTS[call.action]), TRUST))
        named = filter(None, map(_PRINCIPAL.fullmatch, principals))
        now = time.monotonic()
        return next((found[0] for found in named if self._recent.get(found.groups(), 0) > now), "")
