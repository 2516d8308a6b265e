"""xacct-nb: who in one AWS account may assume which role in another; planned, applied, proven, recorded."""

import sys
from importlib import import_module
from typing import Any

# The public names in the order of the path, with the module of each: loaded when first used.
_PUBLIC = {
    "Grant": "grants.grant",
    "from_parameters": "grants.grant",
    "load_grant": "runs.loading",
    "resolve": "runs.loading",
    "Fleet": "fleets.fleet",
    "load_fleet": "runs.loading",
    "expand": "fleets.expansion",
    "endings": "fleets.end_dates",
    "needed_rights": "fleets.rights",
    "template": "grants.templates",
    "build": "grants.documents",
    "picture": "changes.access_picture",
    "lint": "linting.findings",
    "analyze": "aws.analyzer",
    "lint_policy": "linting.findings",
    "room": "linting.headroom",
    "evaluate": "iam.evaluation",
    "Decision": "iam.decision",
    "open_sessions": "aws.sessions",
    "read": "aws.reader",
    "read_access": "aws.access_reader",
    "discover": "runs.discovery",
    "read_usage": "aws.usage_reader",
    "narrow": "changes.narrowing",
    "Usage": "changes.usage",
    "diff": "changes.planner",
    "Plan": "changes.plan",
    "apply": "aws.writer",
    "Journal": "changes.journal",
    "prove": "aws.probes",
    "Proof": "changes.proof",
    "rollback": "aws.writer",
    "FleetAccess": "aws.account_sessions",
    "read_fleet_usage": "runs.fleet.fleet_usage",
    "narrow_fleet": "fleets.fleet_narrowing",
    "executor_of": "runs.fleet.schedulers",
    "plan_fleet": "runs.fleet.fleet_work",
    "apply_fleet": "runs.fleet.fleet_work",
    "prove_fleet": "runs.fleet.fleet_work",
    "plan_rollback": "runs.fleet.fleet_work",
    "roll_back_fleet": "runs.fleet.fleet_work",
    "diagnose": "runs.denial.inquiry",
    "Diagnosis": "diagnosis.diagnosis",
    "Snapshot": "diagnosis.snapshot",
    "read_snapshot": "storage.snapshot_file",
    "record": "runs.start",
    "Record": "records.model",
    "verify_records": "storage.ledger",
    "how_to_use": "runs.access_use",
    "session": "aws.role_sessions",
    "hand_over": "handoff.forms.table",
    "take_back": "handoff.forms.table",
    "quick_create_link": "handoff.forms.quick_create",
    "cli_profile": "grants.profile_sections",
    "profile_edit": "runs.profile_edits",
    "console_access": "grants.console_link",
    "switch_role_url": "grants.console_link",
    "start_run": "runs.start",
    "show_ledger": "runs.ledger",
    "record_schema": "runs.loading",
    "run": "runs.runner",
    "demonstrate": "runs.demo",
    "examine": "runs.doctor",
    "XacctError": "errors",
}
__all__ = sorted(_PUBLIC)
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f"xacct_nb.{_PUBLIC[name]}"), name)
    except ModuleNotFoundError as problem:
        raise _not_in_a_tab(name, problem) from problem
    globals()[name] = value
    return value


def _not_in_a_tab(name: str, problem: ModuleNotFoundError) -> Exception:
    """Return the error of a name that needs what no browser tab has; elsewhere the problem itself."""
    from xacct_nb.errors import MissingTool

    if sys.platform != "emscripten":
        return problem
    return MissingTool(
        f"xacct_nb.{name} does not work in a browser tab.",
        why=f"It needs {problem.name}, and a tab has no further kernels, processes or files of yours.",
        hint="Install the package and use JupyterLab: pip install 'xacct-nb[sandbox]'",
    )


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
