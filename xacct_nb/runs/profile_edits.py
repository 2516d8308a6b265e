"""An edit of the user's AWS config: the profile of a grant, shown as a difference, written, taken back."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.aws.profile_clients import AWS_ITSELF, Endpoint
from xacct_nb.errors import MissingProfile
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.profile_sections import ProfileSection, profile_sections
from xacct_nb.grants.session_length import is_role_session
from xacct_nb.storage import config_text
from xacct_nb.storage.aws_profiles import read_client
from xacct_nb.storage.config_files import ConfigFile, read_config, replace_config, restore_config
from xacct_nb.storage.profile_text import (
    check_name,
    check_rest,
    settings_of,
    shown_text,
    with_section,
    without_section,
)
from xacct_nb.views import Diff, Page, Shown, Text, View


@dataclass(frozen=True, repr=False)
class ProfileEdit(Shown):
    """The config file as it is and as it would be; nothing is written before `write` is called."""

    sections: tuple[ProfileSection, ...]
    config: ConfigFile = field(repr=False)
    after: bytes = field(repr=False)
    backup: Path | None = None
    done: str = ""

    @property
    def name(self) -> str:
        """The name of the profile to use."""
        return self.sections[-1].name

    @property
    def is_needed(self) -> bool:
        """Whether the file would change."""
        return self.after != self.config.text

    def write(self) -> "ProfileEdit":
        """Write the file after a backup of the old one, if anything differs; return the edit as it was done.

        Raises StalePlan where the file was changed since, InvalidInput where it cannot be written.
        """
        if self.done or not self.is_needed:
            return self
        return replace(self, backup=replace_config(self.config, self.after, utc()), done="written")

    def undo(self) -> "ProfileEdit":
        """Put the file back as it was before `write`. Raises StalePlan where it was changed since."""
        if self.done != "written":
            return self
        written = replace(self.config, content=self.after)
        restore_config(written, self.config.text, self.backup)
        return replace(self, config=written, after=self.config.text, done="undone", backup=None)

    def to_json(self) -> dict[str, Any]:
        """Return what would change, or what was done; an external ID as its fingerprint."""
        return {
            "file": str(self.config.path),
            "profiles": [
                {"name": each.name, "seconds": each.length.seconds, "why": each.length.why}
                for each in self.sections
            ],
            "changed": self.is_needed,
            "done": self.done,
            "backup": str(self.backup or ""),
        }

    def view(self) -> View:
        """Return how long the sessions last, what would change, and what to know; of a write, where it is."""
        lengths = [Text(f"{each.name}: {each.length.sentence}", "note") for each in self.sections]
        before, after = (shown_text(each, self.sections) for each in (self.config.text, self.after))
        file, notes = str(self.config.path), (Text(each, "note") for each in self._notes())
        same = Text(f"{file} has this profile as it should be.", "good")
        diff = same if before == after else Diff(file, before, after)
        parts = () if self.done == "written" else (*lengths, diff)
        return Page(f"Profile {self.name}", (*parts, *notes))

    def _notes(self) -> list[str]:
        refused = config_text.why_boto3_refuses(self.after)
        has_id = any("external_id" in each.settings for each in self.sections)
        use = f"Test it: aws sts get-caller-identity --profile {self.name}"
        backup = f"The old file is {self.backup}." if self.backup else ""
        rows = (
            (refused, f"boto3 and the AWS CLI cannot read this file: {refused}. Mend that line, too."),
            (
                has_id and self.config.is_open_to_others,
                f"Other users of this machine can read the external ID there: chmod 600 {self.config.path}",
            ),
            (self.done == "written", f"Written to {self.config.path}. {backup} {use}".replace("  ", " ")),
            (self.done == "undone", "Taken back."),
        )
        return [text for holds, text in rows if holds]


def profile_edit(
    grant: Grant,
    role: str = "",
    *,
    source_profile: str,
    through: Sequence[Grant] = (),
    name: str = "",
    region: str = "",
    mfa_serial: str = "",
    with_external_ids: bool = False,
    config_file: str = "",
    endpoint: Endpoint = AWS_ITSELF,
) -> ProfileEdit:
    """Return the edit that gives the AWS config a profile for the role; nothing is written yet.

    There is one section for each hop. Settings of the person's own, comments and all other lines stay to the
    byte. External IDs are written only if `with_external_ids`, and only those that were given by reference.
    Raises InvalidGrant, InvalidParameters, MissingProfile, and InvalidInput where a profile of this name does
    something else or the file cannot be edited safely.
    """
    config = read_config(config_file or endpoint.config_file)
    client = read_client(source_profile, str(config.path), endpoint.credentials_file)
    known = client.profiles
    if source_profile not in known:
        unread = "; ".join(f"{file} cannot be read: {why}" for file, why in client.unreadable.items())
        raise MissingProfile(
            f"The AWS config has no profile {source_profile!r}.",
            why=f"{unread}." if unread else "The new profile takes its credentials from there.",
            hint="Correct the name, or add it: aws configure --profile NAME.",
        )
    sections = profile_sections(
        grant,
        role,
        through=through,
        name=name,
        source_profile=source_profile,
        region=region,
        mfa_serial=mfa_serial,
        endpoint_url=endpoint.endpoint_url or known[source_profile].get("endpoint_url", ""),
        is_chained=is_role_session(known[source_profile]),
        with_external_ids=with_external_ids,
    )
    after = config.text
    for section in sections:
        check_name(config, section, known.get(section.name, {}))
        after = with_section(after, section)
    check_rest(config, after, sections)
    return ProfileEdit(sections, config, after)


def undo_edit(
    grant: Grant, role: str = "", *, through: Sequence[Grant] = (), name: str = "", config_file: str = ""
) -> ProfileEdit:
    """Take the newest write of the grant's profile back, and return what was done.

    The file becomes what the backup has, byte for byte; where others changed it since, only the profile's
    sections do. Raises InvalidInput where there is no such profile, or where it was changed by hand.
    """
    config = read_config(config_file)
    sections = profile_sections(grant, role, through=through, name=name, source_profile="default")
    backup, before = _backup_of(config, sections)
    content = config.text
    for section in reversed(sections):
        content = without_section(config, content, section, before)
    if backup is not None and content.strip() == before.strip():
        content = before
    restore_config(config, content, backup)
    return ProfileEdit(sections, config, content, done="undone")


def _backup_of(config: ConfigFile, sections: Sequence[ProfileSection]) -> tuple[Path | None, bytes]:
    """Return the newest backup in which a section differs from today's, and its content."""
    for path in config.backups:
        content = read_config(str(path)).content or b""
        pairs = ((settings_of(each, one.name) for each in (content, config.text)) for one in sections)
        if any(old != now for old, now in pairs):
            return path, content
    return None, b""
