"""Commands of the AWS CLI, run as a shell reads them, with boto3 in the place of the CLI."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape, StructureShape

# The shell prints the words of `aws`, and finds no other program.
_SCRIPT = "aws() { printf '%s\\0' \"$@\"; }\n"
_SERVICES = {"s3api": "s3"}
_GLOBAL = ("profile", "endpoint-url", "region")
_LOADER = Loader()


@dataclass(frozen=True)
class AwsCommand:
    """One call of AWS: the service, the operation and its parameters as boto3 takes them, and the profile."""

    service: str
    operation: str
    parameters: dict[str, Any] = field(repr=False)
    profile: str = ""
    endpoint_url: str = ""


def is_aws(command: str) -> bool:
    """Return whether a command is one of the AWS CLI that calls AWS."""
    return command.startswith("aws ") and command.split()[1] not in ("configure", "sso", "login")


def read_command(command: str, variables: Mapping[str, str]) -> AwsCommand:
    """Return what a command of the AWS CLI calls, with these shell variables set.

    A variable that is not set and an option that the operation does not have are errors.
    """
    service, operation, *rest = _words(command, variables)
    service = _SERVICES.get(service, service)
    model = _model(service)
    name = {xform_name(each, "-"): each for each in model.operation_names}[operation]
    passed = _options(rest)
    more = {option: passed.pop(option)[0] for option in _GLOBAL if option in passed}
    shape = model.operation_model(name).input_shape
    parameters = dict(_parameter(shape, option, words) for option, words in passed.items())
    method = xform_name(name)
    return AwsCommand(service, method, parameters, more.get("profile", ""), more.get("endpoint-url", ""))


def _words(command: str, variables: Mapping[str, str]) -> list[str]:
    """Return the words that a shell gives to `aws`. Raises CalledProcessError, as for a variable not set."""
    done = subprocess.run(
        ["/bin/sh", "-c", _SCRIPT + command],
        env={"PATH": "/nowhere", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\0")[:-1]


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(_LOADER.load_service_model(service, "service-2"), service)


def _options(words: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            option = word.removeprefix("--")
            assert option not in found, f"--{option} is given twice"
            found[option] = []
        else:
            found[option].append(word)
    return found


def _parameter(shape: StructureShape | None, option: str, words: list[str]) -> tuple[str, Any]:
    members = (
        {xform_name(name, "-"): (name, member) for name, member in shape.members.items()} if shape else {}
    )
    if option.startswith("no-") and option.removeprefix("no-") in members:
        return members[option.removeprefix("no-")][0], False
    name, member = members[option]
    return name, _value(member, words)


def _value(shape: Shape, words: list[str]) -> Any:
    if shape.type_name == "boolean":
        assert not words
        return True
    if shape.type_name == "list":
        if words[0].startswith("["):
            return json.loads(words[0])
        return [_element(shape.member, word) for word in words]  # type: ignore[attr-defined]
    (word,) = words
    return _element(shape, word)


def _element(shape: Shape, word: str) -> Any:
    if shape.type_name in ("integer", "long"):
        return int(word)
    if shape.type_name not in ("structure", "map"):
        return word
    return json.loads(word) if word.startswith("{") else dict(pair.split("=", 1) for pair in word.split(","))
