"""The profile of a grant in the text of an AWS config: written there, checked, shown, taken out."""

from collections.abc import Mapping, Sequence
from configparser import Error as ConfigError

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.profile_sections import ProfileSection, shown_settings
from xacct_nb.storage import config_text
from xacct_nb.storage.config_files import ConfigFile

# What a profile of a grant consists of; every other setting is the person's own.
_OURS = (
    "role_arn", "source_profile", "region", "endpoint_url", "duration_seconds", "role_session_name",
    "mfa_serial", "external_id",
)  # fmt: skip
# A choice of the person, which stays where the section has it.
_THEIRS = ("region",)
# With these, the SDKs do not assume the role by the source profile.
_IN_THE_WAY = (
    "credential_source", "credential_process", "web_identity_token_file", "aws_access_key_id", "sso_session",
    "sso_start_url", "sso_account_id", "login_session",
)  # fmt: skip


def with_section(content: bytes, section: ProfileSection) -> bytes:
    """Return the content with the settings of the section; a choice of the person in it stays."""
    found = config_text.find_profiles(content, section.name)
    there = found[-1].values if found else {}
    settings = {
        name: value for name, value in section.settings.items() if name not in _THEIRS or name not in there
    }
    if "duration_seconds" in there:  # AWS may refuse the one that is there
        settings["duration_seconds"] = str(section.length.seconds)
    return config_text.with_profile(content, section.name, settings, section.comments)


def check_name(config: ConfigFile, section: ProfileSection, known: Mapping[str, str]) -> None:
    """Check that no profile of this name does something else. Raises InvalidInput."""
    found = config_text.find_profiles(config.text, section.name)
    why = ""
    if len(found) > 1:
        lines = " and ".join(str(each.start + 1) for each in found)
        why = f"It is in the lines {lines}, and programs differ on which one counts."
    elif other := [name for name in _IN_THE_WAY if name in known]:
        why = f"It has {other[0]}, and would no longer use it."
    elif known.get("role_arn", section.hop.role) != section.hop.role:
        why = f"It assumes another role: {known['role_arn']}."
    if why:
        raise InvalidInput(
            f"The profile {section.name!r} exists already.",
            why=why,
            hint="Choose another name: --name NAME (in Python: name=NAME).",
        )


def check_rest(config: ConfigFile, after: bytes, sections: Sequence[ProfileSection]) -> None:
    """Check that the edited text reads as it did but for these profiles. Raises InvalidInput."""
    names = [each.name for each in sections]
    try:
        before, now = (config_text.read_settings(each) for each in (config.text, after))
    except ConfigError:
        refused = config_text.why_boto3_refuses(config.text)
        raise InvalidInput(
            f"{config.path} cannot be edited.",
            why=f"boto3 and the AWS CLI cannot read it either: {refused}.",
            hint="Correct that line first.",
        ) from None
    rest = [
        {header: values for header, values in each.items() if config_text.profile_of(header) not in names}
        for each in (before, now)
    ]
    ours = {config_text.profile_of(header): values for header, values in now.items()}
    lenient = (*_THEIRS, "duration_seconds")
    wanted = [
        (each.name, *item) for each in sections for item in each.settings.items() if item[0] not in lenient
    ]
    well = all(ours.get(name, {}).get(key) == value for name, key, value in wanted)
    if rest[0] != rest[1] or not well:
        raise InvalidInput(
            f"{config.path} cannot be edited without another profile changing its meaning.",
            why="Its lines are indented in a way that joins them to others.",
            hint="Copy the section into the file yourself: xa.cli_profile(grant).",
        )


def without_section(config: ConfigFile, content: bytes, section: ProfileSection, before: bytes) -> bytes:
    """Return the content with the section as it was before the write."""
    found, old = (config_text.find_profiles(each, section.name) for each in (content, before))
    if len(found) != 1 or found[0].values.get("role_arn") != section.hop.role:
        raise InvalidInput(
            f"{config.path} has no profile {section.name!r} of the role {section.hop.role}.",
            why="It was removed or renamed, or never written.",
            hint="Look at the file; its backups are beside it.",
        )
    if _theirs(found) != _theirs(old):
        raise InvalidInput(
            f"The profile {section.name!r} was changed by hand since it was written.",
            why="It has settings that this package did not write; they would be lost.",
            hint=f"Remove the section from {config.path} yourself.",
        )
    if old:
        return config_text.with_section_of(content, section.name, before)
    return config_text.without_profile(content, section.name, section.comments)


def _theirs(sections: Sequence[config_text.FoundSection]) -> dict[str, str]:
    return {name: value for each in sections for name, value in each.values.items() if name not in _OURS}


def settings_of(content: bytes, profile: str) -> list[dict[str, str]]:
    """Return the settings of each section of a profile."""
    return [each.values for each in config_text.find_profiles(content, profile)]


def shown_text(content: bytes, sections: Sequence[ProfileSection]) -> str:
    """Return what the profiles have of ours, external IDs as fingerprints; of the rest nothing."""
    parts = []
    for section in sections:
        for found in config_text.find_profiles(content, section.name):
            ours = {name: value for name, value in found.values.items() if name in _OURS}
            lines = [f"{name} = {value}" for name, value in shown_settings(ours).items()]
            comments = [line for line in section.comments if line in _lines_of(content)]
            parts.append("\n".join([f"[{found.header}]", *lines, *comments]))
    return "\n\n".join(parts) + "\n" if parts else ""


def _lines_of(content: bytes) -> list[str]:
    return [line.rstrip("\r\n") for line in config_text.split_lines(content)]
