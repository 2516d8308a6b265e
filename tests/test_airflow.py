"""Airflow's own operator runs the example DAG: a record every night, a failed task where access is gone.

Airflow brings 125 packages, among them clients of three clouds, so it is no dependency of the tests. They run
where it is installed beside this package, or in another environment: XACCT_AIRFLOW_PYTHON=/path/to/python.
"""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DAG = ROOT / "docs" / "examples" / "airflow_nightly_proof.py"
PYTHON = os.environ.get("XACCT_AIRFLOW_PYTHON") or (sys.executable if find_spec("airflow") else "")
WORKS = {
    "name": "summary-readers",
    "sources": ["arn:aws:iam::111111111111:role/hub"],
    "destinations": ["arn:aws:iam::222222222222:role/summary-reader"],
    "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/2026/*"]}],
}
MISSING = {**WORKS, "name": "nobodys", "destinations": ["arn:aws:iam::222222222222:role/nobody"]}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON,
        reason="Airflow is not installed here, and XACCT_AIRFLOW_PYTHON names no Python that has it",
    ),
]
OPERATORS = """
import json, runpy, sys
tasks = runpy.run_path(sys.argv[1])["dag"].tasks
ended = {}
for task in tasks:
    task.output_nb = task.output_nb.replace("{{ ds }}", "2026-01-02")
    try:
        ended[task.task_id] = str(task.execute({}).url)
    except Exception as problem:
        ended[task.task_id] = str(problem)
print("ENDED", json.dumps(ended))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("grants", "nights"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "notebooks" / "30_prove_the_access.ipynb", tmp_path)
    return tmp_path


def test_the_operator_proves_a_grant_and_fails_where_the_access_is_missing(folder: Path) -> None:
    write(folder, "works", WORKS)
    write(folder, "missing", MISSING)
    shown = run(folder, PYTHON, "-c", OPERATORS, str(DAG))
    ended = json.loads(next(line for line in shown.splitlines() if line.startswith("ENDED "))[6:])

    assert ended["prove_works"] == str(folder / "nights" / "works-2026-01-02.ipynb")
    assert "proof-failed: " in ended["prove_missing"]
    assert "role role/nobody is missing" in ended["prove_missing"]
    assert statuses(folder) == {"summary-readers": "succeeded", "nobodys": "interrupted"}
    assert "with the status 'proof-failed'" in closed_record(folder)["error"]["why"]


def test_airflow_runs_the_dag_by_its_own_task_runner(folder: Path) -> None:
    write(folder, "works", WORKS)
    airflow = str(Path(PYTHON).with_name("airflow"))
    run(folder, airflow, "db", "migrate")
    shown = run(folder, airflow, "dags", "test", "nightly_proof", "2026-01-02")

    assert "nightly_proof.prove_works" in shown
    assert (folder / "nights" / "works-2026-01-02.ipynb").is_file()
    assert statuses(folder) == {"summary-readers": "succeeded"}


def write(folder: Path, name: str, grant: dict[str, Any]) -> None:
    (folder / "grants" / f"{name}.yaml").write_text(yaml.safe_dump(grant))


def run(folder: Path, *command: str) -> str:
    """Run a command of Airflow's with this package as it stands here, and return what it showed."""
    variables = {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAG.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "PYTHONPATH": str(ROOT),
        "XACCT_FOLDER": str(folder),
    }
    done = subprocess.run(
        command, env={**os.environ, **variables}, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def closed_record(folder: Path) -> dict[str, Any]:
    """Return the record of the failed run, which the run after it closed: its own process ended before."""
    records = (json.loads(path.read_text()) for path in folder.glob("records/*/record.json"))
    return next(each for each in records if each["status"] == "interrupted")


def statuses(folder: Path) -> dict[str, str]:
    """Return the status of each grant's record in the ledger."""
    lines = map(json.loads, (folder / "records" / "ledger.jsonl").read_text().splitlines())
    return {each["grant"]: each["status"] for each in lines}
