"""Finds causes in the profile in use and in those that it takes its credentials from."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, Cause
from xacct_nb.diagnosis.snapshot import Client, is_arn

CREDENTIAL_SOURCES = ("Environment", "Ec2InstanceMetadata", "EcsContainer")


def profile_causes(client: Client) -> Iterator[Cause]:
    """What is wrong with the profile in use, seen before anything is called with it.

    Source: AWS CLI user guide, cli-configure-role; botocore's own rules for role_arn.
    """
    for path, why in client.unreadable.items():
        yield cause("unreadable-files", CERTAIN, f"{path}: {why}.", commands=(f"chmod 600 {path}",))
    if client.profile and client.profile not in client.profiles and not client.unreadable:
        yield _missing(client)
    for name, visited in _chain(client):
        yield from _of_profile(client, name, visited)


def _missing(client: Client) -> Cause:
    near = get_close_matches(client.profile, client.profiles, n=1)
    why = f"There is no profile {client.profile!r}" + (f", but {near[0]!r}." if near else ".")
    if is_arn(client.profile):
        why += " AWS_PROFILE takes a profile's name, not an ARN."
    return cause("missing-profile", CERTAIN, why, commands=(f"export AWS_PROFILE={near[0]}",) if near else ())


def _chain(client: Client) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The profile in use and its source profiles that assume a role, each with those before it."""
    name, visited = client.profile, tuple[str, ...]()
    while _assumes(client.profiles.get(name, {})) and name not in visited:
        yield name, visited
        visited = (*visited, name)
        name = client.profiles[name].get("source_profile", "")


def _assumes(fields: dict[str, str]) -> bool:
    return "role_arn" in fields and "web_identity_token_file" not in fields


def _of_profile(client: Client, name: str, visited: tuple[str, ...]) -> Iterator[Cause]:
    fields = client.profiles[name]
    source, from_here = fields.get("source_profile", ""), fields.get("credential_source", "")
    if source and from_here:
        why = f"The profile {name} has both source_profile = {source} and credential_source = {from_here}."
        yield cause("two-credential-sources", CERTAIN, why)
    elif from_here and from_here not in CREDENTIAL_SOURCES:
        why = f"The profile {name} has credential_source = {from_here}, not {_listed(CREDENTIAL_SOURCES)}."
        mend = _nearest(from_here, CREDENTIAL_SOURCES, name, "credential_source")
        yield cause("wrong-credential-source", CERTAIN, why, commands=mend)
    elif not source and not from_here:
        why = f"The profile {name} has a role_arn, and neither source_profile nor credential_source."
        yield cause("no-credential-source", CERTAIN, why, commands=_rooted(client, name))
    elif source in visited or (source == name and not _has_keys(fields)):
        why = f"The profiles name each other: {' -> '.join((*visited, name, source))}."
        yield cause("profile-loop", CERTAIN, why, commands=_rooted(client, (*visited, name)[0]))
    elif source and source not in client.profiles:
        why = f"The profile {name} has source_profile = {source}, and there is no such profile."
        mend = _nearest(source, client.profiles, name, "source_profile")
        yield cause("missing-source-profile", CERTAIN, why, commands=mend)


def _rooted(client: Client, name: str) -> tuple[str, ...]:
    """Lets a profile take its credentials from the only one that has some of its own."""
    own = [each for each, fields in client.profiles.items() if _has_keys(fields) and each != name]
    return (f"aws configure set source_profile {own[0]} --profile {name}",) if len(own) == 1 else ()


def _has_keys(fields: dict[str, str]) -> bool:
    return "aws_access_key_id" in fields


def _nearest(word: str, words: Iterable[str], profile: str, field: str) -> tuple[str, ...]:
    near = get_close_matches(word, list(words), n=1)
    return (f"aws configure set {field} {near[0]} --profile {profile}",) if near else ()


def _listed(words: Iterable[str]) -> str:
    return " or ".join(words)
