"""The aliases of accounts, where the sessions may read them."""

from botocore.exceptions import BotoCoreError, ClientError

from xacct_nb.aws.sessions import Sessions
from xacct_nb.errors import XacctError


def account_alias(sessions: Sessions, account: str) -> str:
    """Return the alias of an account; "" where it has none, or none can be read: nothing depends on it."""
    try:
        aliases = sessions.admin(account, "iam").list_account_aliases().get("AccountAliases", [])
    except (ClientError, BotoCoreError, XacctError):
        return ""
    return str(aliases[0]) if aliases else ""
