"""The same access for many accounts by bare boto3: the calls that it takes, and nothing around them."""

import json
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from boto3.session import Session

from support.fleet_world import LISTS_USERS, FleetWorld
from xacct_nb.sandbox.server.accounts import known_keys
from xacct_nb.sandbox.server.member_accounts import ACCESS_ROLE

ROLE = "bare-reader"


class BareFleet:
    """Makes and proves the role in each account, with a client for each account as boto3 makes them."""

    def __init__(self, members: FleetWorld) -> None:
        self.members, self._session, self._lock = members, Session(), threading.Lock()
        keys = known_keys(members.world.credentials_file)
        self.hub = self._client("sts", *keys["destination-admin"])
        self.alice = self._client("sts", *keys["alice"])
        self.source = self._client("iam", *keys["source-admin"])

    def run(self, accounts: Iterable[str], threads: int) -> int:
        """Return in how many accounts the access was made and proven."""
        everywhere = f"arn:aws:iam::*:role/{ROLE}"
        self.source.put_user_policy(
            UserName="alice",
            PolicyName="bare",
            PolicyDocument=_document(Action="sts:AssumeRole", Resource=everywhere),
        )
        with ThreadPoolExecutor(threads) as pool:
            return len(list(pool.map(self._one, accounts)))

    def _one(self, account: str) -> None:
        iam = self._with("iam", self.hub, f"arn:aws:iam::{account}:role/{ACCESS_ROLE}")
        with suppress(iam.exceptions.NoSuchEntityException):
            iam.get_role(RoleName=ROLE)
        trust = _document(Action="sts:AssumeRole", Principal={"AWS": self.members.alice})
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust, Tags=[{"Key": "a", "Value": "b"}])
        may = _document(Action=LISTS_USERS["actions"], Resource=LISTS_USERS["resources"])
        iam.put_role_policy(RoleName=ROLE, PolicyName="may", PolicyDocument=may)
        role = f"arn:aws:iam::{account}:role/{ROLE}"
        self._with("sts", self.alice, role).get_caller_identity()

    def _with(self, service: str, sts: Any, role: str) -> Any:
        credentials = sts.assume_role(RoleArn=role, RoleSessionName="bare")["Credentials"]
        return self._client(
            service, credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
        )

    def _client(self, service: str, key: str, secret: str, token: str | None = None) -> Any:
        with self._lock:  # boto3 makes clients in one thread at a time
            return self._session.client(
                service,
                endpoint_url=self.members.world.endpoint,
                region_name="us-east-1",
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
            )


def _document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
