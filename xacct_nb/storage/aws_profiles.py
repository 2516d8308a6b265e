"""The user's AWS config files, credentials files and variables, as far as they affect a call; no secrets."""

import os
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from contextlib import suppress
from pathlib import Path
from typing import Any

from xacct_nb.diagnosis.snapshot import ClientSettings
from xacct_nb.redaction.redact import fingerprint

# Their values are shown; of every other setting, only that it is set.
_PLAIN = (
    "role_arn", "source_profile", "credential_source", "mfa_serial", "role_session_name", "duration_seconds",
    "region", "sso_session", "sso_account_id", "sso_role_name", "sso_start_url", "sso_region",
    "login_session", "web_identity_token_file", "sts_regional_endpoints", "endpoint_url",
)  # fmt: skip
_PLAIN_VARIABLES = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN",
    "AWS_ENDPOINT_URL", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
)  # fmt: skip
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_SET = "set"
_KEY = "aws_access_key_id"
# The settings of a profile, by the parameters of AssumeRole that botocore makes of them.
_PARAMETERS = {
    "role_arn": "RoleArn",
    "role_session_name": "RoleSessionName",
    "external_id": "ExternalId",
    "mfa_serial": "SerialNumber",
}


def read_client(profile: str = "", config_file: str = "", credentials_file: str = "") -> ClientSettings:
    """Return the client's side: the profile in use, all profiles, the AWS variables, and unreadable files.

    A named profile comes before keys in the environment. Without file names, the user's own files are read.
    """
    variables = {name: value for name, value in os.environ.items() if not (profile and name in _KEYS)}
    given = {"AWS_CONFIG_FILE": config_file, "AWS_SHARED_CREDENTIALS_FILE": credentials_file}
    variables |= {name: value for name, value in given.items() if value}
    profiles: dict[str, dict[str, str]] = {}
    unreadable: dict[str, str] = {}
    home = Path(variables.get("HOME") or "~").expanduser() / ".aws"
    config = Path(variables.get("AWS_CONFIG_FILE") or home / "config").expanduser()
    credentials = Path(variables.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials").expanduser()
    for path in (config, credentials):
        try:
            for name, fields in _sections(path, path is config):
                profiles.setdefault(name, {}).update(_fields(fields))
        except (OSError, ConfigError, UnicodeDecodeError) as problem:
            unreadable[str(path)] = _reason(problem)
    used = profile or variables.get("AWS_PROFILE") or variables.get("AWS_DEFAULT_PROFILE") or ""
    return ClientSettings(
        profile=used,
        profiles=profiles,
        variables={
            name: value if name in _PLAIN_VARIABLES else _SET
            for name, value in variables.items()
            if name.startswith("AWS_")
        },
        unreadable=unreadable,
        cached_sessions=len(list((home / "cli" / "cache").glob("*.json"))),
    )


def read_chain(
    profile: str, config_file: str = "", credentials_file: str = ""
) -> tuple[str, tuple[dict[str, Any], ...]]:
    """Return the profile that a chain begins with, and the parameters of AssumeRole for each role of it.

    They hold the external IDs. Without a chain, or where it does not end in a profile: "" and no roles.
    """
    profiles = _whole_profiles(config_file, credentials_file)
    hops: list[dict[str, Any]] = []
    name, visited = profile, set[str]()
    while "role_arn" in (fields := profiles.get(name, {})) and not (visited and _KEY in fields):
        source = fields.get("source_profile", "")
        if name in visited or source not in profiles or "web_identity_token_file" in fields:
            return "", ()
        duration = fields.get("duration_seconds", "")
        passed = {to: fields[of] for of, to in _PARAMETERS.items() if fields.get(of)}
        hops.insert(0, passed | ({"DurationSeconds": int(duration)} if duration.isdecimal() else {}))
        visited.add(name)
        if source == name:
            break
        name = source
    return (name, tuple(hops)) if hops else ("", ())


def _whole_profiles(config_file: str, credentials_file: str) -> dict[str, dict[str, str]]:
    """Return the settings of all profiles with their secrets; none of a file that cannot be read."""
    home = Path(os.environ.get("HOME") or "~").expanduser() / ".aws"
    config = Path(config_file or os.environ.get("AWS_CONFIG_FILE") or home / "config").expanduser()
    keys = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"
    profiles: dict[str, dict[str, str]] = {}
    for path in (config, Path(credentials_file or keys).expanduser()):
        with suppress(OSError, ConfigError, UnicodeDecodeError):
            for name, fields in _sections(path, path is config):
                profiles.setdefault(name, {}).update(fields)
    return profiles


def _reason(problem: OSError | ConfigError | UnicodeDecodeError) -> str:
    """Return why a file cannot be read, without any of its text: that may be a secret."""
    if isinstance(problem, OSError):
        return problem.strerror or type(problem).__name__
    if isinstance(problem, UnicodeDecodeError):
        return "it is not UTF-8"
    line = getattr(problem, "lineno", 0) or next((line for line, _ in getattr(problem, "errors", ())), 0)
    return f"line {line} belongs to no section, or is no setting" if line else "it is no config file"


def _sections(path: Path, is_config: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the profiles of a file with all their settings."""
    if not path.exists():
        return
    parser = ConfigParser(interpolation=None, default_section="\0", strict=False)
    parser.read_string(path.read_text(encoding="utf-8"))
    for section in parser.sections():
        kind, _, name = section.partition(" ")
        if not is_config or section == "default":
            yield section, dict(parser[section])
        elif kind == "profile":
            yield name.strip(), dict(parser[section])


def _fields(section: Mapping[str, str]) -> dict[str, str]:
    shown = {name: value if name in _PLAIN else _SET for name, value in section.items()}
    if secret := section.get("external_id"):
        shown["external_id"] = fingerprint(secret)
    return shown
