"""The sandbox has the faults that are set, and unmodified clients meet them."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.loaders import Loader

from support.boto3_clients import client, policy
from xacct_nb.errors import InvalidFault
from xacct_nb.runs.sandboxes import throw_away_sandbox
from xacct_nb.sandbox.faults.faults import KINDS, Fault, Faults, faults_from
from xacct_nb.sandbox.faults.operations import IAM, STS
from xacct_nb.sandbox.faults.statistics import FaultCounter, misbehaviour_from
from xacct_nb.sandbox.http.local_access import TOKEN_HEADER
from xacct_nb.sandbox.http.s3_names import S3_OPERATIONS, s3_operation
from xacct_nb.sandbox.server import server
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import behave, misbehave, misbehaving, misbehaviour
from xacct_nb.sandbox.server.state import Sandbox

Ask = Callable[..., Any]
EC2 = policy("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})


@pytest.fixture(autouse=True)
def well_behaved_after(sandbox: Sandbox) -> Iterator[None]:
    yield
    behave(sandbox)


@pytest.fixture
def ask(world: World) -> Ask:
    """A client of one who may do anything in the destination account."""
    return partial(client, world)


class TestAFault:
    def test_it_strikes_every_call_by_default(self) -> None:
        counter = FaultCounter(Faults((Fault("throttling"),)))
        struck = [bool(counter.strike("iam", name)) for name in ("CreateRole", "GetRole")]

        assert struck == [True, True]

    @pytest.mark.parametrize(
        ("pattern", "service", "action", "fits"),
        [
            ("*", "s3", "GetObject", True),
            ("CreateRole", "iam", "CreateRole", True),
            ("createrole", "iam", "CreateRole", True),
            ("iam:*", "iam", "GetRole", True),
            ("iam:*", "sts", "AssumeRole", False),
            ("Assume*", "sts", "AssumeRole", True),
            ("s3:Get*", "s3", "GetObject", True),
            ("s3:Get*", "s3", "PutObject", False),
        ],
    )
    def test_its_operations_are_names_or_patterns(
        self, pattern: str, service: str, action: str, fits: bool
    ) -> None:
        assert Fault("throttling", (pattern,)).is_for(service, action) is fits

    def test_the_first_calls_may_pass(self) -> None:
        assert struck_of(Fault("error-500", after=2), 4) == [False, False, True, True]

    def test_a_count_ends_it(self) -> None:
        assert struck_of(Fault("error-500", count=2, after=1), 5) == [False, True, True, False, False]

    def test_a_share_strikes_about_that_part(self) -> None:
        struck = struck_of(Fault("throttling", share=0.3), 1000)

        assert 250 < sum(struck) < 350

    def test_the_same_seed_strikes_the_same_calls(self) -> None:
        one, same, other = (struck_of(Fault("throttling", share=0.5), 50, seed) for seed in (7, 7, 8))

        assert one == same
        assert one != other

    def test_two_faults_do_not_strike_in_step(self) -> None:
        half = Fault("latency", share=0.5, seconds=1)
        counter = FaultCounter(Faults((half, half)))
        struck = [len(counter.strike("iam", "GetRole")) for _ in range(50)]

        assert 1 in struck

    def test_a_call_that_is_kept_from_aws_meets_no_other(self) -> None:
        late, refused = Fault("latency", seconds=1), Fault("throttling", count=1)
        counter = FaultCounter(Faults((late, refused, Fault("error-500"))))

        assert counter.strike("iam", "GetRole") == (late, refused)
        assert counter.strike("iam", "GetRole") == (late, Fault("error-500"))
        assert (counter.counts().met, counter.counts().struck) == ((2, 2, 1), (2, 1, 1))

    def test_concurrent_modification_meets_only_what_can_have_it(self) -> None:
        fault = Fault("concurrent-modification")

        assert fault.is_for("iam", "CreateRole")
        assert not fault.is_for("iam", "PutRolePolicy")
        assert not fault.is_for("sts", "AssumeRole")

    def test_concurrent_modification_is_what_awss_own_model_says(self) -> None:
        model = Loader().load_service_model("iam", "service-2")["operations"]
        having = {
            f"iam:{name}"
            for name, operation in model.items()
            if "ConcurrentModificationException" in [error["shape"] for error in operation.get("errors", ())]
        }

        assert KINDS["concurrent-modification"].only == having & {f"iam:{name}" for name in IAM}

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"kind": "gremlins"}, "There is no fault 'gremlins'.\nThe kinds: throttling, error-500"),
            (
                {"kind": "throttling", "operations": ("CreateRol",)},
                "'CreateRol'.\n.*\nDid you mean CreateRole",
            ),
            ({"kind": "throttling", "operations": ()}, "names no operation"),
            ({"kind": "throttling", "operations": ("ec2:*",)}, "No operation has the name 'ec2:\\*'"),
            ({"kind": "throttling", "share": 1.5}, "The share is 1.5.\n.*\nGive a number from 0 to 1."),
            ({"kind": "throttling", "share": float("nan")}, "The share is nan"),
            ({"kind": "throttling", "share": "0.3"}, "The share is '0.3'"),
            ({"kind": "throttling", "count": 0}, "The count is 0"),
            ({"kind": "throttling", "after": -1}, "`after` is -1"),
            (
                {"kind": "throttling", "seconds": 3},
                "throttling has seconds.\nOnly latency and propagation last.",
            ),
            ({"kind": "latency"}, "latency has no seconds"),
            ({"kind": "latency", "seconds": 601}, "at most 600"),
            (
                {"kind": "concurrent-modification", "operations": ("PutRolePolicy",)},
                "concurrent-modification never affects PutRolePolicy",
            ),
            (
                {"kind": "propagation", "operations": ("GetRole",), "seconds": 1},
                "propagation never affects GetRole",
            ),
        ],
    )
    def test_an_invalid_one_has_what_why_and_the_fix(self, fields: dict[str, Any], words: str) -> None:
        with pytest.raises(InvalidFault, match=words) as caught:
            Fault(**fields)

        assert caught.value.why
        assert caught.value.hint

    def test_faults_go_to_json_and_back(self) -> None:
        faults = Faults((Fault("latency", ("iam:*",), 0.5, 3, 1, 2.5), Fault("cut-after")), seed=7)
        counted = FaultCounter(faults).counts()

        assert faults_from(json.loads(json.dumps(faults.to_json()))) == faults
        assert misbehaviour_from(json.loads(json.dumps(counted.to_json()))) == counted

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ([], r"\[\] is not a fault"),
            ({"fault": []}, "no field 'fault'"),
            ({"faults": "throttling"}, "'throttling' is not a list"),
            ({"faults": [{"kind": "throttling", "on": "*"}]}, "no field 'on'"),
            ({"faults": [{"kind": "throttling", "operations": "CreateRole"}]}, "'CreateRole' is not a list"),
            ({"faults": [{}]}, "There is no fault ''"),
            ({"seed": "7"}, "The seed is '7'"),
        ],
    )
    def test_json_that_is_no_fault_is_refused(self, fields: Any, words: str) -> None:
        with pytest.raises(InvalidFault, match=words):
            faults_from(fields)

    def test_what_goes_wrong_is_a_table(self) -> None:
        fault = Fault("propagation", ("iam:*",), share=0.5, count=3, after=1, seconds=10)
        shown = str(FaultCounter(Faults((fault,), seed=7)).counts())

        assert "The sandbox misbehaves (seed 7)" in shown
        assert "delays the effect of a change: 10 s" in shown
        assert "50% of the calls after the first 1, 3 at most" in shown

    def test_its_names_are_those_of_ministack_and_of_the_calls(self) -> None:
        from ministack.services import iam

        said = [s3_operation("GET", path, {}, {}) for path in ("/", "/bucket", "/bucket/key")]

        assert set(IAM) == {*iam._IAM_HANDLERS, "SetDefaultPolicyVersion"}  # which the sandbox adds
        assert set(said) <= set(S3_OPERATIONS)
        assert "AssumeRole" in STS


class TestClientsMeetIt:
    @pytest.mark.parametrize(
        ("kind", "service", "status", "code"),
        [
            ("throttling", "iam", 400, "Throttling"),
            ("throttling", "sts", 400, "Throttling"),
            ("throttling", "s3", 503, "SlowDown"),
            ("throttling", "cloudtrail", 400, "ThrottlingException"),
            ("error-500", "iam", 500, "ServiceFailure"),
            ("error-500", "sts", 500, "InternalFailure"),
            ("error-500", "s3", 500, "InternalError"),
            ("error-503", "iam", 503, "ServiceUnavailable"),
            ("error-503", "s3", 503, "ServiceUnavailable"),
        ],
    )
    def test_an_error_is_the_services_own(
        self, sandbox: Sandbox, ask: Ask, kind: str, service: str, status: int, code: str
    ) -> None:
        misbehave(sandbox, Fault(kind))

        with pytest.raises(ClientError) as caught:
            READS[service](ask(service))
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert caught.value.response["ResponseMetadata"]["RequestId"]

    def test_concurrent_modification_has_iams_code_and_message(self, sandbox: Sandbox, ask: Ask) -> None:
        misbehave(sandbox, Fault("concurrent-modification", ("CreateRole",)))
        iam = ask("iam")

        with pytest.raises(iam.exceptions.ConcurrentModificationException, match="Wait a few minutes"):
            iam.create_role(RoleName="reader", AssumeRolePolicyDocument=EC2)

    @pytest.mark.parametrize(
        ("kind", "service"),
        [
            ("throttling", "iam"),
            ("throttling", "s3"),
            ("error-500", "sts"),
            ("error-503", "iam"),
            ("cut-before", "s3"),
            ("cut-after", "sts"),
        ],
    )
    def test_a_client_that_retries_gets_through(
        self, sandbox: Sandbox, ask: Ask, kind: str, service: str
    ) -> None:
        misbehave(sandbox, Fault(kind, count=1))
        answer = READS[service](ask(service, attempts=3))

        assert answer["ResponseMetadata"]["RetryAttempts"] == 1
        assert misbehaviour(sandbox).struck == (1,)

    @pytest.mark.parametrize(("kind", "made"), [("cut-before", False), ("cut-after", True)])
    def test_a_closed_connection_leaves_no_response(
        self, sandbox: Sandbox, ask: Ask, kind: str, made: bool
    ) -> None:
        iam = ask("iam")
        with misbehaving(sandbox, Fault(kind, ("CreateRole",))), pytest.raises(ConnectionClosedError):
            iam.create_role(RoleName="reader", AssumeRolePolicyDocument=EC2)
        names = [role["RoleName"] for role in iam.list_roles()["Roles"]]

        assert ("reader" in names) is made

    def test_a_connection_closed_while_an_object_is_sent_leaves_none(
        self, sandbox: Sandbox, ask: Ask, world: World
    ) -> None:
        s3 = ask("s3")
        with misbehaving(sandbox, Fault("cut-before", ("PutObject",))), pytest.raises(ConnectionClosedError):
            s3.put_object(Bucket=world.bucket, Key="large", Body=b"x" * 300_000)

        assert "large" not in [each["Key"] for each in s3.list_objects_v2(Bucket=world.bucket)["Contents"]]

    def test_latency_is_added(self, sandbox: Sandbox, ask: Ask) -> None:
        misbehave(sandbox, Fault("latency", ("ListRoles",), seconds=0.3))
        ask("iam").list_roles()
        misbehave(sandbox, Fault("latency", ("ListRoles",), seconds=60))

        with pytest.raises(ReadTimeoutError):
            ask("iam", read_timeout=0.3).list_roles()

    def test_other_operations_are_not_affected(self, sandbox: Sandbox, ask: Ask) -> None:
        misbehave(sandbox, Fault("throttling", ("CreateRole",)))
        ask("iam").list_roles()

        assert misbehaviour(sandbox).met == (0,)

    def test_the_same_seed_and_calls_meet_the_same_faults(self, sandbox: Sandbox, ask: Ask) -> None:
        iam = ask("iam")
        runs = []
        for _ in range(2):
            misbehave(sandbox, Fault("throttling", ("ListRoles",), share=0.5), seed=7)
            runs.append([fails(iam.list_roles) for _ in range(20)])

        assert runs[0] == runs[1]
        assert set(runs[0]) == {True, False}


class TestDemands:
    def test_it_shows_what_is_set_and_counts(self, sandbox: Sandbox, ask: Ask) -> None:
        fault = Fault("throttling", ("GetUser", "ListRoles"), after=1)
        misbehave(sandbox, fault)
        iam = ask("iam")
        failed = [fails(iam.list_roles) for _ in range(3)]
        found = misbehaviour(sandbox)

        assert failed == [False, True, True]
        assert (found.faults.faults, found.met, found.struck) == ((fault,), (3,), (2,))

    def test_behaving_again_ends_all(self, sandbox: Sandbox, ask: Ask) -> None:
        misbehave(sandbox, Fault("throttling"))
        shown = str(behave(sandbox))
        ask("iam").list_roles()

        assert shown == "The sandbox behaves: no fault is set."

    def test_a_block_of_faults_ends_with_an_error_too(self, sandbox: Sandbox) -> None:
        with pytest.raises(KeyError), misbehaving(sandbox, Fault("throttling")):
            raise KeyError

        assert misbehaviour(sandbox).faults == Faults()

    def test_a_reset_ends_them(self) -> None:
        with throw_away_sandbox() as own:
            misbehave(own, Fault("propagation", seconds=600))
            server.reset(own.folder)

            assert misbehaviour(own).faults == Faults()

    @pytest.mark.parametrize("body", [b"{", b'{"faults": [{"kind": "gremlins"}]}'])
    def test_an_invalid_fault_is_refused_with_what_why_and_hint(self, sandbox: Sandbox, body: bytes) -> None:
        headers = {TOKEN_HEADER: sandbox.token}
        request = urllib.request.Request(f"{sandbox.endpoint}/_xacct/faults", body, headers, method="PUT")

        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        assert caught.value.code == 400
        assert json.load(caught.value).keys() == {"code", "what", "why", "hint"}

    def test_a_web_page_can_set_none(self, sandbox: Sandbox) -> None:
        headers = {"Origin": "https://page.example", TOKEN_HEADER: sandbox.token}
        body = json.dumps(Faults((Fault("throttling"),)).to_json()).encode()
        request = urllib.request.Request(f"{sandbox.endpoint}/_xacct/faults", body, headers, method="PUT")

        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request)
        assert misbehaviour(sandbox).faults == Faults()


READS: dict[str, Callable[[Any], Any]] = {
    "iam": lambda iam: iam.list_roles(),
    "sts": lambda sts: sts.get_caller_identity(),
    "s3": lambda s3: s3.list_buckets(),
    "cloudtrail": lambda cloudtrail: cloudtrail.lookup_events(),
}


def struck_of(fault: Fault, calls: int, seed: int = 0) -> list[bool]:
    """Which of so many calls the fault strikes."""
    counter = FaultCounter(Faults((fault,), seed))
    return [bool(counter.strike("iam", "CreateRole")) for _ in range(calls)]


def fails(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError:
        return True
    return False
