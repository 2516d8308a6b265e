"""The secrets of a run's process, kept out of the evidence and sent to the runner."""

import json
import os

from xacct_nb.grants.grant import Grant, external_id
from xacct_nb.redaction.patterns import credentials_in
from xacct_nb.storage.evidence import Evidence


def protect_secrets(evidence: Evidence, headless: bool) -> None:
    """Keep the secrets of this process's AWS clients out of the evidence, and send them to a runner."""
    from xacct_nb.aws.credential_capture import capture_credentials

    evidence.secrets |= credentials_in(os.environ)
    capture_credentials(evidence.secrets.update)
    if headless:
        forward_secrets()


def forward_secrets() -> None:
    """Send every secret that this kernel's AWS clients use or receive to the runner."""
    from xacct_nb.aws.credential_capture import capture_credentials
    from xacct_nb.jupyter.runner_channel import send_secrets

    capture_credentials(send_secrets)


def grant_secrets(grant: Grant) -> set[str]:
    """Return the external ID of a resolved grant, unless it is also a name or an account in the grant."""
    found = external_id(grant)
    return {found} if found and found not in json.dumps(grant.to_json()) else set()
