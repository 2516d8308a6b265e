"""A headless run whose kernel is killed at a chosen entry of the journal."""

from pathlib import Path

from support.desk import Desk, notebook
from xacct_nb.runs.runner import RunResult

PARAMETERS = (
    'name: str = "reports"  # grant\nsources: list = []  # who\ndestinations: list = []  # roles\n'
    'permissions: list = []  # what\napprove: str = ""  # digest\nsandbox: bool = False  # place\n'
    'source_profiles: list = ["source-admin"]  # profiles\n'
    'destination_profiles: list = ["destination-admin"]  # profiles'
)
# The line of the journal after which the kernel dies: before the call, or when it was answered.
DIES = (
    "import os, signal\n"
    "def append(entry):\n"
    "    run.evidence.add('entry', entry.__dict__)\n"
    "    if (entry.operation, entry.answer) == ({operation!r}, {answer!r}):\n"
    "        os.kill(os.getpid(), signal.SIGKILL)\n"
    "run.append = append"
)


def run_killed_at(desk: Desk, folder: Path, operation: str, answer: str) -> RunResult:
    """Run a notebook whose kernel is killed when the journal has this entry: answer "" is before the call."""
    dying = notebook(
        folder / "dying.ipynb",
        PARAMETERS,
        "import xacct_nb as xa\nrun = xa.start_run('dying', globals())\ngrant = run.grant()",
        "sessions = run.open_sessions(grant)\nbefore = run.keep(xa.read(xa.build(grant), sessions))\n"
        "plan = run.keep(xa.diff(xa.build(grant), before))",
        DIES.format(operation=operation, answer=answer),
        "run.apply(plan, sessions, run.approval(plan))",
    )
    return desk.run(dying, approve=desk.plan().digest, **desk.parameters())
