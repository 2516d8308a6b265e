"""The narrowing of a run's grant: what is used, the smaller grant, its proof, its file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.usage_reader import read_usage
from xacct_nb.changes.dropped_probes import dropped_probes
from xacct_nb.changes.narrowing import NarrowedItem, Narrowing, narrow
from xacct_nb.changes.proof import Proof
from xacct_nb.changes.usage import Usage
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import grant_of
from xacct_nb.jupyter.runner_channel import send_progress
from xacct_nb.runs.run_context import RunContext
from xacct_nb.runs.steps import prove_access
from xacct_nb.storage.declared_grants import write_declared
from xacct_nb.views import Shown, Text, View

_HEAD = "# The smaller grant, by what was used. Commit it in place of the grant file once it is applied.\n"


class NarrowedRun(RunContext, Protocol):
    """A run whose grant is narrowed."""

    parameters: Mapping[str, Any]

    def grant(self) -> Grant: ...


@dataclass(repr=False)
class AccessNarrowing(Shown):
    """The steps of a narrowing: `read`, `decide`, `prove`, `write`; `grant` is the one to plan."""

    run: NarrowedRun
    before: Grant
    usage: Usage | None = field(default=None)
    found: Narrowing | None = field(default=None)

    @property
    def grant(self) -> Grant:
        """Return the smaller grant, the grant as it is where there is none."""
        return (self.found and self.found.smaller) or self.before

    def read(self, sessions: Sessions) -> Usage:
        """Return what AWS reports of the use of the grant's roles and sources. Changes nothing."""
        settings = self.run.settings
        self.usage = read_usage(
            self.before,
            sessions,
            trail=settings.trail,
            analyzer_role=settings.analyzer_role,
            patience=settings.patience_seconds,
        )
        return self.usage

    def decide(self, usage: Usage) -> Narrowing:
        """Return what goes, what stays and why. Changes nothing."""
        settings = self.run.settings
        days, keep = settings.tracked_days, settings.keep_actions
        self.found = narrow(self.before, usage, tracked_days=days, keep=keep)
        for line in (self.found.summary, *(each.line for each in self.found.items)):
            send_progress(line)
        self._note()
        return self.found

    def prove(self, sessions: Sessions) -> Proof:
        """Send every probe of the smaller grant, and calls for what was dropped. Raises ProofFailed.

        Where nothing was applied no call is made: AWS would count it as use.
        """
        if self.run.applied is None:
            return Proof()
        return prove_access(self.run, self.grant, sessions, dropped_probes(self.before, self.grant))

    def write(self) -> "NarrowedFile":
        """Write the smaller grant to the file `narrow_to`, never over another one. Raises InvalidInput."""
        file = self.run.settings.narrow_to
        if not file or self.grant == self.before:
            return NarrowedFile("", bool(file))
        # The grant as its file has it: its external ID is a reference.
        written = grant_of(self.run.parameters).model_copy(update=_narrowed_fields(self.grant))
        fields = written.model_dump(mode="json", exclude_defaults=True)
        written_to = str(write_declared(fields, file, _HEAD))
        self._note(written_to)
        return NarrowedFile(written_to, asked=True)

    def _note(self, file: str = "") -> None:
        """Note in the record what goes and stays, and why."""
        if self.found:
            items = [[each.what, _outcome(each), each.because] for each in self.found.items]
            noted = {"summary": self.found.summary, "items": items, "notes": list(self.found.notes)}
            self.run.evidence.add("narrowing", {**noted, "file": file})

    def view(self) -> View:
        """Return the grant as it is."""
        return self.before.view()


@dataclass(frozen=True, repr=False)
class NarrowedFile(Shown):
    """The file of a smaller grant; "" where none was written: none was `asked` for, or nothing goes."""

    file: str = ""
    asked: bool = False

    def view(self) -> View:
        """Return where it is, or why there is none."""
        if self.file:
            return Text(f"The smaller grant is in {self.file}.", "good")
        why = "There is no smaller grant." if self.asked else "No file was asked for: -p narrow_to grant.yaml"
        return Text(why, "note")


def _outcome(item: NarrowedItem) -> str:
    return f"{item.outcome} to {', '.join(item.stays)}" if item.remainder else item.outcome


def _narrowed_fields(grant: Grant) -> dict[str, Any]:
    return {name: getattr(grant, name) for name in ("permissions", "managed_policies")}
