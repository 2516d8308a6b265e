"""xacct-nb: who in one AWS account may assume which role in another; planned, applied, proven, recorded."""

from importlib import import_module
from typing import Any

# The public names in the order of the path, with the module of each: loaded when first used.
_PUBLIC = {
    "Grant": "grants",
    "from_parameters": "grants",
    "load_grant": "loading",
    "resolve": "loading",
    "build": "documents",
    "lint": "findings",
    "lint_policy": "findings",
    "room": "rooms",
    "evaluate": "evaluation",
    "Decision": "decisions",
    "open_sessions": "aws.sessions",
    "read": "aws.reader",
    "diff": "differences",
    "Plan": "plans",
    "apply": "aws.writer",
    "Journal": "journals",
    "prove": "aws.probes",
    "Proof": "proofs",
    "rollback": "aws.writer",
    "diagnose": "runs.explaining",
    "Diagnosis": "diagnosis",
    "Snapshot": "snapshots",
    "read_snapshot": "disk.snapshots",
    "record": "runs.steps",
    "Record": "records",
    "verify_records": "disk.ledger",
    "cli_profile": "handoff.console",
    "switch_role_url": "handoff.console",
    "start_run": "runs.steps",
    "show_ledger": "runs.closing",
    "record_schema": "loading",
    "run": "runs.runner",
    "demonstrate": "demo",
    "examine": "doctor",
    "XacctError": "errors",
}
__all__ = sorted(_PUBLIC)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"xacct_nb.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
