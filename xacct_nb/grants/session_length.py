"""How long a session of a role really lasts, and which limit decides."""

from collections.abc import Mapping
from dataclasses import dataclass

from xacct_nb.grants.grant import Grant
from xacct_nb.validation import Serializable
from xacct_nb.views import Shown, Text, View

CHAINED_SECONDS = 3_600
"""The longest session of a role that another role's session assumed."""
_DEFAULT_SECONDS = 3_600

# Settings of a profile whose credentials are a session of a role, and those that say nothing about it.
_OF_A_ROLE = ("role_arn", "sso_session", "sso_start_url", "sso_account_id", "web_identity_token_file")
_UNCLEAR = ("credential_process", "login_session")
_MACHINES = ("Ec2InstanceMetadata", "EcsContainer")
_CHAINED = "A session of a role assumes it (role chaining), and AWS refuses more than an hour then"
_UNKNOWN = (
    "It is not known whether a session of a role assumes it. AWS refuses more than an hour then, so no more "
    "is requested"
)


@dataclass(frozen=True, repr=False)
class SessionLength(Shown, Serializable):
    """The seconds that a session lasts, what the grant allows, and why the two differ."""

    seconds: int
    granted: int
    why: str = ""

    @property
    def sentence(self) -> str:
        """Return how long a session lasts, and why not longer."""
        lasts = f"A session lasts {_duration(self.seconds)}"
        asked = f", not the {_duration(self.granted)} that the grant allows" if self.why else ""
        return f"{lasts}{asked}. {self.why}{'.' if self.why else ''}".rstrip()

    def view(self) -> View:
        """Return the sentence."""
        return Text(self.sentence, "note" if self.why else "")


def session_length(grant: Grant, is_chained: bool | None) -> SessionLength:
    """Return the length of a session that AssumeRole returns; `is_chained`: whether a role's session asks.

    Source: STS API reference, AssumeRole (DurationSeconds); IAM user guide, id_roles_manage-assume.
    """
    granted = grant.session_minutes * 60
    if granted <= CHAINED_SECONDS or is_chained is False:
        return SessionLength(granted, granted)
    return SessionLength(CHAINED_SECONDS, granted, _CHAINED if is_chained else _UNKNOWN)


def console_sentence(grant: Grant) -> str:
    """Return how long a session lasts to which the console switches.

    Source: IAM user guide, id_roles_use_switch-role-console: the role's maximum, or what is left of the
    session that the person signed in with.
    """
    longest = max(grant.session_minutes * 60, _DEFAULT_SECONDS)  # no role has a maximum below an hour
    return (
        f"The session lasts {_duration(longest)} (the role's maximum), or as long as the session that you "
        "signed in with, whichever is less."
    )


def is_role_session(settings: Mapping[str, str]) -> bool | None:
    """Return whether the credentials of a profile with these settings are a role's; None if not known."""
    if any(settings.get(name) for name in _OF_A_ROLE) or settings.get("credential_source") in _MACHINES:
        return True
    if not settings or settings.get("credential_source") or any(settings.get(name) for name in _UNCLEAR):
        return None
    # Temporary keys may be those of a role or of a user.
    return None if settings.get("aws_session_token") or not settings.get("aws_access_key_id") else False


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds // 60, 60)
    parts = ((hours, "hour"), (rest, "minute"))
    return " and ".join(f"{count} {unit}{'s' * (count != 1)}" for count, unit in parts if count)
