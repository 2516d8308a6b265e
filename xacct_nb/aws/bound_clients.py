"""Clients that many accounts share: each call is signed with the credentials of one account.

A client of its own for each account would cost 5 ms and a connection each; so there is one for each service.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.profile_clients import NO_PROFILE, Endpoint, core_of, make_client
from xacct_nb.aws.retries import Retries

_POOL = Config(max_pool_connections=64)


@dataclass(frozen=True)
class AccountKeys:
    """Temporary credentials for one account, and the retries of the calls that are made with them."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    retries: Retries = field(repr=False, default_factory=Retries)


_in_use: ContextVar[AccountKeys] = ContextVar("account keys")


class _KeysInUse(Credentials):  # type: ignore[misc]
    """The credentials that the call in progress is signed with; outside of a call there are none."""

    def __init__(self) -> None:
        super().__init__("", "")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        keys = _in_use.get()
        return ReadOnlyCredentials(keys.access_key, keys.secret_key, keys.token)


class _Resolver:
    """Gives a session of botocore these credentials and no others."""

    def load_credentials(self) -> Credentials:
        return _KeysInUse()


class _RetriesInUse(Retries):
    """Lets the retries of the account decide whose call is in progress."""

    def _needs_retry(self, **about: Any) -> float | None:
        return _in_use.get().retries._needs_retry(**about)


class SharedClients:
    """One client for each service, for all accounts of a fleet."""

    def __init__(self, endpoint: Endpoint, partition: str) -> None:
        self.endpoint, self.partition = endpoint, partition
        shared = Endpoint(
            endpoint.config_file,
            endpoint.credentials_file,
            endpoint.endpoint_url,
            _RetriesInUse(),
            endpoint.clock,
        )
        core = core_of("", shared, NO_PROFILE)
        core.register_component("credential_provider", _Resolver())
        core.set_default_client_config(core.get_default_client_config().merge(_POOL))
        self._session = Session(botocore_session=core)
        self._made, self._lock = dict[str, AwsClient](), threading.Lock()

    def client(self, service: str, keys: AccountKeys) -> "BoundClient":
        """Return the client of a service whose calls are signed with these keys. Any thread may call this."""
        with self._lock:
            if service not in self._made:
                self._made[service] = make_client(self._session, service, self.endpoint, self.partition)
        return BoundClient(self._made[service], keys)


class BoundClient:
    """A client of boto3 as far as operations, `get_paginator`, `meta` and `exceptions` go."""

    def __init__(self, client: AwsClient, keys: AccountKeys) -> None:
        self._client, self._keys = client, keys

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._bound(found) if name in self._client.meta.method_to_api_mapping else found

    def get_paginator(self, operation: str) -> "_BoundPaginator":
        """Return the paginator of an operation, whose pages are requested with the keys."""
        return _BoundPaginator(self._client.get_paginator(operation), self._keys)

    def _bound(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            with _signed_with(self._keys):
                return method(**parameters)

        return call


class _BoundPaginator:
    def __init__(self, paginator: Any, keys: AccountKeys) -> None:
        self._paginator, self._keys = paginator, keys

    def paginate(self, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """Yield the pages."""
        pages = iter(self._paginator.paginate(**parameters))
        while True:
            with _signed_with(self._keys):
                page = next(pages, None)
            if page is None:
                return
            yield page


@contextmanager
def _signed_with(keys: AccountKeys) -> Iterator[None]:
    token = _in_use.set(keys)
    try:
        yield
    finally:
        _in_use.reset(token)
