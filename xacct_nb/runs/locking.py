"""One run at a time changes a grant: the second run waits, and then finds what the first one made."""

from contextlib import AbstractContextManager

from xacct_nb.aws.sessions import Sessions
from xacct_nb.storage.locks import exclusive_lock


def grant_lock(sessions: Sessions) -> AbstractContextManager[None]:
    """Return a lock on the grant of the sessions against other runs of this user on this machine.

    Runs on other machines are not locked out; AWS's answers show what they changed.
    """
    grant = sessions.grant
    return exclusive_lock(
        "\n".join((sessions.endpoint.endpoint_url, *sorted(grant.source_accounts), grant.name))
    )
