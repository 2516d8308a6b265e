"""The sandbox within the process responds to boto3 as the server does."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from support import in_process_sandbox
from support.boto3_clients import client, policy
from support.examples import an_account
from xacct_nb.errors import SandboxError
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import behave, misbehave, set_organization
from xacct_nb.sandbox.server.state import Sandbox

KEY = "2026/a b+c%20ä?&=.csv"


def objects(sandbox: Sandbox, world: World) -> Any:
    """Write, list and read an object whose name and metadata have to be quoted."""
    s3, here = client(world, "s3"), {"Bucket": world.bucket, "Key": KEY}
    s3.put_object(**here, Body=b"\x00\xff" * 100_000, Metadata={"team": "data"}, ContentType="text/csv")
    found, head = s3.get_object(**here), s3.head_object(**here)
    names = [each["Key"] for each in s3.list_objects_v2(Bucket=world.bucket, Prefix="2026/a b")["Contents"]]
    fields = ("ContentLength", "ContentType", "ETag", "Metadata")
    return names, found["Body"].read(), [found[name] for name in fields], [head[name] for name in fields]


def missing(sandbox: Sandbox, world: World) -> Any:
    """Ask for what does not exist, with a body in the response and without one."""
    s3, iam = client(world, "s3"), client(world, "iam")
    asked = (
        lambda: s3.head_object(Bucket=world.bucket, Key="none"),
        lambda: s3.get_object(Bucket=world.bucket, Key="none"),
        lambda: iam.get_role(RoleName="none"),
    )
    return [failure(call) for call in asked]


def denied(sandbox: Sandbox, world: World) -> Any:
    return failure(lambda: client(world, "iam", "alice").list_roles())


def cut(kind: str) -> Callable[[Sandbox, World], Any]:
    """Create a role while the connection is cut, and see whether it is there."""

    def create(sandbox: Sandbox, world: World) -> Any:
        iam = client(world, "iam")
        misbehave(sandbox, Fault(kind, ("CreateRole",)))
        trust = policy("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{world.source}:root"})
        error = failure(lambda: iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust))
        behave(sandbox)
        return error, "reader" in [role["RoleName"] for role in iam.list_roles()["Roles"]]

    return create


def refused(sandbox: Sandbox, world: World) -> Any:
    """Set an organization that cannot be one."""
    with pytest.raises(SandboxError) as caught:
        set_organization(sandbox, "none", {})
    return str(caught.value)


def failure(call: Callable[[], Any]) -> Any:
    with pytest.raises((ClientError, BotoCoreError)) as caught:
        call()
    code = caught.value.response["Error"]["Code"] if isinstance(caught.value, ClientError) else ""
    return type(caught.value).__name__, code


@pytest.mark.parametrize(
    "exchange",
    [objects, missing, denied, cut("cut-before"), cut("cut-after"), refused],
    ids=["objects", "missing", "denied", "cut before", "cut after", "refused"],
)
def test_it_responds_as_the_server_does(
    served_sandbox: Sandbox, tmp_path: Path, exchange: Callable[[Sandbox, World], Any]
) -> None:
    accounts = an_account(), an_account()
    served, here = (
        exchange(sandbox, add_accounts(sandbox, *accounts, tmp_path))
        for sandbox in (served_sandbox, in_process_sandbox.start())
    )

    assert here == served


def test_it_serves_a_thread_in_which_an_event_loop_runs(tmp_path: Path) -> None:
    async def account() -> str:
        world = add_accounts(in_process_sandbox.start(), an_account(), an_account(), tmp_path)
        return str(client(world, "sts").get_caller_identity()["Account"])

    # A thread of its own: the browser tests of this worker may have left a loop running in the main one.
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(lambda: asyncio.run(account())).result()

    assert len(found) == 12


LOGGING = """
import logging, sys, tempfile
from pathlib import Path
from xacct_nb.runs.in_process_sandbox import start_in_process
from xacct_nb.runs.sandboxes import add_accounts

add_accounts(start_in_process(), "333333333333", "444444444444", Path(tempfile.mkdtemp()))
root = logging.getLogger()
print(root.handlers, logging.getLevelName(root.level))
"""


def test_it_leaves_the_logging_of_the_process_as_it_is() -> None:
    ended = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True)

    assert ended.stdout == "[] WARNING\n"
    assert "INFO" not in ended.stderr
