"""Clients that many accounts share: each call is signed with the credentials of one account.

A client of its own for each account would cost 5 ms and a connection each.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.profile_clients import NO_PROFILE, Endpoint, core_of, make_client
from xacct_nb.aws.retries import Retries
from xacct_nb.iam.arns import REGIONS

_POOL = Config(max_pool_connections=64)


@dataclass(frozen=True)
class AccountKeys:
    """Temporary credentials for one account, and the retries of the calls that are made with them.

    `profile` is the one that got them: its configuration says the endpoints and the region.
    """

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    profile: str = ""
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
    """One client for each service and profile, for all accounts of a fleet."""

    def __init__(self, endpoint: Endpoint, partition: str) -> None:
        self.endpoint, self.partition = endpoint, partition
        self._sessions = dict[str, Session]()
        self._made, self._lock = dict[tuple[str, str], AwsClient](), threading.Lock()

    def client(self, service: str, keys: AccountKeys) -> "BoundClient":
        """Return the client of a service whose calls are signed with these keys. Any thread may call this."""
        with self._lock:
            about = service, keys.profile
            if about not in self._made:
                session = self._session(keys.profile)
                self._made[about] = make_client(session, service, self.endpoint, self.partition)
        return BoundClient(self._made[about], keys)

    def _session(self, profile: str) -> Session:
        """Return a session with the configuration of a profile, and without its credentials."""
        if profile not in self._sessions:
            shared = replace(self.endpoint, retries=_RetriesInUse())
            core = core_of(profile, shared, None if profile else NO_PROFILE, REGIONS[self.partition])
            core.register_component("credential_provider", _Resolver())
            core.set_default_client_config(core.get_default_client_config().merge(_POOL))
            self._sessions[profile] = Session(botocore_session=core)
        return self._sessions[profile]


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
