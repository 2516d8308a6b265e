"""Broken worlds: each is built, its call is made, diagnosed from three views, mended, and called again.

`tests/cases/worlds/*.json` holds them. `tests/test_worlds.py` says what must be true of each.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from subprocess import CalledProcessError
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from support.aws_commands import AwsCommand, is_aws, read_command
from support.case_files import CASES
from support.in_process_sandbox import start
from support.questions import SERVICES
from support.world_builder import ACCOUNTS, BuiltWorld
from xacct_nb.aws.diagnosis_sessions import AccountSession, DiagnosisSessions
from xacct_nb.aws.sessions import Endpoint
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.redaction.redact import fingerprint
from xacct_nb.runs.inquiry import diagnose
from xacct_nb.sandbox.server.client import set_clock

BOTH, SOURCE, TEXT = VIEWS = ("both", "source", "text")
FILES = CASES / "worlds"
_ROUNDS = 3
COMMAND_FAILED = (ClientError, ParamValidationError, CalledProcessError, ValueError, KeyError, AssertionError)


@dataclass(frozen=True, eq=False)
class BrokenWorld:
    """One world as its file tells it, merged with the scene that it changes."""

    kind: str
    title: str
    told: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.kind}: {self.title}"

    @property
    def causes(self) -> list[dict[str, Any]]:
        """What is wrong: `code` (or codes, joined by `|`), `side`, and `at`, texts that locate it."""
        return list(self.told.get("causes", []))

    def failing(self, part: str) -> str:
        """Return why this part of the world is known to fail; "" if it must pass."""
        return str(self.told.get("fails", {}).get(part, ""))


@dataclass
class Attempted:
    """The result of one call: "" or the error text, and the call as it was made."""

    error: str
    call: dict[str, Any]


@dataclass
class WhatHappened:
    """What one pass through a world found, for the tests to judge."""

    error: str = ""
    found: dict[str, Diagnosis] = field(default_factory=dict)
    before: dict[str, bool] = field(default_factory=dict)
    after: dict[str, bool] = field(default_factory=dict)
    applied: list[str] = field(default_factory=list)
    error_at_the_end: str = ""
    later_causes: list[Cause] = field(default_factory=list)
    secrets: tuple[str, ...] = ()
    accounts: dict[str, str] = field(default_factory=dict)


def worlds() -> Iterator[BrokenWorld]:
    """Yield every world of the files, in their order."""
    scenes = json.loads((FILES / "scenes.json").read_text())
    for path in sorted(FILES.glob("*.json")):
        if path.stem == "scenes":
            continue
        file = json.loads(path.read_text())
        for told in file["worlds"]:
            scene = scenes[told.get("scene", file.get("scene", "user"))]
            whole = merged(merged(scene, file.get("given", {})), told)
            yield BrokenWorld(path.stem, told["title"], whole)


def merged(first: Any, second: Any) -> Any:
    """Return the first description changed by the second: null removes, a list replaces."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return second
    whole = first | {name: merged(first.get(name), value) for name, value in second.items()}
    return {name: value for name, value in whole.items() if value is not None}


@cache
def endpoint() -> Endpoint:
    """Return the sandbox's endpoint, with AWS files that hold the three profiles of the diagnoses."""
    sandbox = start()
    config, credentials = sandbox.folder / "worlds-config", sandbox.folder / "worlds-credentials"
    config.write_text("".join(f"[profile {name}]\nregion = us-east-1\n" for name in PROFILES.values()))
    credentials.write_text("")
    return Endpoint(str(config), str(credentials), sandbox.endpoint)


PROFILES = {"caller": "the-caller", "source": "source-admin", "destination": "destination-admin"}


class Stage:
    """One world in the sandbox, with the sessions of its people."""

    def __init__(self, world: BrokenWorld) -> None:
        self.told = world.told
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
        number = role.split(":")[4] if role else self._source()
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


@cache
def pass_through(world: BrokenWorld) -> WhatHappened:
    """Build a world, make its call, diagnose it from three views, mend it, and look at the bystanders."""
    stage, seen = Stage(world), WhatHappened()
    set_clock(start(), world.told.get("clock", 0))
    try:
        seen.error = stage.attempt()
        pasted = stage.built.filled("", world.told.get("pasted", seen.error))
        seen.before = _bystanders(stage)
        for view in VIEWS:
            seen.found[view] = stage.diagnose(view, pasted)
        _mend(stage, seen)
        seen.after = _bystanders(stage)
    finally:
        set_clock(start(), 0)
    seen.accounts = {name: stage.built.names[name] for name in ACCOUNTS}
    seen.secrets = tuple(stage.built.names[name] for name in ("secret", "other"))
    return seen


def _mend(stage: Stage, seen: WhatHappened) -> None:
    """Apply the first cause's commands, and again those of the next diagnosis while the call is denied."""
    found, seen.error_at_the_end = seen.found[BOTH], seen.error
    for _ in range(_ROUNDS):
        if not (seen.error_at_the_end and found.causes):
            break
        try:
            applied = stage.apply(found.causes[0])
        except COMMAND_FAILED as problem:
            seen.error_at_the_end = f"The command of {found.causes[0].code} fails: {problem!r}"
            seen.applied += found.causes[0].commands
            return
        seen.applied += applied
        if not applied:
            break
        seen.error_at_the_end = stage.attempt()
        if seen.error_at_the_end:
            found = stage.diagnose(BOTH, seen.error_at_the_end)
            seen.later_causes += found.causes
    if seen.error_at_the_end and "by hand" in stage.told:
        for step in stage.told["by hand"]:
            stage.built.do(step)
        stage.call = merged(stage.call, stage.told.get("call by hand", {}))
        seen.error_at_the_end = stage.attempt()


def _bystanders(stage: Stage) -> dict[str, bool]:
    told = [*stage.told.get("can", []), *stage.told.get("cannot", [])]
    return {json.dumps(each): stage.bystander(each) for each in told}
