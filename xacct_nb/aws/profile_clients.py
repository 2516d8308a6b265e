"""The clients of a profile: its files, its endpoint, its retries, and AWS's models, which all share."""

import os
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.hooks import HierarchicalEmitter
from botocore.loaders import Loader
from botocore.session import Session as Core

from xacct_nb.aws.answering_hosts import note_answer
from xacct_nb.aws.clients import AwsClient, Clients, SandboxCore
from xacct_nb.aws.clock import AwsClock
from xacct_nb.aws.retries import Retries
from xacct_nb.aws.sign_in import bound, check_credentials
from xacct_nb.iam.arns import REGIONS

# Retries decides about every further attempt, also of the clients with which botocore gets credentials.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=30,
    user_agent_extra="xacct-nb",
)
# A run can do without Access Analyzer.
_SHORT_TIMEOUTS = Config(connect_timeout=3, read_timeout=10)
# CloudTrail has the events of IAM in one region of the partition.
_OF_ONE_REGION = ("cloudtrail",)
# AWS Organizations allows few calls a second: in this mode all threads of a client slow down when throttled.
_ADAPTIVE = Config(retries={"mode": "adaptive", "total_max_attempts": 1})
# A session with given credentials needs no profile, so AWS_PROFILE is not read.
NO_PROFILE = {"profile": (None, None, None, None)}
_NO_FILES = NO_PROFILE | dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))


@dataclass(frozen=True)
class Endpoint:
    """The AWS files and the endpoint to use: the user's own files and AWS, or the sandbox's.

    With it go the retries of its clients, and the clock that their responses show.
    """

    config_file: str = ""
    credentials_file: str = ""
    endpoint_url: str = ""
    retries: Retries = field(default_factory=Retries, repr=False, compare=False)
    clock: AwsClock = field(default_factory=AwsClock, repr=False, compare=False)


AWS_ITSELF = Endpoint()


def warm_up() -> None:
    """Load AWS's models of the services that every run uses; no call is made."""
    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    # An AWS config that cannot be read, an endpoint that is no URL: a run that needs it will say so.
    with suppress(BotoCoreError, ValueError):
        session = session_of("", AWS_ITSELF, _NO_FILES)
        for service in ("sts", "iam", "s3"):
            make_client(session, service, AWS_ITSELF, "aws", **keys)


class _Models(Loader):  # type: ignore[misc]
    """AWS's models; lists the services by the names of their folders, without looking into each folder."""

    def list_available_services(self, type_name: str) -> list[str]:
        return sorted({folder.name for path in self.search_paths for folder in Path(path).glob("*/")})


_MODELS = _Models()


@cache
def _handlers() -> HierarchicalEmitter:
    from xacct_nb.aws import credential_capture  # noqa: F401  it adds its handlers to botocore's own

    handlers = HierarchicalEmitter()
    Core(NO_PROFILE, handlers)
    handlers.register("after-call", note_answer)
    return handlers


def session_of(profile: str, endpoint: Endpoint, variables: Any = None, region: str = "") -> Session:
    """Return a session of a profile; `region` is the one where the profile has none.

    The clients with which botocore gets credentials use it too.
    """
    return Session(botocore_session=core_of(profile, endpoint, variables, region))


def core_of(profile: str, endpoint: Endpoint, variables: Any = None, region: str = "") -> Core:
    """Return botocore's part of `session_of`, of which boto3 can make one session only."""
    # All sessions share one loader and one set of handlers: registering the handlers takes 5 ms.
    more: Any = {"include_builtin_handlers": False, "profile": profile or None}
    if endpoint.endpoint_url:
        files = endpoint.config_file, endpoint.credentials_file
        core = SandboxCore(endpoint.endpoint_url, *files, copy(_handlers()), **more)
    else:
        core = Core(variables, copy(_handlers()), **more)
        if variables is None:  # it takes its credentials from the profile
            bound(core)
    core.register_component("data_loader", _MODELS)
    if region and core.get_config_variable("region") is None:
        core.set_config_variable("region", region)
    config = core.get_default_client_config()
    core.set_default_client_config(config.merge(_CONFIG) if config else _CONFIG)
    endpoint.retries.follow(core)
    endpoint.clock.follow(core)
    return core


def clients_of(profile: str, endpoint: Endpoint, partition: str) -> Clients:
    """Return what makes the profile's clients, from one session: a profile signs in once.

    Making the first one raises ProfileNotFound, NoCredentials, BotoCoreError.
    """

    @cache
    def session() -> Session:
        opened = session_of(profile, endpoint, region=REGIONS[partition])
        check_credentials(profile, opened.get_credentials())
        return opened

    return lambda service: make_client(session(), service, endpoint, partition)


def make_client(session: Session, service: str, endpoint: Endpoint, partition: str, **keys: str) -> AwsClient:
    region = REGIONS[partition] if service in _OF_ONE_REGION else session.region_name or REGIONS[partition]
    config, url = _CONFIG, endpoint.endpoint_url or None
    if service == "accessanalyzer":
        config = config.merge(_SHORT_TIMEOUTS)
    if service == "organizations":
        config = config.merge(_ADAPTIVE)
    return session.client(service, region_name=region, endpoint_url=url, config=config, **keys)
