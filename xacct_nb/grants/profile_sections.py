"""The sections of `~/.aws/config` with which the AWS CLI and the SDKs assume the roles of a grant."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xacct_nb.errors import InvalidGrant, InvalidParameters
from xacct_nb.grants.access_path import RoleHop, hops_of
from xacct_nb.grants.grant import Grant, external_id
from xacct_nb.grants.session_length import SessionLength, session_length
from xacct_nb.iam.arns import REGIONS, Arn
from xacct_nb.redaction.redact import fingerprint
from xacct_nb.validation import require
from xacct_nb.views import Snippet

_NAME = re.compile(r"[A-Za-z0-9_][\w.@/+=,-]*", re.ASCII)
_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_FORMS = {
    "region": re.compile(r"(?![0-9]+$)(?!-)[a-zA-Z0-9-]{1,63}(?<!-)"),
    "mfa_serial": re.compile(r"[\w+=/:,.@-]{9,256}", re.ASCII),
}
_EXAMPLES = {
    "region": "as eu-central-1",
    "mfa_serial": "as arn:aws:iam::111111111111:mfa/alice, or is the serial number of a device",
}
_CANNOT = "# A profile cannot set a {}: use xa.session, or call sts assume-role with it."
_NO_ID = "# external_id = the external ID that the role's owner gave you"


@dataclass(frozen=True)
class ProfileSection:
    """A section: its name, its settings, what it lacks (comments), and how long its sessions last."""

    name: str
    hop: RoleHop
    settings: Mapping[str, str] = field(repr=False)
    comments: tuple[str, ...]
    length: SessionLength

    @property
    def text(self) -> str:
        """Return the section as it is written; it may hold an external ID."""
        return self._with(self.settings)

    @property
    def shown(self) -> str:
        """Return the section as it is shown, an external ID as its fingerprint."""
        return self._with(shown_settings(self.settings))

    def _with(self, settings: Mapping[str, str]) -> str:
        lines = [f"[profile {self.name}]", *(f"{name} = {value}" for name, value in settings.items())]
        return "".join(f"{line}\n" for line in (*lines, *self.comments))


def shown_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings as they may be shown: an external ID as its fingerprint."""
    return {name: fingerprint(value) if name == "external_id" else value for name, value in settings.items()}


def cli_profile(
    grant: Grant,
    role: str = "",
    *,
    through: Sequence[Grant] = (),
    name: str = "",
    source_profile: str = "default",
    region: str = "",
    mfa_serial: str = "",
) -> Snippet:
    """Return the sections of `~/.aws/config` that assume the role; without `role` the last one of the grant.

    There is one section for each hop; the last one has the name. `through` has the grants of the roles before
    it. No external ID is written: a comment says where to write it. Comments also name what else the
    grant requires and the profile lacks. Raises InvalidGrant, InvalidParameters.
    """
    sections = profile_sections(
        grant,
        role or ("" if through else grant.destinations[0]),
        through=through,
        name=name,
        source_profile=source_profile,
        region=region,
        mfa_serial=mfa_serial,
    )
    return Snippet("\n".join(section.text for section in sections))


def profile_sections(
    grant: Grant,
    role: str = "",
    *,
    through: Sequence[Grant] = (),
    name: str = "",
    source_profile: str = "default",
    region: str = "",
    mfa_serial: str = "",
    endpoint_url: str = "",
    is_chained: bool | None = None,
    with_external_ids: bool = False,
) -> tuple[ProfileSection, ...]:
    """Return one section for each hop, in their order.

    `is_chained` says whether the source profile is a session of a role, where it is known. External IDs are
    in the settings only if `with_external_ids`, and then each must have been given by reference. Raises
    InvalidGrant, InvalidParameters.
    """
    hops = hops_of(grant, role, through)
    names = _names_of(hops, name or grant.name)
    common = {"region": region or REGIONS[grant.partition], "endpoint_url": endpoint_url}
    sections = []
    for number, (hop, own) in enumerate(zip(hops, names, strict=True)):
        source, serial = (names[number - 1], "") if number else (source_profile, mfa_serial)
        length = session_length(hop.grant, True if number else _starts_as_role(hop.grant, is_chained))
        settings = {
            "role_arn": hop.role,
            "source_profile": source,
            **common,
            "duration_seconds": str(length.seconds) if length.seconds != 3600 else "",
            "role_session_name": _session_name(hop.grant),
            "mfa_serial": serial,
            "external_id": _external_id(hop.grant) if with_external_ids else "",
        }
        filled = {key: _checked(key, value) for key, value in settings.items() if value}
        comments = tuple(_comments(hop.grant, filled, length))
        sections.append(ProfileSection(own, hop, filled, comments, length))
    return tuple(sections)


