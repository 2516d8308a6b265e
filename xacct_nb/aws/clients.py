"""AWS clients that do not read the user's own AWS configuration."""

import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.session import Session as Core

AwsClient = Any
"""A boto3 client. boto3 makes its class at run time from AWS's models, so it has no static type."""

Clients = Callable[[str], AwsClient]
"""Returns the client of a service."""

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 3},
    proxies={},
    use_fips_endpoint=False,
    use_dualstack_endpoint=False,
    max_pool_connections=50,
)
_DIRECT = Config(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False)
_making = threading.Lock()


def connect(
    service: str,
    *,
    endpoint_url: str,
    access_key_id: str,
    secret_access_key: str,
    session_token: str | None = None,
) -> AwsClient:
    """Return a client of `service` at `endpoint_url` with these credentials only.

    The user's profiles, proxies and `AWS_*` variables are not read. Timeouts are 2 seconds to connect and 30
    to read; retries are botocore's `standard` mode. Any thread may call this.
    """
    with _making:
        return _session().client(
            service,
            endpoint_url=endpoint_url,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            aws_session_token=session_token,
            region_name="us-east-1",
            config=_CONFIG,
        )


def warm_up() -> None:
    """Load AWS's models of the services that set up a sandbox; no call is made."""
    for service in ("iam", "s3"):
        connect(service, endpoint_url="http://127.0.0.1", access_key_id="none", secret_access_key="none")


class SandboxCore(Core):  # type: ignore[misc]
    """A session of botocore whose clients reach one endpoint only, also those that assume a profile's role.

    Its settings and credentials come from its two AWS files; the environment and the machine are not asked.
    """

    def __init__(
        self, endpoint_url: str, config_file: str, credentials_file: str, *args: Any, **more: Any
    ) -> None:
        unread = {name: (config, None, *rest) for name, (config, _, *rest) in Core.SESSION_VARIABLES.items()}
        super().__init__(unread, *args, **more)
        self._endpoint_url = endpoint_url
        for name, value in (("config_file", config_file), ("credentials_file", credentials_file)):
            self.set_config_variable(name, value)
        self.set_default_client_config(_DIRECT)

    def _add_configured_endpoint_provider(self, client_name: str, config_store: Any) -> None:
        config_store.set_config_provider("endpoint_url", ConstantProvider(self._endpoint_url))
        config_store.set_config_provider("ignore_configured_endpoint_urls", ConstantProvider(False))

    def _create_credential_resolver(self) -> Any:
        resolver = super()._create_credential_resolver()
        for name in ("env", "container-role", "iam-role", "boto-config"):
            resolver.remove(name)
        return resolver


@cache
def _session() -> Session:
    # One session for the process: its loader caches the service models, so another client takes 2 ms.
    unset = (None, None, None, None)
    empty = (None, None, os.devnull, None)
    variables = {"profile": unset, "config_file": empty, "credentials_file": empty}
    return Session(botocore_session=Core(session_vars=variables))
