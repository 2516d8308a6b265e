"""The record of a run names the commit of the package's clone, and whether files differ from it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from xacct_nb.runs import environment


@pytest.mark.skipif(not shutil.which("git"), reason="there is no git")
def test_the_commit_is_named_and_whether_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
        return subprocess.run(
            ["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    monkeypatch.setattr(environment, "__file__", str(tmp_path / "environment.py"))
    found = [environment.describe_environment()["git"]]
    git("init")
    found.append(environment.describe_environment()["git"])
    (tmp_path / "a.txt").write_text("1")
    git("add", "a.txt")
    git("commit", "-m", "one")
    found.append(environment.describe_environment()["git"])
    (tmp_path / "b.txt").write_text("2")
    found.append(environment.describe_environment()["git"])
    commit = git("rev-parse", "HEAD")

    assert found == [None, None, {"commit": commit, "dirty": False}, {"commit": commit, "dirty": True}]
