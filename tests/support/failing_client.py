"""What fails on the client before AWS decides anything, and its fix where no command is one."""

import os
import shlex
import sys
from collections.abc import Callable
from configparser import ConfigParser
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.compat import get_current_datetime
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from support.denial_stage import Stage
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.sandbox.server.accounts import World

ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=30)


@dataclass
class Workstation:
    """A client: its AWS files and variables, with the profile `alice`, who may assume the role `reader`."""

    world: World
    patch: pytest.MonkeyPatch
    stage: Stage
    profile: str = "reader"

    @property
    def config(self) -> Path:
        return Path(os.environ["AWS_CONFIG_FILE"])

    def set(self, profile: str, **fields: str) -> None:
        """Write a profile with these fields besides the usual ones, without those that are empty."""
        parser = self.parsed()
        section = f"profile {profile}"
        usual = {"region": "us-east-1", "endpoint_url": self.world.endpoint}
        known = dict(parser[section]) if parser.has_section(section) else usual
        parser[section] = {name: value for name, value in {**known, **fields}.items() if value}
        with self.config.open("w") as file:
            parser.write(file)

    def parsed(self) -> ConfigParser:
        parser = ConfigParser(interpolation=None)
        parser.read(self.config)
        return parser

    def call(self) -> str:
        """Call GetCallerIdentity with the profile in use, which may assume a role; return the error."""
        try:
            session = boto3.Session(profile_name=self.profile or None)
            session.client("sts", region_name="us-east-1", config=ONCE).get_caller_identity()
        except (BotoCoreError, ClientError) as problem:
            return f"{type(problem).__module__}.{type(problem).__name__}: {problem}"
        return ""

    def apply_fix(self, cause: Cause) -> None:
        """Run the commands of a cause's fix as a shell would."""
        for command in cause.commands:
            match shlex.split(command):
                case ["export", setting]:
                    self.patch.setenv(*setting.split("=", 1))
                    self.profile = setting.partition("=")[2]
                case ["unset", *names]:
                    for name in names:
                        self.patch.delenv(name, raising=False)
                case ["aws", "configure", "set", field, value, "--profile", profile]:
                    self.set(profile, **{field: value})
                case other:
                    raise AssertionError(other)


@dataclass(frozen=True)
class Wrong:
    """One failure of the client, and its fix if no command fixes it."""

    code: str
    entries: str
    break_it: Callable[[Workstation], Any]
    mend: Callable[[Workstation], Any] | None = None

    def __str__(self) -> str:
        return f"{self.entries}-{self.code}"


def use(profile: str) -> Callable[[Workstation], None]:
    return lambda on: setattr(on, "profile", profile)


def nothing_there(on: Workstation) -> None:
    on.config.unlink()
    on.profile = ""


def signed_in(on: Workstation) -> None:
    on.patch.setenv("AWS_ACCESS_KEY_ID", on.stage.keys[0])
    on.patch.setenv("AWS_SECRET_ACCESS_KEY", on.stage.keys[1])
    on.patch.setenv("AWS_ENDPOINT_URL", on.world.endpoint)


def looping(on: Workstation) -> None:
    on.set("middle", role_arn=on.stage.role, source_profile="reader")
    on.set("reader", source_profile="middle")


def environment(on: Workstation, written: str) -> None:
    on.set("reader", source_profile="", credential_source=written)
    if written != "Environment":
        signed_in(on)


def not_a_config(on: Workstation) -> None:
    on.patch.setattr(on, "written", on.config.read_text(), raising=False)
    on.config.write_text("[profile alice\nregion = us-east-1\n")


def wrong_clock(on: Workstation) -> None:
    _sign_at(on, lambda **options: get_current_datetime(**options) - timedelta(hours=1))


def right_clock(on: Workstation) -> None:
    _sign_at(on, get_current_datetime)


def _sign_at(on: Workstation, clock: Callable[..., Any]) -> None:
    """Give botocore's signers this clock; where awscrt is installed, its signers too."""
    for name in ("botocore.auth", "botocore.crt.auth"):
        if name in sys.modules:
            on.patch.setattr(sys.modules[name], "get_current_datetime", clock)


def nobody_listens(on: Workstation) -> None:
    for profile in ("alice", "reader"):
        on.set(profile, endpoint_url="http://127.0.0.1:9")


def somebody_listens(on: Workstation) -> None:
    for profile in ("alice", "reader"):
        on.set(profile, endpoint_url=on.world.endpoint)


TABLE = (
    Wrong("no-credentials", "A1", nothing_there, signed_in),
    Wrong("missing-profile", "A2", use("readr")),
    Wrong("missing-profile", "A2", use("arn:aws:iam::222222222222:role/reader"), use("reader")),
    Wrong("missing-source-profile", "A3", lambda on: on.set("reader", source_profile="alcie")),
    Wrong("two-credential-sources", "A4", lambda on: on.set("reader", credential_source="Environment"),
          lambda on: on.set("reader", credential_source="")),
    Wrong("no-credential-source", "A5", lambda on: on.set("reader", source_profile="")),
    Wrong("profile-loop", "A6", looping),
    Wrong("wrong-credential-source", "A7", lambda on: environment(on, "Enviroment")),
    Wrong("wrong-credential-source", "A7", lambda on: environment(on, "Environment"), signed_in),
    Wrong("clock-skew", "A11", wrong_clock, right_clock),
    Wrong("unreadable-files", "A19", not_a_config, lambda on: on.config.write_text(on.written)),  # type: ignore[attr-defined]
    Wrong("no-route", "F5", nobody_listens, somebody_listens),
)  # fmt: skip
