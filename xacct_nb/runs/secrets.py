"""Keeps the secrets that a process gets to know out of what its run writes, and out of its runner's files."""

import json
import os

from xacct_nb.grants.grant import Grant, external_id
from xacct_nb.redaction.patterns import credentials_in
from xacct_nb.storage.evidence import Evidence


def protect_secrets(evidence: Evidence, headless: bool) -> None:
    """From now on what this process's AWS clients know is kept from the evidence, and told to the runner."""
    from xacct_nb.aws.credential_capture import capture_credentials

    evidence.secrets |= environment_secrets()
    capture_credentials(evidence.secrets.update)
    if headless:
        forward_secrets()


def forward_secrets() -> None:
    """A kernel's runner hears of every secret that the kernel's AWS clients get to know."""
    from xacct_nb.aws.credential_capture import capture_credentials
    from xacct_nb.jupyter.secret_channel import send_secrets

    capture_credentials(send_secrets)


def grant_secrets(grant: Grant) -> set[str]:
    """The external ID of a resolved grant; one that is also a name or an account in it is no secret."""
    found = external_id(grant)
    return {found} if found and found not in json.dumps(grant.to_json()) else set()


def environment_secrets() -> set[str]:
    """The credentials among the environment's variables."""
    return credentials_in(os.environ)
