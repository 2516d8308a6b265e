"""The application of a sandbox: MiniStack behind all that checks, changes or records a request."""

import os
from functools import partial

from xacct_nb.sandbox.http.local_access import closed
from xacct_nb.sandbox.http.messages import App, Message, Receive, Send, send_json
from xacct_nb.sandbox.server.state import root_secret


def layers(instance: str, token: str) -> App:
    """Return the whole application: MiniStack behind all that checks, changes or records a request.

    MiniStack is patched for the whole process, which can serve one sandbox only.
    """
    from ministack.app import app

    from xacct_nb.sandbox.cloudtrail.trail import trailed
    from xacct_nb.sandbox.faults.injector import faulty
    from xacct_nb.sandbox.http.authentication import authenticated
    from xacct_nb.sandbox.http.dates import dated
    from xacct_nb.sandbox.ministack import attempts, clock, patches, root_keys, simulation, stacks
    from xacct_nb.sandbox.rules.decisions import decide
    from xacct_nb.sandbox.rules.guard import guarded
    from xacct_nb.sandbox.rules.simulation import simulate
    from xacct_nb.sandbox.usage import recorder, reports
    from xacct_nb.sandbox.usage.policy_generation import generating

    patches.install(decide)
    simulation.install(simulate)
    attempts.install(recorder.note, reports.ANSWERS, reports.role_last_used, reports.ReportError)
    clock.install()
    stacks.install()
    root_keys.install(partial(root_secret, token))
    served = authenticated(faulty(trailed(guarded(generating(app, decide)))))
    return dated(closed(_identified(served, instance), token))


def _identified(app: App, instance: str) -> App:
    """Return `app` with its identity at `/_xacct/identity`."""
    identity = {"instance": instance, "pid": os.getpid()}

    async def enter(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/_xacct/identity":
            await send_json(send, 200, identity)
        else:
            await app(scope, receive, send)

    return enter
