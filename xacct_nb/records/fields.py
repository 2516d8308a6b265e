"""The fields of a record as plain data, and the names of its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCHEMA = "xacct-nb/record/1"
SUMS, RECORD, NOTEBOOK, PAGE = "SHA256SUMS", "record.json", "run.ipynb", "run.html"
SUCCESSFUL = ("succeeded", "no-change", "planned")


@dataclass(frozen=True, repr=False)
class RecordFields:
    """One run: its status, who, where, when, and everything it saw and did, as plain data."""

    id: str
    notebook: str
    status: str
    started: str
    ended: str
    seconds: float
    host: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    who: tuple[Mapping[str, Any], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Mapping[str, Any], ...] = ()
    plan: Mapping[str, Any] | None = None
    approval: Mapping[str, Any] | None = None
    journal: Mapping[str, Any] | None = None
    proof: Mapping[str, Any] | None = None
    diagnosis: Mapping[str, Any] | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    undoes: str = ""
    error: Mapping[str, Any] | None = None
    cells: tuple[Mapping[str, Any], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    git: Mapping[str, Any] | None = None
    schema: str = SCHEMA

    @property
    def summary(self) -> str:
        """The plan's last line, or what the run was about."""
        return str(
            self.plan["summary"] if self.plan else self.diagnosis["headline"] if self.diagnosis else ""
        )

    @property
    def left_changes(self) -> bool:
        """Whether it made changes, or may have, that it did not take back itself."""
        journal = self.journal or {}
        return self.status != "rolled-back" and bool(journal.get("changes") or journal.get("entries"))
