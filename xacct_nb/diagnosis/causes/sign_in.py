"""Finds which sign-in has ended: the profile in use says how its credentials are renewed."""

from collections.abc import Iterator

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import CATALOGUE, cause
from xacct_nb.diagnosis.cause import CERTAIN, Cause
from xacct_nb.diagnosis.snapshot import ClientSettings

_EXPIRED = ("login-session-expired", "expired-credentials")
# By the setting of a profile that says so, how its credentials are renewed.
_COMMANDS = {"login_session": "aws login", "sso_session": "aws sso login", "sso_start_url": "aws sso login"}


def sign_in_causes(case: Case) -> Iterator[Cause]:
    """Yield the sign-in to repeat where credentials have expired: `aws login`, or `aws sso login`."""
    client, text = case.snapshot.client, case.denial.text
    code = next((code for code in _EXPIRED if CATALOGUE[code].matches(text)), "")
    for name in _profiles(client) if client and code else ():
        fields = client.profiles[name] if client else {}
        how = next((command for field, command in _COMMANDS.items() if field in fields), "")
        if how:
            why = f"The profile {name} signs in with {how}, and that session has expired or was never made."
            mend = f"Sign in again: {how}. Another sign-in does not renew it."
            yield cause(code, CERTAIN, why, mend, f"{how} --profile {name}")


def _profiles(client: ClientSettings) -> Iterator[str]:
    """Yield the profile in use, and those that it takes its credentials from."""
    name, visited = client.profile or "default", set[str]()
    while name in client.profiles and name not in visited:
        yield name
        visited.add(name)
        name = client.profiles[name].get("source_profile", "")
