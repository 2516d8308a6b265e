"""Finds causes in the profile in use and in the profiles that it takes its credentials from."""

import shlex
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, Cause
from xacct_nb.diagnosis.snapshot import ClientSettings
from xacct_nb.iam.arns import is_arn

CREDENTIAL_SOURCES = ("Environment", "Ec2InstanceMetadata", "EcsContainer")
_KEY, _DENIED = "aws_access_key_id", "Permission denied"


def profile_causes(client: ClientSettings) -> Iterator[Cause]:
    """Yield what is wrong with the profile in use, before any request is made with it.

    Source: AWS CLI user guide, cli-configure-role; botocore's own rules for role_arn.
    """
    for path, why in client.unreadable.items():
        commands = (f"chmod 600 {path}",) if why == _DENIED else ()
        yield cause("unreadable-files", CERTAIN, f"{path}: {why}.", "", *commands)
    if client.profile and client.profile not in client.profiles and not client.unreadable:
        yield _missing_profile(client)
    for name, visited in _chain(client):
        yield from _credential_causes(client, name, visited)


def _missing_profile(client: ClientSettings) -> Cause:
    similar = get_close_matches(client.profile, client.profiles, n=1)
    why = f"There is no profile {client.profile!r}" + (f", but {similar[0]!r}." if similar else ".")
    if is_arn(client.profile):
        why += " AWS_PROFILE takes a profile's name, not an ARN."
    return cause("missing-profile", CERTAIN, why, "", *(f"export AWS_PROFILE={name}" for name in similar))


def _chain(client: ClientSettings) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the profile in use and its source profiles that assume a role, each with those before it."""
    name, visited = client.profile, tuple[str, ...]()
    while name not in visited and "role_arn" in (fields := client.profiles.get(name, {})):
        if "web_identity_token_file" in fields:
            return
        yield name, visited
        name, visited = fields.get("source_profile", ""), (*visited, name)


def _credential_causes(client: ClientSettings, name: str, visited: tuple[str, ...]) -> Iterator[Cause]:
    fields = client.profiles[name]
    profile, source = fields.get("source_profile", ""), fields.get("credential_source", "")
    if profile and source:
        why = f"The profile {name} has both source_profile = {profile} and credential_source = {source}."
        yield cause("two-credential-sources", CERTAIN, why)
    elif source and source not in CREDENTIAL_SOURCES:
        why = f"The profile {name} has credential_source = {source}, not {' or '.join(CREDENTIAL_SOURCES)}."
        commands = _set_similar(source, CREDENTIAL_SOURCES, name, "credential_source")
        yield cause("wrong-credential-source", CERTAIN, why, "", *commands)
    elif not profile and not source:
        why = f"The profile {name} has a role_arn, but neither source_profile nor credential_source."
        yield cause("no-credential-source", CERTAIN, why, "", *_set_only_source(client, name))
    elif profile in visited or (profile == name and _KEY not in fields):
        why = f"The profiles name each other: {' -> '.join((*visited, name, profile))}."
        yield cause("profile-loop", CERTAIN, why, "", *_set_only_source(client, (*visited, name)[0]))
    elif profile and profile not in client.profiles:
        why = f"The profile {name} has source_profile = {profile}, but there is no such profile."
        commands = _set_similar(profile, client.profiles, name, "source_profile")
        yield cause("missing-source-profile", CERTAIN, why, "", *commands)


def _set_only_source(client: ClientSettings, name: str) -> Iterator[str]:
    """Yield the command that sets source_profile to the profile with keys, if there is exactly one."""
    sources = [each for each, fields in client.profiles.items() if _KEY in fields and each != name]
    if len(sources) == 1:
        yield f"aws configure set source_profile {shlex.quote(sources[0])} --profile {shlex.quote(name)}"


def _set_similar(value: str, known: Iterable[str], profile: str, field: str) -> Iterator[str]:
    """Yield the command that sets a field to the known value that is most similar."""
    for similar in get_close_matches(value, list(known), n=1):
        yield f"aws configure set {field} {shlex.quote(similar)} --profile {shlex.quote(profile)}"
