"""A recorded run does not load certain packages, and they can still be imported afterwards."""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from support.desk import notebook
from xacct_nb.jupyter.import_blocker import FORMATS, STORES, hide_packages

XACCT = Path(sys.executable).with_name("xacct-nb")
LOADED = """
import json, os, sys
variables = ("NBFORMAT_VALIDATOR",)
print(json.dumps({
    "loaded": [name for name in ("yaml", "papermill") if name in sys.modules],
    "environment": [name for name in variables if name in os.environ],
    "history": get_ipython().history_manager.enabled,
}))
"""


def test_a_hidden_package_seems_not_to_be_installed_within_the_block_only() -> None:
    sys.modules.pop("this", None)
    with hide_packages("this"), pytest.raises(ModuleNotFoundError):
        __import__("this")

    assert "this" not in sys.modules


def test_what_is_loaded_already_is_not_hidden() -> None:
    with hide_packages("json"):
        assert sys.modules["json"] is json


def test_papermill_and_nbformat_work_without_the_hidden_packages() -> None:
    code = (
        "import sys\n"
        "from xacct_nb.runs.startup import single_run\n"
        "with single_run():\n"
        "    from xacct_nb.jupyter import execute\n"
        f"    hidden = {(*FORMATS, *STORES)}\n"
        "    print([name for name in hidden if sys.modules.get(name)])\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert shown == "[]\n"


def test_the_kernel_of_a_run_loads_no_yaml_and_has_no_history_and_the_users_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NBFORMAT_VALIDATOR", raising=False)  # a command in this process sets it
    path = notebook(tmp_path / "mine.ipynb", LOADED)
    subprocess.run([XACCT, "run", path, "--records", tmp_path / "records"], check=True, capture_output=True)
    executed = json.loads(next((tmp_path / "records").glob("*/run.ipynb")).read_text())
    shown = "".join(
        line for cell in executed["cells"] for out in cell.get("outputs", []) for line in out["text"]
    )

    assert json.loads(shown) == {"loaded": [], "environment": [], "history": False}


def test_a_run_that_is_refused_leaves_no_process(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    command = [XACCT, "run", "--nonsense"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    left = [
        process
        for process in psutil.process_iter(["pid", "cmdline", "cwd"])
        if "xacct_nb.jupyter.prepared" in (process.info["cmdline"] or ())
        and process.info["cwd"] == str(tmp_path)
    ]

    assert refused.returncode == 2
    assert "No such option" in refused.stderr
    assert left == []
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before
