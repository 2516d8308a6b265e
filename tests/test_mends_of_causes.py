"""The mend of a cause: what its commands write, whom it lets in, and what the evaluation says of it."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.written_mends import options_of
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import (
    CallerIdentity,
    Destination,
    Principal,
    Snapshot,
    SnapshotPolicy,
    Source,
)

ACCOUNT, ROLE = "arn:aws:iam::111111111111", "arn:aws:iam::222222222222:role/reader"
ALICE, BOB, CAROL = f"{ACCOUNT}:user/alice", f"{ACCOUNT}:user/bob", f"{ACCOUNT}:user/carol"
ASSUME = {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"}
NAMED = {"RoleSessionName": "desk"}
Statement = dict[str, Any]


def document(*statements: Statement) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def policy(name: str, *statements: Statement, **fields: Any) -> SnapshotPolicy:
    return SnapshotPolicy(**{"name": name, "holder": ALICE, "document": document(*statements), **fields})


def managed(name: str, *statements: Statement, **fields: Any) -> SnapshotPolicy:
    return policy(name, *statements, kind="managed", arn=f"{ACCOUNT}:policy/{name}", **fields)


ALLOWED = policy("any-role", {"Effect": "Allow", "Action": "sts:*", "Resource": "*"})


def found(
    *trust: Statement,
    policies: Any = (ALLOWED,),
    parameters: Any = None,
    devices: Any = None,
    **principal: Any,
) -> Diagnosis:
    """Return the diagnosis of Alice's request, with both sides read."""
    alice = Principal(arn=ALICE, id="AIDAALICEALICEALICE00", **principal)
    seen = Snapshot(
        taken="2026-11-24T10:15:00Z",
        caller=CallerIdentity(arn=ALICE, user_id=alice.id),
        source=Source(principal=alice, policies=tuple(policies), mfa_devices=devices),
        destination=Destination(role=Principal(arn=ROLE, trust=document(*trust))),
    )
    return diagnose(seen, attempt=Attempt(caller=ALICE, role=ROLE, parameters=parameters or NAMED))


def first(*trust: Statement, **seen: Any) -> Cause:
    return found(*trust, **seen).causes[0]


def options(cause: Cause, number: int = -1) -> dict[str, str]:
    return options_of(shlex.split(cause.commands[number]))


def written(cause: Cause, number: int = -1) -> list[Statement]:
    """Return the statements of the policy that a command writes."""
    statements: list[Statement] = json.loads(options(cause, number)["policy-document"])["Statement"]
    return statements


def under(**condition: Any) -> Statement:
    return {**ASSUME, "Condition": condition}


