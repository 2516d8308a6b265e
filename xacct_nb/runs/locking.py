"""Runs that change the same grant take turns: who comes second finds what the first has made."""

from contextlib import AbstractContextManager
from typing import Any

from xacct_nb.storage.locks import exclusive_lock


def grant_lock(sessions: Any) -> AbstractContextManager[None]:
    """Within this block no other run of this user on this machine changes the grant of the sessions.

    Runs on other machines are not kept out; of them AWS's own answers tell.
    """
    grant = sessions.grant
    return exclusive_lock(
        "\n".join((sessions.endpoint.endpoint_url, *sorted(grant.source_accounts), grant.name))
    )
