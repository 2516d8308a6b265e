"""What a token of an identity provider says, checked: types of its claims, session tags, source identity."""

from collections.abc import Mapping
from typing import Any

from xacct_nb.iam.canonical import as_list
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.rules import tag_rules
from xacct_nb.sandbox.rules.identity_tokens import NO_JWT, Claims, InvalidToken
from xacct_nb.sandbox.rules.parameter_rules import breach

TAGS, IDENTITY = "https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"
_TAG = "PrincipalTag:"
_NO_TAGS = "The session tags of the token are not valid."
_TIMES = ("exp", "nbf", "iat")


def check_types(claims: Claims) -> None:
    """Check that the claims of a JWT are of their types. Raises InvalidToken."""
    texts = [claims["iss"], claims["sub"], *as_list(claims["aud"])]
    times = [claims[name] for name in _TIMES if name in claims]
    are_texts = all(isinstance(text, str) and text for text in texts)
    if not texts or not are_texts or not all(map(_is_time, times)):
        raise InvalidToken(NO_JWT)


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**12


def tags_of_claims(claims: Claims) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the session tags of a JWT, and which of them are transitive. Raises InvalidToken."""
    given = claims.get(TAGS, {})
    if not isinstance(given, dict):
        raise InvalidToken(_NO_TAGS)
    values, keys = given.get("principal_tags", {}), given.get("transitive_tag_keys", [])
    if not isinstance(values, dict) or not isinstance(keys, list):
        raise InvalidToken(_NO_TAGS)
    tags = {key: as_list(value) for key, value in values.items()}
    if not all(len(each) == 1 and isinstance(each[0], str) for each in (*tags.values(), *map(as_list, keys))):
        raise InvalidToken(_NO_TAGS)
    return {key: value[0] for key, value in tags.items()}, tuple(keys)


def tags_of_attributes(attributes: Mapping[str, list[str]]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the session tags of an assertion, and which of them are transitive. Raises InvalidToken."""
    tags = {key.removeprefix(_TAG): values for key, values in attributes.items() if key.startswith(_TAG)}
    if not all(len(values) == 1 for values in tags.values()):
        raise InvalidToken(_NO_TAGS)
    return {key: values[0] for key, values in tags.items()}, tuple(attributes.get("TransitiveTagKeys", ()))


def identity_of(value: Any) -> str:
    """Return the source identity that a claim or an attribute has; "" for none. Raises InvalidToken."""
    values = as_list(value)
    if len(values) > 1 or not all(isinstance(each, str) for each in values):
        raise InvalidToken("The source identity of the token is not valid.")
    return str(values[0]) if values else ""


def refused(tags: Mapping[str, str], transitive: tuple[str, ...], identity: str) -> Refusal | None:
    """Refuse tags and a source identity that AssumeRole would refuse as parameters."""
    parameters = {"RoleArn": "arn:aws:iam::000000000000:role/x", "RoleSessionName": "token"}
    for number, (key, value) in enumerate(tags.items(), start=1):
        parameters |= {f"Tags.member.{number}.Key": key, f"Tags.member.{number}.Value": value}
    parameters |= {
        f"TransitiveTagKeys.member.{number}": key for number, key in enumerate(transitive, start=1)
    }
    parameters |= {"SourceIdentity": identity} if identity else {}
    call = Call("sts", "AssumeRole", parameters)
    return breach(call) or tag_rules.tags(call) or tag_rules.transitive(call)