class TestWhatIsAppended:
    def test_a_list_of_resources_with_another_account_of_the_same_role_keeps_it(self) -> None:
        other = "arn:aws:iam::333333333333:role/reader"
        named = policy("assume", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": [other]})
        cause = first(ASSUME, policies=[named])

        assert written(cause)[0]["Resource"] == [other, ROLE]
        assert (cause.works, cause.lets_in) == (True, ("user/alice",))

    def test_a_policy_that_others_have_stays_as_it_is(self) -> None:
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE.replace("r/", "R/")}
        near = {**statement, "Resource": ROLE.replace("reader", "Reader")}
        cause = first(ASSUME, policies=[policy("team", near, holder=f"{ACCOUNT}:group/team")])

        assert options(cause)["user-name"] == "alice"
        assert [each["Resource"] for each in written(cause)] == [ROLE]

    def test_a_list_of_principals_in_a_condition_keeps_its_others(self) -> None:
        everybody = {**ASSUME, "Principal": {"AWS": "111111111111"}}
        cause = first({**everybody, "Condition": {"ArnLike": {"aws:PrincipalArn": [BOB, CAROL]}}})

        assert written(cause)[0]["Condition"] == {"ArnLike": {"aws:PrincipalArn": [BOB, CAROL, ALICE]}}
        assert cause.lets_in == ("user/alice",)

    def test_a_condition_on_the_presence_of_a_key_gets_no_principal(self) -> None:
        cause = first(under(Null={"aws:PrincipalArn": "true"}))

        assert written(cause) == [under(Null={"aws:PrincipalArn": "true"}), ASSUME]

    def test_an_external_id_that_is_a_number_is_a_variable_in_quotes(self) -> None:
        cause = first({**under(StringEquals={"sts:ExternalId": 1234567}), "Principal": {"AWS": BOB}})

        assert written(cause)[0]["Condition"] == {"StringEquals": {"sts:ExternalId": "${EXTERNAL_ID:?}"}}

    def test_a_condition_of_an_identity_provider_is_not_copied(self) -> None:
        provider = {
            "Federated": "arn:aws:iam::222222222222:oidc-provider/token.actions.githubusercontent.com"
        }
        builds = {
            "Effect": "Allow",
            "Principal": provider,
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:example/books"}},
        }
        cause = first(builds)

        assert written(cause) == [builds, ASSUME]
        assert cause.works is True

    def test_a_condition_that_others_have_is_copied_where_the_caller_can_meet_it(self) -> None:
        guarded = {
            **under(StringEquals={"sts:ExternalId": "partner-7", "aws:PrincipalTag/team": "red"}),
            "Principal": {"AWS": BOB},
        }
        cause = first(guarded, parameters={**NAMED, "ExternalId": "partner-7"})

        assert written(cause)[1]["Condition"] == {"StringEquals": {"sts:ExternalId": "${EXTERNAL_ID:?}"}}

    @pytest.mark.parametrize("key", ["accounts.google.com:aud", "saml:aud", "aws:SourceArn"])
    def test_a_condition_that_no_user_or_role_meets_is_left_out(self, key: str) -> None:
        theirs = {**under(StringEquals={key: "x", "sts:ExternalId": "p-7"}), "Principal": {"AWS": BOB}}
        cause = first(theirs, parameters={**NAMED, "ExternalId": "p-7"})

        assert written(cause)[1]["Condition"] == {"StringEquals": {"sts:ExternalId": "${EXTERNAL_ID:?}"}}
        assert cause.works is True

    def test_the_id_of_a_deleted_principal_is_left_out_because_aws_refuses_it(self) -> None:
        gone = {**ASSUME, "Principal": {"AWS": ["AIDAZZZZZZZZZZZZZZZZZ", BOB]}}
        cause = first(gone)

        assert written(cause)[0]["Principal"] == {"AWS": [BOB, ALICE]}
        assert "AIDAZZZZZZZZZZZZZZZZZ is left out" in cause.mend

    def test_a_statement_of_a_deleted_principal_alone_is_left_out(self) -> None:
        gone = {**ASSUME, "Action": "sts:*", "Principal": {"AWS": "AIDAZZZZZZZZZZZZZZZZZ"}}
        bobs = {**ASSUME, "Principal": {"AWS": BOB}}
        cause = first(gone, bobs)

        assert written(cause) == [bobs, ASSUME]
        assert (cause.works, cause.takes_from) == (True, ())

    @pytest.mark.parametrize(
        ("taken", "name"), [("other", "assume-reader"), ("Assume-Reader", "assume-reader-2")]
    )
    def test_a_new_policy_has_a_name_that_is_free(self, taken: str, name: str) -> None:
        other = policy(taken, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
        cause = first(ASSUME, policies=[other])

        assert options(cause)["policy-name"] == name

    def test_a_full_managed_policy_loses_its_oldest_version_and_the_mend_says_which(self) -> None:
        denies = managed("guard", {"Effect": "Deny", "Action": "*", "Resource": "*"}, full_of="v2")
        cause = first(ASSUME, policies=[ALLOWED, denies])

        assert options(cause, 0) == {"policy-arn": denies.arn, "version-id": "v2", "profile": "SOURCE_ADMIN"}
        assert "v2, the oldest that is not the default one, is deleted first" in cause.mend

    def test_a_newer_version_that_lacks_something_does_not_become_the_default_one(self) -> None:
        newer = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
        old = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        cause = first(ASSUME, policies=[managed("work", old, newer=newer, newer_version="v2")])

        assert cause.code == "old-policy-version"
        assert shlex.split(cause.commands[0])[2] == "put-user-policy"

    def test_a_tag_that_the_caller_has_is_not_overwritten(self) -> None:
        wants = {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}
        wants |= {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}}
        cause = first(ASSUME, policies=[policy("own", wants)], tags={"Team": "blue"})

        assert [shlex.split(each)[2] for each in cause.commands] == ["put-user-policy"]
        assert "Condition" not in written(cause)[0]


