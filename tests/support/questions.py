"""Questions to the sandbox as JSON: calls to set it up, the call under test, and AWS's response."""

import json
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from xacct_nb.iam.mfa_codes import STEP, code_of
from xacct_nb.sandbox.server import client
from xacct_nb.sandbox.server.state import Sandbox

SESSION = boto3.session.Session()
# botocore would refuse by itself what the sandbox has to refuse.
UNCHECKED = Config(parameter_validation=False, retries={"total_max_attempts": 1}, proxies={})
CASES = Path(__file__).parent.parent / "cases" / "sandbox"
SERVICES = {
    name: service
    for service in ("s3", "iam", "sts")
    for name in boto3.session.Session()
    .client(service, region_name="us-east-1")
    .meta.method_to_api_mapping.values()
}
DOCUMENTS = ("PolicyDocument", "AssumeRolePolicyDocument", "Policy")
PLACE = re.compile(r"\{([a-z][a-z0-9]*)([+-]\d)?\}|\{x\*(\d+)\}")


@dataclass(frozen=True)
class Question:
    """A title, the steps before it, the step that is asked, AWS's answer, and where that is written."""

    title: str
    setup: list[dict[str, Any]]
    ask: dict[str, Any]
    expect: Any
    source: str
    answer: dict[str, Any]


def questions() -> Iterator[Question]:
    """All questions; a name in a setup means the steps that the file gives under it."""
    for path in sorted(CASES.glob("*.json")):
        file = json.loads(path.read_text())
        for case in file["questions"]:
            steps = [step for each in case.get("setup", []) for step in _steps(each, file["given"])]
            told = case["title"], steps, case["ask"], case["expect"], case["source"]
            yield Question(*told, case.get("answer", {}))


def _steps(each: Any, setups: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if isinstance(each, dict):
        yield each
    else:
        for step in setups[each]:
            yield from _steps(step, setups)


class Room:
    """Three accounts of the sandbox that no other test uses, and their principals with keys."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.names: dict[str, str] = {side: _account() for side in ("source", "destination", "third")}
        self.keys: dict[str, tuple[str, str, str | None]] = {
            side: (account, sandbox.root_secret(account), None) for side, account in self.names.items()
        }
        self.clients: dict[tuple[str, str], Any] = {}
        self.seeds: dict[str, str] = {}
        self.step = int(time.time()) // STEP

    def do(self, step: dict[str, Any]) -> Any:
        """One step: `{WHO: OPERATION, ...parameters}`, `as` a name for what it makes, `times` with {n}."""
        (who, operation), *rest = step.items()
        for number in range(step.get("times", 1)):
            self.names["n"] = str(number + 1)
            parameters = {
                name: self.filled(name, value) for name, value in rest if name not in ("as", "times")
            }
            answer = self._call(who, operation, parameters)
        if "as" in step:
            self._keep(step["as"], answer)
        return answer

    def _call(self, who: str, operation: str, parameters: dict[str, Any]) -> Any:
        if who == "sandbox":
            return getattr(client, operation)(self.sandbox, **parameters)
        return getattr(self.client(who, SERVICES[operation]), xform_name(operation))(**parameters)

    def client(self, who: str, service: str) -> Any:
        """The client of one who has a key here."""
        key, secret, token = self.keys[who]
        if (key, service) not in self.clients:
            self.clients[key, service] = SESSION.client(
                service,
                endpoint_url=self.sandbox.endpoint,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                region_name="us-east-1",
                config=UNCHECKED,
            )
        return self.clients[key, service]

    def _keep(self, name: str, answer: dict[str, Any]) -> None:
        made = answer.get("AccessKey") or answer.get("Credentials")
        if made:
            self.keys[name] = made["AccessKeyId"], made["SecretAccessKey"], made.get("SessionToken")
            self.names[name] = made["AccessKeyId"]
        elif device := answer.get("VirtualMFADevice"):
            self.names[name] = device["SerialNumber"]
            self.seeds[name] = device["Base32StringSeed"].decode()

    def filled(self, name: str, value: Any) -> Any:
        if isinstance(value, str):
            return PLACE.sub(self._place, value)
        if name in DOCUMENTS:
            statements = value if isinstance(value, list) else [value]
            whole = value if "Statement" in value else {"Version": "2012-10-17", "Statement": statements}
            return json.dumps(self.filled("", whole))
        if isinstance(value, list):
            return [self.filled("", each) for each in value]
        if isinstance(value, dict):
            return {self.filled("", key): self.filled("", each) for key, each in value.items()}
        return value

    def _place(self, found: re.Match[str]) -> str:
        name, later, times = found.groups()
        if times:
            return "x" * int(times)
        return code_of(self.seeds[name], self.step + int(later)) if later else self.names[name]


def outcome(room: Room, step: dict[str, Any]) -> tuple[str, str, Any]:
    """ "allowed" or the error code, the message, the answer."""
    try:
        return "allowed", "", room.do(step)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"].get("Message") or "", {}


def fits(wanted: Any, found: Any) -> bool:
    """Whether a part of an answer is as wanted; texts are patterns with *."""
    if isinstance(wanted, dict):
        return all(fits(each, found.get(name)) for name, each in wanted.items())
    return fnmatchcase(str(found), str(wanted))


def _account() -> str:
    return f"{secrets.randbelow(9 * 10**11) + 10**11}"
