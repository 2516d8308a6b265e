"""What the two files of a hand-over share: digest, signature, and the check of their content."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, StrictStr, ValidationError

from xacct_nb.errors import InvalidHandoff
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.validation import StrictModel, as_input_error
from xacct_nb.views import Shown

_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
NAMESPACE = "xacct-nb-handoff"
_OUTSIDE = ("digest", "signature")


def moment_of(text: str) -> datetime:
    """Return the moment (UTC) in a text such as 2026-11-24T10:15:00Z. Raises InvalidHandoff."""
    try:
        moment = datetime.strptime(text, _MOMENT)
        if text.isascii() and len(text) == len("2026-11-24T10:15:00Z"):
            return moment
    except ValueError:
        pass
    raise InvalidHandoff(
        f"The hand-over file has {text[:40]!r} as a time.",
        why="There is no such time: a time is in UTC, such as 2026-11-24T10:15:00Z.",
        hint="Ask the other owner for the file that xacct-nb handoff wrote.",
    )


def _checked(text: str) -> str:
    moment_of(text)
    return text


Moment = Annotated[StrictStr, AfterValidator(_checked)]
"""The text of a moment in UTC, to the second."""


class SignedFile(Shown, StrictModel):
    """A value that is sent as plain JSON, with its digest and, where there was a key, an SSH signature."""

    signature: StrictStr = Field("", max_length=20_000, description="SSH signature of the content")

    @property
    def content(self) -> dict[str, Any]:
        """All fields but the signature: what the digest and the signature cover."""
        return self.model_dump(mode="json", by_alias=True, exclude={"signature"})

    @property
    def text(self) -> str:
        """The text that is signed."""
        return canonical_json(self.content)

    @property
    def digest(self) -> str:
        """The sha256 (hex) of the content."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return what the file holds."""
        signed = {"signature": self.signature} if self.signature else {}
        return {**self.content, "digest": self.digest, **signed}


Sent = TypeVar("Sent", bound=SignedFile)


def parse_signed(kind: type[Sent], content: Any, schema: str) -> Sent:
    """Return the value in the content of a file, which states its schema and its digest.

    Raises InvalidHandoff.
    """
    fields, digest = _content_of(content, schema)
    try:
        found = kind(**fields)
    except ValidationError as problem:
        raise as_input_error(problem, kind, InvalidHandoff) from None
    _check_digest(found, digest)
    return found


def _content_of(content: Any, schema: str) -> tuple[dict[str, Any], str]:
    """Return the fields in the content of a file, and the digest that it states. Raises InvalidHandoff."""
    found = content.get("schema") if isinstance(content, Mapping) else None
    if found != schema:
        raise InvalidHandoff(
            f"The file is not a hand-over {'answer' if 'answer' in schema else 'request'}.",
            why=f"Its schema is {str(found)[:80]!r}, and not {schema!r}.",
            hint="Ask the other owner for the file that xacct-nb handoff wrote.",
        )
    return {name: each for name, each in content.items() if name != "digest"}, str(content.get("digest", ""))


def schema_of(content: Any) -> str:
    """Return the schema that the content of a file states, "" for none."""
    found = content.get("schema", "") if isinstance(content, Mapping) else ""
    return found if isinstance(found, str) else ""


def unusable(kind: str, what: str, *, why: str, hint: str) -> InvalidHandoff:
    """Return the error of a file that cannot be used; its code is `handoff-` and the kind, "" for none."""
    problem = InvalidHandoff(what, why=why, hint=hint)
    problem.code = f"handoff-{kind}" if kind else problem.code
    return problem


def _check_digest(value: SignedFile, stated: str) -> None:
    """Check that a file's content has the digest that the file states. Raises InvalidHandoff."""
    if value.digest != stated:
        raise unusable(
            "tampered",
            "The file was changed since it was made.",
            why=f"It states the digest {stated[:64]!r}, and its content has {value.digest}.",
            hint="Ask the other owner for the file again, and compare the digest with them.",
        )