def _names_of(hops: Sequence[RoleHop], name: str) -> list[str]:
    """Return the names of the sections; those of the hops before the last one have their role's name too."""
    require(
        _NAME.fullmatch(name) and name != "default",
        f"{name!r} cannot be the name of this profile.",
        "It has letters, digits and _.@/+=,- and is not default, which every command without a profile uses.",
        "Choose another name.",
    )
    before = [f"{name}-{hop.name}" for hop in hops[:-1]]
    if len({*before, name}) < len(hops):
        before = [f"{name}-{Arn.parse(hop.role).account}-{hop.name}" for hop in hops[:-1]]
    return [*before, name]


def _starts_as_role(grant: Grant, is_chained: bool | None) -> bool | None:
    """Return whether the first hop is asked for by a role's session; else the sources decide."""
    if is_chained is not None:
        return is_chained
    named = (*grant.principals, *grant.role_patterns) if not grant.whole_accounts else ()
    kinds = {Arn.parse(source).kind for source in named}
    return {frozenset({"role"}): True, frozenset({"user"}): False}.get(frozenset(kinds))


def _session_name(grant: Grant) -> str:
    return "" if _is_pattern(grant) else grant.conditions.role_session_name


def _is_pattern(grant: Grant) -> bool:
    return bool({"*", "?", "$"} & set(grant.conditions.role_session_name))


def _external_id(grant: Grant) -> str:
    secret = external_id(grant)
    if secret and not grant.reference:
        raise InvalidGrant(
            f"The external ID of the grant {grant.name!r} cannot be written into a profile.",
            why="It was given itself, and only one that is given by reference is written.",
            hint="Put it into a file or a variable of yours, and name that: file:PATH or env:NAME.",
        )
    return secret


def _checked(name: str, value: str) -> str:
    """Return a value that stays on one line of the file, and has the form of its setting.

    Source: botocore's check of regions; IAM API, SerialNumber. Raises InvalidParameters.
    """
    if name in _FORMS and not _FORMS[name].fullmatch(value):
        raise InvalidParameters(
            f"The setting {name} cannot be {value[:80]!r}.",
            why="The AWS CLI and the SDKs refuse it.",
            hint=f"It reads {_EXAMPLES[name]}.",
        )
    if not _VALUE.fullmatch(value):
        raise InvalidParameters(
            f"The setting {name} cannot be written into a profile.",
            why="It has a control character, a space at an end, or a character beyond ASCII.",
            hint="Correct the value.",
        )
    return value


def _comments(grant: Grant, settings: Mapping[str, str], length: SessionLength) -> Iterator[str]:
    """Yield a comment for each condition that the profile does not meet yet, and for a shorter session."""
    when = grant.conditions
    rows = (
        (when.external_id.get_secret_value() and "external_id" not in settings, _NO_ID),
        (_is_pattern(grant), f"# role_session_name = a name that fits {when.role_session_name}"),
        (when.require_mfa and "mfa_serial" not in settings, "# mfa_serial = the ARN of your MFA device"),
        (when.source_identity, _CANNOT.format("source identity")),
        (when.session_tags, _CANNOT.format("session tag")),
        (length.why, f"# {length.sentence}"),
    )
    yield from (line for needed, line in rows if needed)
