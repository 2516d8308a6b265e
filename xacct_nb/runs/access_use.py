"""How the access of a grant is used: a session in Python, a profile of the AWS CLI, the console's link."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from xacct_nb.aws.profile_clients import AWS_ITSELF, Endpoint
from xacct_nb.aws.sessions import Sessions
from xacct_nb.errors import XacctError
from xacct_nb.grants.access_path import chain_of_grant
from xacct_nb.grants.console_link import ConsoleAccess, console_access
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.profile_sections import cli_profile
from xacct_nb.grants.sentences import describe_arn
from xacct_nb.runs.profile_edits import ProfileEdit, profile_edit
from xacct_nb.views import Code, Page, Shown, Text, View, as_json

_OWN = "YOUR_PROFILE"


@dataclass(frozen=True, repr=False)
class AccessUse(Shown):
    """The three ways to use a role of a grant; nothing is written or called.

    `profile` is the edit of the AWS config, or `problem` why there is none; `config_file` is "" for the
    user's own.
    """

    grant: Grant
    role: str
    source_profile: str
    console: ConsoleAccess
    profile: ProfileEdit | None = field(default=None, repr=False)
    problem: str = ""
    config_file: str = ""

    def view(self) -> View:
        """Return the line of Python, the profile with the length of its sessions, and the console's link."""
        named = self.source_profile or _OWN
        code = f'session = xa.session(grant, source_profile={as_json(named)})\nsession.client("s3")'
        python = Code("In Python: a session that renews itself", code)
        title = f"How {describe_arn(self.role)} is used"
        return Page(title, (python, *self._profile_views(named), self.console.view()))

    def _profile_views(self, named: str) -> Iterator[View]:
        if self.profile is not None:
            yield self.profile.view()
        else:
            text = cli_profile(self.grant, self.role, source_profile=named)
            yield Code("A profile for ~/.aws/config", text)
        if self.problem:
            yield Text(self.problem, "note")
        file = f" --config-file {shlex.quote(self.config_file)}" if self.config_file else ""
        command = f"xacct-nb profile write -f grant.yaml --source-profile {shlex.quote(named)}{file}"
        yield Code("Write it, after a question", command)


def how_to_use(grant: Grant, sessions: Sessions | None = None, role: str = "") -> AccessUse:
    """Return how a role of the grant is used, without `role` its last one.

    With sessions, the profile is that of a caller of the grant among them, and the config file is theirs.
    """
    role = role or chain_of_grant(grant)[2]
    callers = [each for source in grant.sources for each in (sessions.callers(source) if sessions else ())]
    source_profile = callers[0].profile if callers else ""
    endpoint = sessions.endpoint if sessions else AWS_ITSELF
    edit, problem = _edit(grant, role, source_profile, endpoint) if source_profile else (None, "")
    console = console_access(grant, role)
    return AccessUse(grant, role, source_profile, console, edit, problem, endpoint.config_file)


def _edit(grant: Grant, role: str, profile: str, endpoint: Endpoint) -> tuple[ProfileEdit | None, str]:
    try:
        return profile_edit(grant, role, source_profile=profile, endpoint=endpoint), ""
    except XacctError as problem:
        return None, f"{problem.what} {problem.why}"
