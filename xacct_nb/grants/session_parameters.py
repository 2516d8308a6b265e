"""The parameters of a session that a run is given: what a session passes on, and no secret among them."""

from collections.abc import Mapping
from typing import Any

from xacct_nb.errors import InvalidParameters
from xacct_nb.redaction.names import is_credential_name, is_external_id_name


def carried_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Tags and the SourceIdentity of a session, the tags as AssumeRole takes them.

    Tags may be given as one mapping of names to values. Raises InvalidParameters.
    """
    tags = given.get("Tags") or []
    if isinstance(tags, Mapping):
        tags = [{"Key": name, "Value": value} for name, value in tags.items()]
    is_valid = set(given) <= {"Tags", "SourceIdentity"} and isinstance(given.get("SourceIdentity", ""), str)
    if not (is_valid and isinstance(tags, list) and all(map(_is_tag, tags))):
        raise InvalidParameters(
            "carried is not what a session passes on.",
            why="A session passes on tags and a source identity to the next role, and nothing else.",
            hint='Write for example: carried {"Tags": {"team": "books"}, "SourceIdentity": "alice"}',
        )
    identity = given.get("SourceIdentity")
    return ({"Tags": list(tags)} if tags else {}) | ({"SourceIdentity": identity} if identity else {})


def _is_tag(tag: Any) -> bool:
    return (
        isinstance(tag, Mapping)
        and set(tag) == {"Key", "Value"}
        and all(isinstance(each, str) for each in tag.values())
    )


def refuse_secrets(name: str, parameters: Mapping[str, Any]) -> None:
    """Check that no parameter is an external ID, a code or a credential. Raises InvalidParameters."""
    names = (each for each in parameters if is_external_id_name(each) or is_credential_name(each))
    if secret := sorted(names):
        raise InvalidParameters(
            f"{name} has {', '.join(secret)}, which would be written into the notebook.",
            why="An external ID and an MFA code are secrets.",
            hint="Give the external ID by reference: external_id env:NAME.",
        )
