"""Where no thread can be started, as in a browser tab, a grant goes its whole way in the sandbox."""

import subprocess
import sys

SCRIPT = """
import _thread, os, sys, tempfile, threading
from pathlib import Path

def refused(*args, **more):
    raise RuntimeError("can't start new thread")

for name in ("start_new_thread", "start_joinable_thread", "_start_new_thread", "_start_joinable_thread"):
    for module in (_thread, threading):
        if hasattr(module, name):
            setattr(module, name, refused)

import xacct_nb as xa
from xacct_nb.aws.clock import AwsClock
from xacct_nb.aws.profile_clients import Endpoint
from xacct_nb.aws.sessions import profile_identities
from xacct_nb.jupyter.forms.panels import Countdown
from xacct_nb.runs import confinement
from xacct_nb.runs.in_process_sandbox import start_in_process
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.client import misbehave

sandbox = start_in_process()
folder = Path(tempfile.mkdtemp())
world = add_accounts(sandbox, "333333333333", "444444444444", folder)
grant = xa.Grant(
    name="reports-readers",
    sources=["arn:aws:iam::333333333333:user/alice"],
    destinations=["arn:aws:iam::444444444444:role/reports-reader"],
    permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{world.bucket}/2026/*"]}],
)
endpoint = Endpoint(str(world.config_file), str(world.credentials_file), world.endpoint)
sessions = xa.open_sessions(
    grant,
    source_profiles=["source-admin"],
    destination_profiles=["destination-admin"],
    caller_profiles=["alice", "mallory"],
    endpoint=endpoint,
)
found = xa.diagnose(grant, sessions)
documents = xa.build(grant)
plan = xa.diff(documents, xa.read(documents, sessions))
journal = xa.apply(plan, sessions, approved=plan.digest)
proof = xa.prove(grant, sessions)
confinement.use_sandbox(sandbox, folder)
names = [name for name, arn, problem in profile_identities(AwsClock()) if arn]
with Countdown(print):
    pass
misbehave(sandbox, Fault("throttling", ("GetCallerIdentity",), count=1))
sessions.client("alice", "sts").get_caller_identity()
print(len(found.causes) > 0, proof.holds, len(names), threading.active_count())
"""


def test_a_grant_is_planned_applied_proven_and_diagnosed() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)

    assert ended.stdout.split() == ["True", "True", "5", "1"], ended.stderr
