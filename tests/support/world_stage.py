"""One world in the sandbox with its people's sessions: its call, its diagnosis, the commands of a mend."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from support.aws_commands import AwsCommand, is_aws, read_command
from support.in_process_sandbox import start
from support.world_builder import SERVICES, BuiltWorld
from xacct_nb.aws.diagnosis_sessions import AccountSession, DiagnosisSessions
from xacct_nb.aws.sessions import Endpoint
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.redaction.redact import fingerprint
from xacct_nb.runs.denial.inquiry import diagnose

BOTH, SOURCE, DESTINATION, TEXT = VIEWS = ("both", "source", "destination", "text")
PROFILES = {"caller": "the-caller", "source": "source-admin", "destination": "destination-admin"}


@cache
def endpoint() -> Endpoint:
    """Return the sandbox's endpoint, with AWS files that hold the three profiles of the diagnoses."""
    sandbox = start()
    config, credentials = sandbox.folder / "worlds-config", sandbox.folder / "worlds-credentials"
    config.write_text("".join(f"[profile {name}]\nregion = us-east-1\n" for name in PROFILES.values()))
    credentials.write_text("")
    return Endpoint(str(config), str(credentials), sandbox.endpoint)


class Stage:
    """One world in the sandbox, with the sessions of its people."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told = told
        self.built = BuiltWorld(start())
        self.built.build(self.told)
        for step in self.told.get("given_steps", []):
            self.built.do(step)
        self.call: dict[str, Any] = dict(self.told["call"])
        held = self._caller_keys(self.call) if "through" in self.call else None
        for step in self.told.get("steps", []):
            self.built.do(step)
        self.keys = held or self._caller_keys(self.call)

    def _caller_keys(self, call: Mapping[str, Any]) -> tuple[str, str, str | None]:
        """Return the credentials of who makes a call: a user's, or those of the last role before it."""
        keys = self.built.keys[call["by"]]
        for hop in call.get("through", []):
            keys = self._assume(keys, hop)
        return (keys[0], call["secret key"], keys[2]) if "secret key" in call else keys

    def _assume(self, keys: tuple[str, str, str | None], call: Mapping[str, Any]) -> Any:
        passed = self.built.filled("", {"RoleSessionName": "desk", **call.get("with", {})})
        made = self.built.clients(keys)("sts").assume_role(
            RoleArn=self.built.filled("", call["role"]), **passed
        )
        session = made["Credentials"]
        return session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]

    def attempt(self) -> str:
        """Make the call; return the error's text, "" if it succeeds."""
        return self._error(self.keys, self.call)

    def bystander(self, told: Any) -> bool:
        """Return whether somebody else gets in: by the same role, unless the description says another."""
        call = {"by": told} if isinstance(told, str) else told
        usual = {name: self.told["call"][name] for name in ("role", "then") if name in self.told["call"]}
        call = {**usual, **call}
        try:
            keys = self._caller_keys(call)
        except ClientError:
            return False
        return not self._error(keys, call)

    def _error(self, keys: tuple[str, str, str | None], call: Mapping[str, Any]) -> str:
        try:
            session = self._assume(keys, call) if call.get("role") else keys
            for operation, parameters in call.get("then", {}).items():
                client = self.built.clients(session)(SERVICES[operation])
                getattr(client, xform_name(operation))(**self.built.filled("", parameters))
        except ClientError as problem:
            return str(problem)
        except BotoCoreError as problem:
            return f"botocore.exceptions.{type(problem).__name__}: {problem}"
        return ""

    def diagnose(self, view: str, error: str) -> Diagnosis:
        """Return the diagnosis from a view: with its sessions and the caller's, or from the text alone."""
        if view == TEXT:
            return diagnose(error=error)
        if view == DESTINATION:
            admin = AccountSession(self.built.root(self._destination()), PROFILES["destination"])
            return diagnose(None, DiagnosisSessions(destination=admin, endpoint=endpoint()), error=error)
        accounts = {"source": self._source(), "destination": self._destination()}
        if view == SOURCE and accounts["source"] != accounts["destination"]:
            del accounts["destination"]
        admins = {
            side: AccountSession(self.built.root(each), PROFILES[side]) for side, each in accounts.items()
        }
        mine = AccountSession(self.built.clients(self.keys), PROFILES["caller"])
        sides = DiagnosisSessions(mine, endpoint=endpoint(), **admins)
        call = self.built.filled("", {"RoleSessionName": "desk", **self.call.get("with", {})})
        typed = self.built.filled("", self.told.get("typed", {}))
        role = self.built.filled("", self.call.get("role", ""))
        return diagnose(None, sides, error=error, role=role, call=call, **typed)

    def _source(self) -> str:
        hops = self.call.get("through")
        arn = self.built.filled("", hops[-1]["role"]) if hops else ""
        account, _, _ = self.call["by"].rpartition("/")
        return str(arn.split(":")[4] if arn else self.built.names[account or "A"])

    def _destination(self) -> str:
        role = self.built.filled("", self.call.get("role", ""))
        owner = self.built.names.get(self.told.get("owner", ""), "")
        number = role.split(":")[4] if role else owner or self._source()
        return str(number if number.isdecimal() else self.built.names["B"])

    def apply(self, cause: Cause) -> list[str]:
        """Run the commands of a cause as they are printed; a call of AssumeRole becomes the caller's call."""
        done = [command for command in cause.commands if is_aws(command)]
        for command in done:
            each = read_command(command, self._variables(cause, command))
            if each.service == "sts":
                self._call_instead(each)
            else:
                account = self._account(each, cause)
                getattr(self.built.root(account)(each.service), each.operation)(**each.parameters)
        return done

    def _call_instead(self, command: AwsCommand) -> None:
        assert command.operation == "assume_role", command
        passed = dict(command.parameters)
        self.call = {**self.call, "role": passed.pop("RoleArn"), "with": passed}

    def _account(self, command: AwsCommand, cause: Cause) -> str:
        side = {profile: side for side, profile in PROFILES.items()}.get(command.profile, cause.side)
        return self._source() if side == "source" else self._destination()

    def _variables(self, cause: Cause, command: str) -> dict[str, str]:
        """Return what a person sets before the commands: the external IDs by fingerprint, an MFA code."""
        known = {fingerprint(self.built.names[name]): self.built.names[name] for name in ("secret", "other")}
        named = [each for mark, each in sorted(known.items()) if mark in cause.mend] or [
            self.built.names["secret"]
        ]
        numbered = {f"EXTERNAL_ID_{number}": each for number, each in enumerate(named, start=1)}
        has_device = f"serial:{self.call['by']}" in self.built.names and "MFA_CODE" in command
        coded = {"MFA_CODE": self.built.code(self.call["by"])} if has_device else {}
        return {"EXTERNAL_ID": named[0], **numbered, **coded}
