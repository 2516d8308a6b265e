"""Requests to a running sandbox: its faults, organizations, quotas and clock, and which sessions end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from xacct_nb.errors import InvalidFault, SandboxError
from xacct_nb.sandbox.faults.faults import Fault, Faults
from xacct_nb.sandbox.faults.statistics import Misbehaviour, misbehaviour_from
from xacct_nb.sandbox.server.connection import send
from xacct_nb.sandbox.server.state import Sandbox


def misbehave(sandbox: Sandbox, *faults: Fault, seed: int = 0) -> Misbehaviour:
    """Set these faults for the calls of every client, and end those set before; without any, end all.

    Counts begin at 0. Raises InvalidFault, SandboxError.
    """
    return _faults(sandbox, "PUT", Faults(faults, seed).to_json())


def misbehaviour(sandbox: Sandbox) -> Misbehaviour:
    """Return the faults that are set, with the counts of calls that matched and failed."""
    return _faults(sandbox, "GET")


def behave(sandbox: Sandbox) -> Misbehaviour:
    """End all faults; every delayed change of IAM takes effect. Raises SandboxError."""
    return _faults(sandbox, "DELETE")


@contextmanager
def misbehaving(sandbox: Sandbox, *faults: Fault, seed: int = 0) -> Iterator[None]:
    """Set these faults within the block; after it there are none. Raises InvalidFault, SandboxError."""
    misbehave(sandbox, *faults, seed=seed)
    try:
        yield
    finally:
        behave(sandbox)


def set_organization(sandbox: Sandbox, identifier: str, accounts: dict[str, str], **more: Any) -> None:
    """Put accounts into an organization: account -> path such as `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`.

    `service_control_policies` and `resource_control_policies` map accounts to lists of policies, one a level,
    root first; those of the account `management` have no effect. What AWS Organizations answers to that
    account, and to `delegated_administrators`, can have `names` and `tags` (of accounts and units), `states`
    (of accounts) and `units` (paths of units without accounts). Raises SandboxError for an id that is not one
    of an organization, or a policy that AWS refuses.
    """
    _control(sandbox, "organization", {"id": identifier, "accounts": accounts, **more})


def raise_quotas(sandbox: Sandbox, account: str, **quotas: int) -> None:
    """Raise quotas of an account, by the names in AWS's errors.

    These are ACLSizePerRole, PoliciesPerRole and PoliciesPerUser. Raises SandboxError for a quota that AWS
    would not grant.
    """
    _control(sandbox, "quotas", {account: quotas})


def expire_session(sandbox: Sandbox, access_key_id: str) -> None:
    """End a session now, as if its time were over. Raises SandboxError if there is no such session."""
    _control(sandbox, "expired", {"key": access_key_id})


def set_clock(sandbox: Sandbox, seconds: float) -> None:
    """Let the sandbox's clock be so many seconds ahead of this machine's; 0 is this machine's time again.

    By it the sandbox decides, issues and ends sessions, checks signatures and MFA codes, and dates its
    responses. Raises SandboxError for more than ten years.
    """
    _control(sandbox, "clock", {"seconds": seconds})


def web_identity_token(sandbox: Sandbox, issuer: str, seconds: int = 300, **claims: Any) -> str:
    """Return a token (JWT) of an OpenID Connect issuer such as `https://token.actions.githubusercontent.com`.

    `sub` and `aud` are claims that AWS requires. Raises SandboxError.
    """
    value = {"issuer": issuer, "claims": claims, "seconds": seconds}
    return str(_control(sandbox, "token", value)["token"])


def saml_assertion(sandbox: Sandbox, issuer: str, subject: str, attributes: dict[str, list[str]]) -> str:
    """Return a SAML response in Base64; the attributes have AWS's names without their common beginning.

    `Role` has values `ROLE_ARN,PROVIDER_ARN`; `RoleSessionName` is required too. Raises SandboxError.
    """
    value = {"issuer": issuer, "subject": subject, "attributes": attributes}
    return str(_control(sandbox, "assertion", value)["assertion"])


def _faults(sandbox: Sandbox, method: str, value: Any = None) -> Misbehaviour:
    try:
        return misbehaviour_from(send(sandbox.endpoint, sandbox.token, "/_xacct/faults", method, value))
    except HTTPError as error:
        refusal = json.load(error)
        raise InvalidFault(refusal["what"], why=refusal["why"], hint=refusal["hint"]) from error
    except (OSError, HTTPException) as error:
        raise _unreachable(error) from error


def _control(sandbox: Sandbox, name: str, value: Any) -> Any:
    try:
        return send(sandbox.endpoint, sandbox.token, f"/_xacct/{name}", "PUT", value)
    except HTTPError as error:
        why = json.load(error)["message"]
        hint = "Correct the value, then set it again."
        raise SandboxError("The sandbox refuses this setting.", why=why, hint=hint) from error
    except (OSError, HTTPException) as error:
        raise _unreachable(error) from error


def _unreachable(error: Exception) -> SandboxError:
    return SandboxError(
        "The sandbox does not respond.", why=str(error), hint="Start it again with: xacct-nb sandbox up"
    )
