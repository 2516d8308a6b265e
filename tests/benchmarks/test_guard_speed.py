"""What the guard adds to MiniStack's own time, both measured turn by turn in one run: `make bench`.

The best of many short rounds is compared: what else the machine does can only make a round longer.
"""

import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

sys.path.append(str(Path(__file__).parents[1]))
from support.bare_ministack import GUARDED, ministack
from support.questions import Room

ROUNDS, CALLS = 40, 50
TRUST = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::{source}:user/alice"},
    "Action": "sts:AssumeRole",
}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
MAY = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


class Client:
    """Sends calls that were signed beforehand, so that nearly all of the time is the server's."""

    def __init__(self, room: Room) -> None:
        self.room, self.made = room, 0
        self.place = urlsplit(room.sandbox.endpoint).netloc
        self.connection = HTTPConnection(self.place)
        room.do({"source": "CreateUser", "UserName": "alice"})
        room.do({"source": "CreateAccessKey", "UserName": "alice", "as": "alice"})
        room.do({"source": "PutUserPolicy", "UserName": "alice", "PolicyName": "may", "PolicyDocument": MAY})
        room.do({"destination": "CreateRole", "RoleName": "reader", "AssumeRolePolicyDocument": TRUST})
        room.do({"destination": "CreateUser", "UserName": "admin"})
        room.do({"destination": "CreateAccessKey", "UserName": "admin", "as": "admin"})
        all_of_it = {"PolicyName": "all", "PolicyDocument": EVERYTHING}
        room.do({"destination": "PutUserPolicy", "UserName": "admin", **all_of_it})

    def roles(self) -> list[AWSRequest]:
        """CreateRole, with a name that is new each time.

        A user calls: MiniStack itself checks no signature and no policy of the root user.
        """
        trust = self.room.filled("AssumeRolePolicyDocument", TRUST)
        self.made += CALLS
        return [
            self._signed(
                "admin", "iam", Action="CreateRole", RoleName=f"r{n}", AssumeRolePolicyDocument=trust
            )
            for n in range(self.made - CALLS, self.made)
        ]

    def sessions(self) -> list[AWSRequest]:
        """AssumeRole across accounts."""
        role = self.room.filled("", "arn:aws:iam::{destination}:role/reader")
        call = self._signed("alice", "sts", Action="AssumeRole", RoleArn=role, RoleSessionName="bench")
        return [call] * CALLS

    def seconds(self, calls: list[AWSRequest]) -> float:
        began = time.perf_counter()
        for call in calls:
            self.connection.request("POST", "/", call.body, dict(call.headers))
            answer = self.connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
        return time.perf_counter() - began

    def _signed(self, who: str, service: str, **parameters: str) -> AWSRequest:
        versions = {"iam": "2010-05-08", "sts": "2011-06-15"}
        body = urlencode({"Version": versions[service], **parameters})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        request = AWSRequest("POST", f"http://{self.place}/", headers=kind, data=body)
        SigV4Auth(Credentials(*self.room.keys[who]), service, "us-east-1").add_auth(request)
        return request


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Client, Client]]:
    with ministack(GUARDED) as guarded, ministack() as bare:
        yield Client(Room(guarded)), Client(Room(bare))


@pytest.mark.parametrize("calls", [Client.roles, Client.sessions], ids=["CreateRole", "AssumeRole"])
def test_the_guard_adds_at_most_15_percent(
    clients: tuple[Client, Client], calls: Callable[[Client], list[AWSRequest]]
) -> None:
    pairs = [tuple(client.seconds(calls(client)) for client in clients) for _ in range(ROUNDS + 1)][1:]
    ours, theirs = (min(times) for times in zip(*pairs, strict=True))
    told = f"{CALLS / ours:.0f} and {CALLS / theirs:.0f} calls a second, best of {ROUNDS}"
    print(f"\nguarded / bare, {calls.__name__}: {ours / theirs:.3f} ({told}; to reach: 1.15)")

    assert ours / theirs <= 1.15


def test_a_thousand_roles_and_sessions_do_not_slow_it_down(clients: tuple[Client, Client]) -> None:
    client = Client(Room(clients[0].room.sandbox))
    rounds = [client.seconds(client.roles()) + client.seconds(client.sessions()) for _ in range(28)]
    early, late = min(rounds[:8]), min(rounds[-8:])
    print(f"\nafter 1,000 roles and 1,000 sessions / at first: {late / early:.2f} (to reach: 1.25)")

    assert late / early <= 1.25
