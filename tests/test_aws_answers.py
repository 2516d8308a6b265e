"""What AWS itself can be asked about a denial: its record, its simulator without a kind of policy."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from support.denial_stage import Stage
from support.examples import endpoint_of, root_iam
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.sessions import open_sessions
from xacct_nb.aws.simulator import simulate
from xacct_nb.aws.snapshot_reader import take_snapshot
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.causes import aws_answers
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import (
    AuthorizationRecord,
    Destination,
    MatchedPolicy,
    Principal,
    Snapshot,
    Source,
)
from xacct_nb.runs.denial import inquiry
from xacct_nb.sandbox.server import client
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox
ID = "example1a2b3c4d5e6f7g8h9i0j"
ALICE, ROLE = "arn:aws:iam::111111111111:user/alice", "arn:aws:iam::222222222222:role/reader"
SESSION = "arn:aws:sts::222222222222:assumed-role/reader/me"
TEXT = (
    f"User: {SESSION} is not authorized to perform: s3:GetObject on resource: "
    '"arn:aws:s3:::reports/x" with an explicit deny in a resource control policy. Go to '
    f"https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/{ID} for "
    "complete details, or call the GetRequestAuthorizationDetails API with the following authorization id: "
    f"{ID}"
)
SCP = "arn:aws:organizations::333333333333:policy/o-abcdefghij/service_control_policy/p-0123"


def statement(effect: str, action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    fields = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [fields]}


EVERYTHING, NO_ASSUME = statement("Allow", "*"), statement("Deny", "sts:AssumeRole")


class TestTheSimulator:
    @pytest.fixture
    def stage(self, world: World, sandbox: Sandbox) -> Stage:
        return Stage(world, sandbox=sandbox)

    def deny(self, stage: Stage, kind: str, sandbox: Sandbox, world: World) -> None:
        iam = root_iam(world, world.source)
        text = json.dumps(NO_ASSUME)
        if kind == "scp":
            path = "o-abcdefghij/r-abcd/ou-abcd-11111111/"
            levels = {world.source: [[EVERYTHING], [EVERYTHING, NO_ASSUME]]}
            wanted = {
                "id": "o-abcdefghij",
                "accounts": {world.source: path},
                "service_control_policies": levels,
            }
            client.send(sandbox.endpoint, sandbox.token, "/_xacct/organization", "PUT", wanted)
        elif kind == "inline":
            iam.put_user_policy(UserName="alice", PolicyName="stop", PolicyDocument=text)
        else:
            arn = iam.create_policy(PolicyName="stop", PolicyDocument=text)["Policy"]["Arn"]
            if kind == "user-managed":
                iam.attach_user_policy(UserName="alice", PolicyArn=arn)
            else:
                iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=arn)

    @pytest.mark.parametrize("kind", ["scp", "permission-boundary", "inline", "user-managed"])
    def test_the_kind_without_which_it_allows_is_the_culprit(
        self, stage: Stage, sandbox: Sandbox, world: World, kind: str
    ) -> None:
        self.deny(stage, kind, sandbox, world)
        iam = root_iam(world, world.source)
        found, why = simulate(
            iam.simulate_principal_policy, stage.alice, "sts:AssumeRole", stage.role, unread=True
        )

        assert (found["denied_by"], why) == (kind, "")
        assert found["simulated"] in ("explicitDeny", "implicitDeny")

    def test_what_is_allowed_is_asked_once(self, stage: Stage, world: World) -> None:
        asked: list[dict[str, Any]] = []

        def ask(**wanted: Any) -> Any:
            asked.append(wanted)
            return root_iam(world, world.source).simulate_principal_policy(**wanted)

        found, _ = simulate(ask, stage.alice, "sts:AssumeRole", stage.role, unread=True)

        assert (found["simulated"], len(asked)) == ("allowed", 1)

    def test_what_no_kind_explains_has_no_culprit(self, stage: Stage, world: World) -> None:
        iam = root_iam(world, world.source)
        found, _ = simulate(
            iam.simulate_principal_policy,
            f"arn:aws:iam::{world.source}:user/admin", "sts:AssumeRole", "arn:aws:iam::444444444444:role/x",
            unread=False,
        )  # fmt: skip
        nobody = root_iam(world, world.source)
        nobody.create_user(UserName="nobody")
        arn = f"arn:aws:iam::{world.source}:user/nobody"
        none, _ = simulate(iam.simulate_principal_policy, arn, "sts:AssumeRole", stage.role, unread=True)

        assert found["simulated"] == "allowed"
        assert (none["simulated"], none["denied_by"]) == ("implicitDeny", "")

    def test_a_key_that_it_does_not_know_makes_it_unsure(self, stage: Stage, world: World) -> None:
        iam = root_iam(world, world.source)
        text = json.dumps(
            statement("Deny", "*", Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}})
        )
        iam.put_user_policy(UserName="alice", PolicyName="stop", PolicyDocument=text)
        found, _ = simulate(
            iam.simulate_principal_policy, stage.alice, "sts:AssumeRole", stage.role, unread=True
        )

        assert (found["denied_by"], found["missing_keys"]) == ("inline", ("aws:RequestedRegion",))

    def test_the_diagnosis_names_the_organization_without_a_right_to_read_it(
        self, stage: Stage, sandbox: Sandbox, world: World
    ) -> None:
        self.deny(stage, "scp", sandbox, world)
        sessions = open_sessions(
            source_profiles=["source-admin"], caller_profiles=["alice"], endpoint=endpoint_of(world)
        )
        found = inquiry.diagnose(sessions=sessions, caller=stage.alice, role=stage.role)

        assert (found.causes[0].code, found.causes[0].confidence) == ("service-control-policy", "certain")

    def test_a_session_without_the_right_says_that_it_was_skipped(self, stage: Stage, world: World) -> None:
        iam = root_iam(world, world.source)
        text = json.dumps(statement("Deny", "iam:SimulatePrincipalPolicy"))
        iam.put_user_policy(UserName="admin", PolicyName="stop", PolicyDocument=text)
        stage.trust(stage.mallory)
        sessions = open_sessions(source_profiles=["source-admin"], endpoint=endpoint_of(world))
        found = inquiry.diagnose(
            sessions=sessions, error=stage.try_it().denial.text, caller=stage.alice, role=stage.role
        )
        (skipped,) = [each for each in found.unknowns if each.what == aws_answers.SIMULATOR]

        assert skipped.why == "The session needs iam:SimulatePrincipalPolicy."


RECORD = {
    "requestContext": {"aws:RequestedRegion": "us-east-1"},
    "evaluations": [
        {"action": "s3:GetObject", "resource": "arn:aws:s3:::reports/x", "evaluatedEffect": "EXPLICIT_DENY",
         "matchedPolicies": [
             {"uri": SCP, "matchedStatements": [{"sid": "Perimeter", "evaluatedEffect": "DENY"}]},
             {"uri": "arn:aws:iam::222222222222:policy/p",
              "matchedStatements": [{"sid": "Read", "evaluatedEffect": "ALLOW"}]},
         ]}
    ],
    "policies": [
        {"type": "SERVICE_CONTROL_POLICY", "inline": False, "uri": SCP,
         "attachedTo": [{"arn": "arn:aws:organizations::333333333333:ou/o-abcdefghij/ou-1"}]},
        {"type": "IDENTITY_BASED_POLICY", "inline": False, "uri": "arn:aws:iam::222222222222:policy/p",
         "attachedTo": [{"arn": ROLE}]},
    ],
}  # fmt: skip


class TestTheRecord:
    @pytest.fixture
    def toolbox(self) -> Iterator[ThreadingHTTPServer]:
        """A server that answers as IAM Toolbox and STS do; `answers` has what the former answers."""

        class Toolbox(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(*self.server.answers)  # type: ignore[attr-defined]

            def do_POST(self) -> None:
                arn = (
                    SESSION
                    if b"GetCallerIdentity" in self.rfile.read(int(self.headers["Content-Length"]))
                    else ""
                )
                names = {"Arn": arn, "UserId": "AROA:me", "Account": "222222222222"}
                fields = "".join(f"<{name}>{value}</{name}>" for name, value in names.items())
                answer = f"<GetCallerIdentityResult>{fields}</GetCallerIdentityResult>"
                self._send(200, f"<GetCallerIdentityResponse>{answer}</GetCallerIdentityResponse>")

            def _send(self, status: int, body: str, code: str = "") -> None:
                self.send_response(status)
                if code:
                    self.send_header("x-amzn-ErrorType", code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Toolbox)
        server.answers = (200, json.dumps(RECORD))  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
        server.server_close()

    def snapshot(self, world: World, server: ThreadingHTTPServer, identifier: str = ID) -> Snapshot:
        from xacct_nb.aws.diagnosis_sessions import AccountSession, DiagnosisSessions
        from xacct_nb.aws.profile_clients import clients_of

        url = f"http://127.0.0.1:{server.server_port}"
        endpoint = endpoint_of(world).__class__(str(world.config_file), str(world.credentials_file), url)
        session = AccountSession(clients_of("alice", endpoint, "aws"), "alice")
        attempt = Attempt(role=ROLE, action="s3:GetObject", resource="arn:aws:s3:::reports/x")
        return take_snapshot(attempt, DiagnosisSessions(caller=session, endpoint=endpoint), identifier)

    def test_it_is_read_and_names_the_statement(self, world: World, toolbox: ThreadingHTTPServer) -> None:
        found = self.snapshot(world, toolbox)

        assert found.authorization == AuthorizationRecord(
            id=ID,
            matched=(
                MatchedPolicy(
                    type="SERVICE_CONTROL_POLICY", uri=SCP, sids=("Perimeter",), action="s3:GetObject",
                    attached_to=("arn:aws:organizations::333333333333:ou/o-abcdefghij/ou-1",),
                ),
            ),
            denied=("EXPLICIT_DENY: s3:GetObject on arn:aws:s3:::reports/x",),
        )  # fmt: skip
        assert Snapshot.from_json(found.to_json()).authorization == found.authorization

    @pytest.mark.parametrize(
        ("status", "code", "why"),
        [
            (403, "AccessDeniedException", "needs iam:GetRequestAuthorizationDetails"),
            (404, "ResourceNotFoundException", "AWS has no such record"),
            (400, "ValidationException", "does not accept the id"),
        ],
    )
    def test_where_it_cannot_be_read_the_reason_is_kept(
        self, world: World, toolbox: ThreadingHTTPServer, status: int, code: str, why: str
    ) -> None:
        toolbox.answers = (status, '{"message": "no"}', code)  # type: ignore[attr-defined]
        found = self.snapshot(world, toolbox)

        assert found.authorization is None
        assert why in found.skipped[aws_answers.RECORD]

    def test_without_an_id_nothing_is_looked_up(self, world: World, toolbox: ThreadingHTTPServer) -> None:
        found = self.snapshot(world, toolbox, "")

        assert (found.authorization, found.skipped.get(aws_answers.RECORD)) == (None, None)
        assert not [call for call in found.calls if call.startswith("iam-toolbox")]

    def test_the_sandbox_has_no_such_service_and_the_diagnosis_goes_on(self, world: World) -> None:
        sessions = open_sessions(caller_profiles=["alice"], endpoint=endpoint_of(world))
        found = inquiry.diagnose(sessions=sessions, error=TEXT, role=ROLE)
        (skipped,) = [each for each in found.unknowns if each.what == f"{aws_answers.RECORD} ({ID})"]

        assert skipped.why


def explained(snapshot: Snapshot, text: str = TEXT) -> Diagnosis:
    return diagnose(snapshot, denial=read_denial(text))


def test_the_id_of_a_denial_is_kept_and_its_look_up_is_proposed() -> None:
    found = explained(Snapshot())
    (unknown,) = [each for each in found.unknowns if each.what == f"{aws_answers.RECORD} ({ID})"]

    assert found.denial.authorization_id == ID
    assert unknown.command.endswith(f"--authorization-id {ID}")
    assert ID in str(found)


@pytest.mark.parametrize(
    ("kind", "code", "side"),
    [
        ("SERVICE_CONTROL_POLICY", "service-control-policy", "organization"),
        ("RESOURCE_CONTROL_POLICY", "resource-control-policy", "organization"),
        ("IDENTITY_BASED_POLICY", "role-deny", "destination"),
        ("PERMISSIONS_BOUNDARY", "role-boundary", "destination"),
        ("SESSION_POLICY", "session-policy", "client"),
        ("RESOURCE_BASED_POLICY", "resource-policy", "destination"),
        ("VPC_ENDPOINT_POLICY", "vpc-endpoint-policy", "source"),
    ],
)
def test_awss_record_is_a_certain_cause_with_policy_and_statement(kind: str, code: str, side: str) -> None:
    matched = MatchedPolicy(type=kind, uri=SCP, sids=("Perimeter",), action="s3:GetObject")
    found = explained(Snapshot(authorization=AuthorizationRecord(id=ID, matched=(matched,))))
    (cause,) = [each for each in found.causes if each.code == code]

    assert (cause.confidence, cause.side) == ("certain", side)
    assert f"the statement Perimeter of {SCP}" in cause.why


def test_a_simulation_with_missing_keys_is_likely_at_most() -> None:
    bare = f"User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    side = Source(
        principal=Principal(arn=ALICE), policies=(), simulated="explicitDeny", denied_by="scp",
        missing_keys=("aws:RequestedRegion",),
    )  # fmt: skip
    found = explained(Snapshot(source=side), bare)
    (cause,) = [each for each in found.causes if each.code == "service-control-policy"]

    assert cause.confidence == "likely"
    assert "aws:RequestedRegion" in cause.why


@pytest.mark.parametrize(
    ("role", "code"),
    [
        ({"template": "arn:aws:iam::aws:role-template/Reader"}, "role-of-role-manager"),
        ({}, "account-access-role"),
    ],
    ids=["role manager", "account access manager"],
)
def test_who_else_decides_about_a_role_is_named(role: dict[str, str], code: str) -> None:
    service = "ec2" if role else "account-access"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    bare = f"User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    side = Destination(role=Principal(arn=ROLE, trust=trust, **role))
    found = explained(Snapshot(destination=side), bare)
    (cause,) = [each for each in found.causes if each.code == code]

    assert cause.confidence == "possible"
    assert found.causes[0].code != code


def test_a_sign_in_that_a_policy_denies_is_known() -> None:
    text = f"User: {ALICE} is not authorized to perform: signin:Authenticate on resource: *"

    assert "sign-in-policy" in [each.code for each in explained(Snapshot(), text).causes]