class TestDenies:
    def test_every_deny_of_the_trust_policy_exempts_the_caller_and_none_is_removed(self) -> None:
        all_of_sts = {"Sid": "Nobody", "Effect": "Deny", "Principal": "*", "Action": "sts:*"}
        not_alice = {**ASSUME, "Effect": "Deny"}
        cause = first(ASSUME, all_of_sts, not_alice)
        exempt = {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": ALICE}}}

        assert written(cause) == [ASSUME, all_of_sts | exempt, not_alice | exempt]
        assert (cause.works, cause.lets_in, cause.takes_from) == (True, ("user/alice",), ())

    def test_the_list_of_exceptions_of_a_deny_gets_one_more(self) -> None:
        deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}
        ours = {"Condition": {"StringNotEquals": {"aws:PrincipalArn": [BOB]}}}
        cause = first(ASSUME, deny | ours)

        assert written(cause)[1]["Condition"] == {"StringNotEquals": {"aws:PrincipalArn": [BOB, ALICE]}}

    def test_a_deny_in_a_policy_of_a_group_is_lifted_for_this_role_and_this_caller(self) -> None:
        deny = {"Sid": "NoRoles", "Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}
        cause = first(ASSUME, policies=[ALLOWED, policy("no", deny, holder=f"{ACCOUNT}:group/team")])
        _, for_alice = written(cause)

        assert options(cause)["group-name"] == "team"
        assert (for_alice["NotResource"], for_alice["Sid"]) == (ROLE, "NoRoles2")
        assert cause.lets_in == ("user/alice",)

    def test_a_deny_that_cannot_leave_out_one_resource_says_that_it_opens_more(self) -> None:
        deny = {"Effect": "Deny", "Action": "sts:*", "Resource": "arn:aws:iam::*:role/*"}
        cause = first(ASSUME, policies=[ALLOWED, policy("no", deny)])

        assert "no longer applies to the caller at all" in cause.mend
        assert cause.lets_in == ("user/alice, to more than this request",)

    def test_a_deny_of_the_callers_own_leaves_out_one_role(self) -> None:
        deny = {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}
        cause = first(ASSUME, policies=[ALLOWED, policy("no", deny)])

        assert written(cause) == [{"Effect": "Deny", "Action": "sts:*", "NotResource": ROLE}]
        assert f"It goes on to apply to everything but {ROLE}." in cause.mend

    def test_a_deny_that_aws_owns_has_no_command(self) -> None:
        deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
        fixed = policy("AWSDenyAll", deny, kind="managed", arn="arn:aws:iam::aws:policy/AWSDenyAll")
        cause = first(ASSUME, policies=[ALLOWED, fixed])

        assert cause.commands == ()
        assert "ask who attached it" in cause.mend

    def test_a_deny_on_a_parameter_is_passed_by_another_value(self) -> None:
        deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}
        cause = first(ASSUME, deny | {"Condition": {"StringLike": {"sts:RoleSessionName": "de*"}}})

        assert options(cause)["role-session-name"] == "alice"
        assert (cause.works, cause.lets_in) == (True, ())

    def test_a_boundary_that_others_have_allows_the_role_to_this_caller_only(self) -> None:
        bound = managed("bound", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
        cause = first(ASSUME, boundary=bound)

        assert written(cause)[1]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": ALICE}}
        assert cause.lets_in == ("user/alice",)


class TestParameters:
    CASES = (
        (
            {"StringNotLike": {"sts:RoleSessionName": ["de*", "alice*", "my-*"]}},
            "role-session-name",
            "session",
        ),
        ({"StringEquals": {"sts:RoleSessionName": "${aws:username}"}}, "role-session-name", "alice"),
        ({"StringLike": {"sts:RoleSessionName": "team-?-*"}}, "role-session-name", "team-x-"),
        ({"StringLike": {"sts:SourceIdentity": "*"}}, "source-identity", "alice"),
        ({"NumericLessThan": {"sts:DurationSeconds": "1800"}}, "duration-seconds", "1799"),
    )

    @pytest.mark.parametrize(("condition", "option", "value"), CASES)
    def test_a_value_passes_the_condition(self, condition: Any, option: str, value: str) -> None:
        tried = {**NAMED, "DurationSeconds": 3600} if option == "duration-seconds" else NAMED
        cause = first({**under(**condition), "Action": "sts:*"}, parameters=tried)

        assert options(cause)[option] == value
        assert cause.works is True

    def test_an_external_id_is_never_made_up(self) -> None:
        cause = first(under(Null={"sts:ExternalId": "false"}))

        assert cause.commands == ()
        assert "cannot be chosen here" in cause.mend

    def test_where_no_value_passes_the_mend_says_so(self) -> None:
        cause = first(under(StringEquals={"sts:RoleSessionName": "with a space"}))

        assert cause.commands == ()
        assert "cannot be chosen here" in cause.mend

    def test_a_serial_number_that_was_not_read_is_called_a_guess(self) -> None:
        causes = found(under(Bool={"aws:MultiFactorAuthPresent": "true"})).causes
        cause = next(each for each in causes if each.code == "mfa-required")

        assert "is a guess" in cause.mend
        assert cause.works is None

    @pytest.mark.parametrize(
        ("devices", "said"),
        [((), "IAM lists none"), ((f"{ACCOUNT}:u2f/user/alice/key",), "security keys only")],
    )
    def test_without_a_device_that_shows_codes_no_command_is_printed(self, devices: Any, said: str) -> None:
        causes = found(under(Bool={"aws:MultiFactorAuthPresent": "true"}), devices=devices).causes
        cause = next(each for each in causes if each.code == "mfa-required")

        assert said in cause.mend
        assert cause.commands == ()

    def test_the_device_that_iam_lists_is_named(self) -> None:
        devices = (f"{ACCOUNT}:u2f/user/alice/key", f"{ACCOUNT}:mfa/phone-of-alice")
        causes = found(under(Bool={"aws:MultiFactorAuthPresent": "true"}), devices=devices).causes
        cause = next(each for each in causes if each.code == "mfa-required")

        assert options(cause)["serial-number"] == f"{ACCOUNT}:mfa/phone-of-alice"
        assert (options(cause)["token-code"], cause.works) == ("${MFA_CODE:?}", True)

    def test_tags_that_the_shorthand_of_the_cli_would_split_are_json(self) -> None:
        asked = {**under(StringEquals={"aws:RequestTag/team": "a b=c"}), "Action": "sts:*"}
        cause = first(asked, parameters={**NAMED, "Tags": [{"Key": "level", "Value": "3"}]})

        assert json.loads(options(cause)["tags"]) == [
            {"Key": "level", "Value": "3"},
            {"Key": "team", "Value": "a b=c"},
        ]


class TestSeveralMends:
    def test_each_names_the_next_obstacle_and_together_they_work(self) -> None:
        diagnosis = found({**ASSUME, "Principal": {"AWS": BOB}}, policies=())
        source, trust = diagnosis.causes

        assert (source.works, trust.works) == (False, False)
        assert "other-principal-trusted (destination)" in source.obstacle
        assert "no-identity-allow (source)" in trust.obstacle
        assert diagnosis.together.endswith("the request is allowed, as far as what was read decides it.")

    def test_two_parameters_are_passed_by_one_request(self) -> None:
        diagnosis = found(under(StringEquals={"sts:ExternalId": "p-7", "sts:RoleSessionName": "alice"}))
        last = options(diagnosis.causes[1])

        assert (last["role-session-name"], last["external-id"]) == ("alice", "${EXTERNAL_ID:?}")
        assert diagnosis.causes[1].works is True

    def test_what_a_mend_does_is_in_text_html_and_json(self) -> None:
        diagnosis = found({**ASSUME, "Principal": {"AWS": BOB}})
        (cause,) = diagnosis.causes

        assert "It lets in user/alice, and nobody else. Nobody loses access." in " ".join(
            str(diagnosis).split()
        )
        assert "nobody else" in diagnosis._repr_html_()
        assert Diagnosis.from_json(diagnosis.to_json()).causes[0] == cause
        assert (cause.works, cause.lets_in) == (True, ("user/alice",))


class TestWhatAwsOwns:
    def test_the_trust_policy_of_a_service_linked_role_has_no_command(self) -> None:
        role = (
            "arn:aws:iam::222222222222:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport"
        )
        service = {**ASSUME, "Principal": {"Service": "support.amazonaws.com"}}
        seen = Snapshot(destination=Destination(role=Principal(arn=role, trust=document(service))))
        cause = diagnose(seen, attempt=Attempt(caller=ALICE, role=role)).causes[0]

        assert cause.commands == ()
        assert "AWS owns what would be edited" in cause.mend

    def test_the_role_of_a_permission_set_gets_no_policy(self) -> None:
        role = f"{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Work_0123456789abcdef"
        session = f"arn:aws:sts::111111111111:assumed-role/{role.rpartition('/')[2]}/ann"
        asked = {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}
        asked |= {"Condition": {"StringEquals": {"sts:ExternalId": "partner-7"}}}
        held = Source(principal=Principal(arn=role), policies=(policy("set", asked, holder=role),))
        seen = Snapshot(caller=CallerIdentity(arn=session), source=held)
        attempt = Attempt(caller=session, role=ROLE, parameters={"ExternalId": "another"})
        cause = diagnose(seen, attempt=attempt).causes[0]

        assert (cause.code, cause.commands) == ("external-id-in-caller-policy", ())

    @pytest.mark.parametrize(
        "caller", [f"{ACCOUNT}:root", "arn:aws:sts::111111111111:federated-user/visitor", ""]
    )
    def test_a_caller_that_is_no_user_and_no_role_gets_no_edit(self, caller: str) -> None:
        seen = Snapshot(
            destination=Destination(role=Principal(arn=ROLE, trust=document(under(Null={"x": "false"}))))
        )
        causes = diagnose(seen, attempt=Attempt(caller=caller, role=ROLE)).causes

        assert [each for each in causes if any(" iam " in command for command in each.commands)] == []

    def test_two_keys_that_only_services_have_are_both_left_out(self) -> None:
        keys = {
            "aws:SourceArn": "arn:aws:s3:::b",
            "aws:SourceAccount": "111111111111",
            "sts:ExternalId": "p-7",
        }
        cause = first(under(StringEquals=keys), parameters={**NAMED, "ExternalId": "p-7"})

        assert len(written(cause)) == 2
        assert cause.works is True


class TestQuotas:
    def test_where_inline_policies_are_full_the_new_policy_is_a_managed_one(self) -> None:
        long = {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::" + "b" * 100] * 18}
        cause = first(ASSUME, policies=[policy("long", long)])

        assert [shlex.split(each)[2] for each in cause.commands] == ["create-policy", "attach-user-policy"]
        assert options(cause)["policy-arn"] == f"{ACCOUNT}:policy/assume-reader"
        assert cause.works is True

    def test_a_trust_policy_over_the_quota_cannot_be_shown_to_work(self) -> None:
        many = [f"{ACCOUNT}:user/{'u' * 40}-{number}" for number in range(30)]
        cause = first({**ASSUME, "Principal": {"AWS": many}})

        assert cause.works is None
        assert "the default quota is 2,048" in cause.obstacle

    def test_a_document_that_is_too_long_for_a_command_line_goes_through_a_file(self, tmp_path: Path) -> None:
        many = [f"{ACCOUNT}:user/{'u' * 40}-{number}" for number in range(500)]
        cause = first({**ASSUME, "Principal": {"AWS": many}})
        writing, command = cause.commands
        subprocess.run(writing, shell=True, check=True, cwd=tmp_path)
        (file,) = tmp_path.iterdir()

        assert options(cause)["policy-document"] == f"file://{file.name}"
        assert json.loads(file.read_text())["Statement"][1] == ASSUME
        assert len(command) < 200


def test_a_command_names_the_profile_and_the_endpoint_of_its_side() -> None:
    seen = Snapshot(
        source=Source(principal=Principal(arn=ALICE), policies=()),
        read_with={"source": "ops team"},
        endpoint_url="http://127.0.0.1:4566",
    )
    (command,) = diagnose(seen, attempt=Attempt(caller=ALICE, role=ROLE)).causes[0].commands

    assert command.endswith("--profile 'ops team' --endpoint-url http://127.0.0.1:4566")
    assert "read_with" not in seen.to_json()
