"""Where a run acts: in the sandbox, on AWS, or at an endpoint that the user's own configuration names."""

from dataclasses import dataclass
from functools import cached_property

from xacct_nb.aws.answering_hosts import answering_endpoints, forget_answers
from xacct_nb.aws.profile_clients import AWS_ITSELF, Endpoint
from xacct_nb.runs import confinement
from xacct_nb.runs.aws_connection import AwsConnection
from xacct_nb.storage.evidence import Evidence


@dataclass
class Place:
    """Where a run acts; `where` says in words who answered it, as the record has it, "" before any answer."""

    sandbox: bool
    evidence: Evidence
    patience: float
    where: str = ""
    partition: str = ""

    @cached_property
    def connection(self) -> AwsConnection:
        """The retries of the run's calls, and AWS's clock."""
        return AwsConnection(self.evidence, self.patience)

    @property
    def shown(self) -> str:
        """Where it acts, for a person; before any answer, as it is configured."""
        return "the sandbox on this machine" if self.sandbox else self.where or "AWS itself"

    def begin(self) -> None:
        """Keep the clients of a run in the sandbox from now on."""
        if self.sandbox:
            confinement.enter_sandbox()

    def end(self, headless: bool) -> None:
        """Note who answered. A kernel that a person goes on with gets its environment back."""
        self.note()
        if not headless:
            confinement.leave_sandbox()

    def open(self, partition: str = "") -> Endpoint:
        """Return where the calls go: the sandbox, started if it does not run, or AWS as it is configured."""
        forget_answers()
        self.partition = partition
        if not self.sandbox:
            return self.connection.watched(AWS_ITSELF)
        from xacct_nb.runs.sandboxes import open_sandbox, sandbox_endpoint  # on AWS it is not needed

        with confinement.opening():
            sandbox = open_sandbox()
        confinement.use_sandbox(sandbox)
        self._keep(f"sandbox at {sandbox.endpoint}")
        return self.connection.watched(sandbox_endpoint(sandbox))

    def note(self) -> str:
        """Write into the evidence who answered so far, and how, if that is new; return who."""
        self.connection.note()
        if not self.sandbox:
            self._keep(answering_endpoints(self.partition))
        return self.where

    def _keep(self, where: str) -> None:
        if where != self.where:
            self.where = where
            self.evidence.add("where", where)
