"""A diagnosis from an error text, from one side, from both, from a file; ranked, and without secrets."""

import html as escaping
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.diagnosis.attempt import Attempt, AttemptResult, attempt_from_denial, attempt_from_grant
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import (
    CallerIdentity,
    Destination,
    Principal,
    Snapshot,
    SnapshotPolicy,
    Source,
)
from xacct_nb.redaction.redact import fingerprint

ALICE = "arn:aws:iam::111111111111:user/alice"
ROLE = "arn:aws:iam::222222222222:role/reader"
ALICES_ID = "AIDAALICEALICEALICE00"
SECRET = "an-id-that-both:agreed-on"
DENIED = (
    "An error occurred (AccessDenied) when calling the AssumeRole operation: "
    f"User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
)
CONSOLE = "Invalid information in one or more fields. Check your information or contact your administrator."


def policy(effect: str = "Allow", resource: str = ROLE, **when: Any) -> SnapshotPolicy:
    statement = {"Effect": effect, "Action": "sts:AssumeRole", "Resource": resource}
    conditions = {"Condition": when} if when else {}
    document = {"Version": "2012-10-17", "Statement": [statement | conditions]}
    return SnapshotPolicy(name="assume", holder=ALICE, document=document)


def source(*policies: SnapshotPolicy, **fields: Any) -> Source:
    return Source(principal=Principal(arn=ALICE, id=ALICES_ID), policies=policies, **fields)


def destination(principal: str = ALICE, arn: str = ROLE, **when: Any) -> Destination:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    conditions = {"Condition": when} if when else {}
    trust = {"Version": "2012-10-17", "Statement": [statement | conditions]}
    return Destination(role=Principal(arn=arn, id="AROAREADERREADERREAD0", trust=trust))


def snapshot(**sides: Any) -> Snapshot:
    caller = CallerIdentity(arn=ALICE, account="111111111111", user_id=ALICES_ID)
    return Snapshot(taken="2026-11-24T10:15:00Z", caller=caller, **sides)


def codes(found: Diagnosis) -> list[str]:
    return [each.code for each in found.causes]


class TestATextAlone:
    def test_caller_and_role_are_read_from_it_and_all_possible_causes_are_listed(self) -> None:
        found = diagnose(denial=read_denial(DENIED))

        assert (found.attempt["caller"], found.attempt["role"]) == (ALICE, ROLE)
        assert found.indistinguishable_causes[0] == "no-identity-allow"
        assert {"other-principal-trusted", "service-control-policy"} <= set(found.indistinguishable_causes)
        assert {each.confidence for each in found.causes} == {"possible"}
        assert "causes have the same error" in found.headline

    def test_causes_that_do_not_fit_this_caller_are_not_listed(self) -> None:
        found = diagnose(denial=read_denial(DENIED))

        assert {"mfa-in-chain", "session-arn-trusted", "self-assume"} & set(
            found.indistinguishable_causes
        ) == set()

    def test_the_type_of_policy_that_aws_names_comes_first_and_no_other_cause_is_excluded(self) -> None:
        text = f"{DENIED} because no permissions boundary allows the sts:AssumeRole action"
        found = diagnose(denial=read_denial(text))

        assert codes(found)[0] == "caller-boundary"
        assert (found.causes[0].side, found.causes[0].confidence) == ("source", "likely")
        assert "no-identity-allow" in found.indistinguishable_causes

    def test_from_another_text_no_cause_is_found_and_the_unknowns_are_listed(self) -> None:
        found = diagnose(denial=read_denial("The quick brown fox"))

        assert found.causes == ()
        assert found.headline == (
            "This error text is not known here, so nothing is said of its cause. "
            "To have the policies read, name who calls and the role: -p caller ARN -p role ARN."
        )
        assert found.unknowns[0].what == "who calls"

    def test_an_error_of_another_kind_is_not_explained_by_policies(self) -> None:
        text = "An error occurred (Throttling) when calling the AssumeRole operation: Rate exceeded"
        known = Attempt(caller=ALICE, role=ROLE)
        found = diagnose(snapshot(source=source()), attempt=known, denial=read_denial(text))

        assert codes(found)[0] == "throttled"
        assert found.indistinguishable_causes == ()

    @given(st.text())
    def test_any_text_is_diagnosed(self, text: str) -> None:
        found = diagnose(denial=read_denial(text))

        assert bool(found.denial.text) == bool(text.split())
        assert found.has_unknown_text or found.causes or not text.split()


class TestOneSide:
    def test_one_side_that_allows_it_is_shown_with_the_indistinguishable_causes(self) -> None:
        found = diagnose(snapshot(source=source(policy())), denial=read_denial(DENIED))

        assert "no-identity-allow" not in codes(found)
        assert "other-principal-trusted" in found.indistinguishable_causes
        assert "222222222222 (destination)" in found.unknowns[0].who
        assert "The source side allows it." in found.message

    def test_with_the_destination_only_the_source_is_listed_as_unknown(self) -> None:
        found = diagnose(snapshot(destination=destination()), denial=read_denial(DENIED))

        assert codes(found)[0] == "no-identity-allow"
        assert "other-principal-trusted" not in codes(found)
        assert "111111111111 (source)" in found.unknowns[0].who
        assert "The smallest caller policy that would allow it:" in found.message

    def test_a_certain_cause_on_the_side_that_was_read_is_the_only_one(self) -> None:
        found = diagnose(snapshot(source=source()), denial=read_denial(DENIED))

        assert codes(found) == ["no-identity-allow"]
        assert found.indistinguishable_causes == ()
        assert "the role and its trust policy" in [each.what for each in found.unknowns]

    def test_the_simulators_result_about_the_organization_is_used(self) -> None:
        side = source(policy(), organization_allows=False)
        found = diagnose(snapshot(source=side), denial=read_denial(DENIED))

        assert codes(found)[0] == "service-control-policy"

    def test_in_a_large_account_the_simulators_result_is_used(self) -> None:
        side = source(incomplete="The account is large.", simulated="implicitDeny")
        found = diagnose(snapshot(source=side), denial=read_denial(DENIED))

        assert (codes(found)[0], found.causes[0].confidence) == ("no-identity-allow", "likely")
        assert "The account is large." in [each.why for each in found.unknowns]


class TestBothSides:
    def test_if_both_sides_allow_it_causes_that_neither_can_read_are_left(self) -> None:
        found = diagnose(
            snapshot(source=source(policy()), destination=destination()), denial=read_denial(DENIED)
        )

        assert codes(found) == [
            "not-in-effect-yet",
            "service-control-policy",
            "resource-control-policy",
            "vpc-endpoint-policy",
        ]

    def test_two_independent_causes_are_both_named(self) -> None:
        found = diagnose(
            snapshot(source=source(), destination=destination("arn:aws:iam::111111111111:user/bob")),
            denial=read_denial(DENIED),
        )

        assert codes(found) == ["no-identity-allow", "other-principal-trusted"]

    def test_what_was_created_shortly_before_may_not_be_in_effect_yet(self) -> None:
        fresh = Source(
            principal=Principal(arn=ALICE, id=ALICES_ID, created="2026-11-24T10:14:30Z"), policies=(policy(),)
        )
        found = diagnose(snapshot(source=fresh, destination=destination()), denial=read_denial(DENIED))

        assert (codes(found)[0], found.causes[0].confidence) == ("not-in-effect-yet", "likely")

    def test_within_one_account_the_trust_policy_is_enough(self) -> None:
        role = ROLE.replace("222222222222", "111111111111")
        seen = snapshot(source=source(), destination=destination(arn=role))
        found = diagnose(seen, denial=read_denial(DENIED.replace(ROLE, role)))

        assert "no-identity-allow" not in codes(found)

    def test_a_request_that_aws_allows_now_has_no_cause_whatever_was_read(self) -> None:
        session = "arn:aws:sts::222222222222:assumed-role/reader/desk"
        result = AttemptResult(True, session, at="2026-11-24T10:16:00Z")
        read = snapshot(source=source(policy(), policy("Deny")), destination=destination("222222222222"))
        found = diagnose(read, denial=read_denial(DENIED), result=result)

        assert (found.causes, found.indistinguishable_causes, found.message) == ((), (), "")
        assert found.headline == "AWS allows it now."
        assert found.answer == f"allowed, as {session}"
        assert "IAM needs up to half a minute" in found.notes[0]
        assert any("identity-deny" in each for each in found.notes)
        assert "aws iam" not in str(found)

    def test_an_answer_to_another_request_says_nothing_about_the_denied_one(self) -> None:
        result = AttemptResult(True, "arn:aws:sts::222222222222:assumed-role/reader/desk")
        tagged = read_denial(DENIED.replace("sts:AssumeRole", "sts:TagSession"))

        assert codes(diagnose(denial=tagged, result=result))[0] == "no-tag-session"

    def test_a_role_trusted_without_its_path_is_found_and_its_path_is_named(self) -> None:
        hub = "arn:aws:iam::111111111111:role/teams/hub"
        caller = CallerIdentity(arn="arn:aws:sts::111111111111:assumed-role/hub/desk", user_id="AROAHUB:desk")
        side = Source(principal=Principal(arn=hub, id="AROAHUB"), policies=(policy(),))
        seen = Snapshot(caller=caller, source=side, destination=destination(hub.replace("teams/", "")))
        found = diagnose(seen, attempt=Attempt(role=ROLE))

        assert codes(found) == ["role-path-left-out"]
        assert hub in found.causes[0].commands[0]


class TestTheConsole:
    def test_its_only_message_is_read_as_a_denial(self) -> None:
        known = Attempt(caller=ALICE, role=ROLE)
        found = diagnose(
            snapshot(source=source(), destination=destination()), attempt=known, denial=read_denial(CONSOLE)
        )

        assert "no-identity-allow" in codes(found)

    def test_a_path_that_is_too_long_for_it(self) -> None:
        role = ROLE.replace("role/", f"role/{'p' * 60}/")
        found = diagnose(attempt=Attempt(caller=ALICE, role=role), denial=read_denial(CONSOLE))

        assert codes(found)[0] == "console-path-too-long"

    def test_an_external_id_that_it_cannot_give(self) -> None:
        side = destination(StringEquals={"sts:ExternalId": SECRET})
        known = Attempt(caller=ALICE, role=ROLE)
        found = diagnose(snapshot(destination=side), attempt=known, denial=read_denial(CONSOLE))

        assert "console-cannot-give" in codes(found)


def test_an_invited_account_has_no_access_role() -> None:
    role = ROLE.replace("reader", "OrganizationAccountAccessRole")
    text = read_denial(DENIED.replace(ROLE, role))
    found = diagnose(snapshot(destination=Destination()), denial=text)

    assert codes(found)[0] == "no-access-role"


class TestSecrets:
    @pytest.fixture
    def found(self) -> Diagnosis:
        seen = snapshot(
            source=source(policy()), destination=destination(StringEquals={"sts:ExternalId": SECRET})
        )
        attempt = Attempt(caller=ALICE, role=ROLE, parameters={"ExternalId": f"{SECRET}-no"})
        return diagnose(seen, attempt=attempt, denial=read_denial(f"{DENIED} {SECRET}"))

    def test_no_external_id_stands_in_it_and_the_fingerprints_differ(self, found: Diagnosis) -> None:
        assert SECRET not in f"{found}{found._repr_html_()}{json.dumps(found.to_json())}"
        assert codes(found)[0] == "external-id-differs"
        assert fingerprint(SECRET) in found.causes[0].why
        assert fingerprint(f"{SECRET}-no") in found.causes[0].why

    def test_a_fingerprint_from_the_other_owner_distinguishes_the_right_external_id_from_a_wrong_one(
        self,
    ) -> None:
        sent = Snapshot(destination=destination(StringEquals={"sts:ExternalId": SECRET})).to_json()
        seen = snapshot(source=source(policy())).with_sides_of(Snapshot.from_json(sent))
        right = Attempt(caller=ALICE, role=ROLE, parameters={"ExternalId": SECRET})
        wrong = Attempt(caller=ALICE, role=ROLE, parameters={"ExternalId": "another-id"})

        assert SECRET not in json.dumps(sent)
        assert "external-id-differs" not in codes(diagnose(seen, attempt=right, denial=read_denial(DENIED)))
        assert codes(diagnose(seen, attempt=wrong, denial=read_denial(DENIED)))[0] == "external-id-differs"

    def test_an_attempt_goes_to_json_without_mfa_code_and_external_id(self) -> None:
        attempt = Attempt(role=ROLE, parameters={"ExternalId": SECRET, "TokenCode": "123456"})

        assert attempt.to_json()["parameters"] == {"ExternalId": fingerprint(SECRET)}
        assert SECRET not in f"{attempt}{attempt!r}"


class TestShowing:
    @pytest.fixture
    def found(self) -> Diagnosis:
        seen = snapshot(source=source(), destination=destination("arn:aws:iam::222222222222:user/<b>"))
        return diagnose(seen, denial=read_denial(DENIED))

    def test_it_goes_to_json_and_back(self, found: Diagnosis) -> None:
        assert Diagnosis.from_json(found.to_json()) == found
        assert Diagnosis.from_json(json.loads(json.dumps(found.to_json()))).to_json() == found.to_json()

    def test_text_and_html_say_the_same_and_markup_is_escaped(self, found: Diagnosis) -> None:
        shown = re.sub(r"<[^>]+>", " ", found._repr_html_())
        plain = re.sub(r"[\s=-]+", "", str(found))

        assert "<b>" not in found._repr_html_()
        assert [line for line in found.causes[0].commands if re.sub(r"[\s=-]+", "", line) not in plain] == []
        assert found.headline in escaping.unescape(shown)

    def test_the_fix_of_each_cause_is_below(self, found: Diagnosis) -> None:
        assert "Fix for no-identity-allow (source)" in str(found)
        assert "aws iam put-user-policy --user-name alice" in str(found)

    def test_the_message_names_caller_and_role_and_how_to_look(self) -> None:
        attempt = Attempt(caller=ALICE, role=ROLE, parameters={"RoleSessionName": "desk"})
        found = diagnose(snapshot(source=source(policy())), attempt=attempt, denial=read_denial(DENIED))

        assert found.message.splitlines()[:5] == [
            f"{ALICE} is denied sts:AssumeRole on {ROLE}.",
            f"  caller           {ALICE}",
            f"  unique id        {ALICES_ID}",
            "  account          111111111111",
            "  RoleSessionName  desk",
        ]
        assert '"AWS": "arn:aws:iam::111111111111:user/alice"' in found.message
        assert "aws iam get-role --role-name reader" in found.message
        assert "-p snapshot_to snapshot.json" in found.message


def test_the_attempt_of_a_grant_has_its_first_source_its_first_role_and_its_conditions() -> None:
    from support.examples import a_grant

    grant = a_grant(conditions={"external_id": SECRET, "role_session_name": "${aws:username}"})
    attempt = attempt_from_grant(grant)

    assert (attempt.caller, attempt.role) == (grant.sources[0], grant.destinations[0])
    assert attempt.parameters["RoleSessionName"] == "alice"
    assert attempt.context["sts:ExternalId"] == SECRET


def test_what_aws_names_takes_precedence_over_what_was_given() -> None:
    known = Attempt(caller="arn:aws:iam::111111111111:user/bob", role=f"{ROLE}-2")
    found = attempt_from_denial(read_denial(DENIED), known)

    assert (found.caller, found.role) == (ALICE, ROLE)


def test_a_denial_after_the_role_was_assumed_names_the_role_in_the_session_arn() -> None:
    text = (
        "User: arn:aws:sts::222222222222:assumed-role/reader/desk is not authorized to perform: "
        "s3:GetObject on resource: arn:aws:s3:::reports/a.csv because no identity-based policy allows it"
    )
    found = attempt_from_denial(read_denial(text))

    assert (found.role, found.action, found.resource) == (ROLE, "s3:GetObject", "arn:aws:s3:::reports/a.csv")
    assert found.role_was_assumed


class TestTheNearestStatement:
    def test_a_slipped_action_is_shown_beside_the_one_that_was_asked_for(self) -> None:
        document = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"},
                {"Effect": "Allow", "Action": "sts:AsumeRole", "Resource": ROLE},
            ],
        }
        seen = snapshot(source=source(SnapshotPolicy(name="assume", holder=ALICE, document=document)))
        first = diagnose(seen, denial=read_denial(DENIED)).causes[0]

        assert (first.code, first.confidence) == ("no-identity-allow", "certain")
        assert [(each.element, each.wanted, each.got, each.holds) for each in first.nearest] == [
            ("Action", "sts:AsumeRole", "sts:AssumeRole", False),
            ("Resource", ROLE, ROLE, True),
        ]
        assert first.nearest[0].statement == "Statement[1] of the policy assume on user/alice"

    def test_it_stands_in_text_page_and_json_of_the_diagnosis(self) -> None:
        found = diagnose(snapshot(source=source(policy("Deny"))), denial=read_denial(DENIED))
        shown = found.to_json()["causes"][0]["nearest"]

        assert [each["holds"] for each in shown] == [True, True]
        assert "the statement behind identity-deny" in str(found)
        assert "the statement behind identity-deny" in found._repr_html_()

    def test_a_wildcard_that_misses_and_an_excluded_action_are_shown(self) -> None:
        missed = diagnose(
            snapshot(source=source(policy(resource=ROLE.replace("reader", "prod-*")))),
            denial=read_denial(DENIED),
        ).causes[0]
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "NotAction": "sts:*", "Resource": "*"}],
        }
        left_out = diagnose(
            snapshot(source=source(SnapshotPolicy(name="rest", holder=ALICE, document=document))),
            denial=read_denial(DENIED),
        ).causes[0]

        assert [(each.wanted, each.holds) for each in missed.nearest][1] == (
            ROLE.replace("reader", "prod-*"),
            False,
        )
        assert (left_out.nearest[0].element, left_out.nearest[0].wanted) == (
            "NotAction",
            "anything but sts:*",
        )

    def test_a_policy_about_something_else_is_not_shown_as_near(self) -> None:
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}],
        }
        seen = snapshot(source=source(SnapshotPolicy(name="items", holder=ALICE, document=document)))

        assert diagnose(seen, denial=read_denial(DENIED)).causes[0].nearest == ()


class TestOneAccount:
    ROLE = ROLE.replace("222222222222", "111111111111")

    def found(self, *policies: SnapshotPolicy, **fields: Any) -> Diagnosis:
        caller = Principal(arn=ALICE, id=ALICES_ID, **fields.pop("principal", {}))
        side = Source(principal=caller, policies=policies, **fields)
        seen = snapshot(source=side, destination=destination(arn=self.ROLE))
        return diagnose(
            seen,
            attempt=Attempt(caller=ALICE, role=self.ROLE),
            denial=read_denial(DENIED.replace(ROLE, self.ROLE)),
        )

    def test_the_callers_own_deny_counts_although_the_trust_policy_names_her(self) -> None:
        found = self.found(policy("Deny", self.ROLE))

        assert codes(found) == ["identity-deny"]
        assert found.causes[0].confidence == "certain"

    def test_a_deny_in_her_boundary_counts_too_and_its_silence_does_not(self) -> None:
        denies = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": "sts:*", "Resource": "*"}],
        }
        reads = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
        }
        bounded = [
            codes(
                self.found(
                    principal={"boundary": SnapshotPolicy(name="bound", holder=ALICE, document=document)}
                )
            )
            for document in (denies, reads)
        ]

        assert bounded[0] == ["caller-boundary"]
        assert "caller-boundary" not in bounded[1]

    def test_the_organization_counts(self) -> None:
        assert codes(self.found(organization_allows=False))[0] == "service-control-policy"


class TestWhatWasNotRead:
    def test_a_boundary_without_its_document_is_named_and_nothing_is_said_to_allow_it(self) -> None:
        bound = SnapshotPolicy(name="ReadOnlyAccess", kind="managed", holder=ALICE)
        side = Source(principal=Principal(arn=ALICE, id=ALICES_ID, boundary=bound), policies=(policy(),))
        found = diagnose(snapshot(source=side, destination=destination()), denial=read_denial(DENIED))

        assert (codes(found)[0], found.causes[0].confidence) == ("caller-boundary", "possible")
        assert "ReadOnlyAccess" in found.causes[0].why
        assert "the boundary ReadOnlyAccess" in [each.what for each in found.unknowns]
        assert "The source side allows it." not in found.message

    def test_a_policy_without_its_document_makes_the_missing_allow_no_more_than_likely(self) -> None:
        side = source(incomplete="Not read: the documents of PowerUserAccess.")
        found = diagnose(snapshot(source=side), denial=read_denial(DENIED))

        assert (codes(found)[0], found.causes[0].confidence) == ("no-identity-allow", "likely")
        assert "PowerUserAccess" in found.causes[0].why

    def test_a_deny_that_was_read_is_certain_whatever_else_there_is(self) -> None:
        side = source(policy("Deny"), incomplete="Not read: the documents of PowerUserAccess.")
        found = diagnose(snapshot(source=side), denial=read_denial(DENIED))

        assert (codes(found)[0], found.causes[0].confidence) == ("identity-deny", "certain")


class TestTwoRoles:
    OTHER = ROLE.replace("role/reader", "role/raeder")

    def read(self, named: str, *, exists: str, others: tuple[str, ...] = ()) -> Diagnosis:
        there = destination(arn=exists).model_copy(update={"others": others})
        there = there if exists == ROLE else Destination(others=(exists, *others))
        return diagnose(
            snapshot(source=source(policy(resource=named)), destination=there), denial=read_denial(DENIED)
        )

    def test_where_the_role_of_the_policy_exists_the_request_is_wrong_and_the_policy_stays(self) -> None:
        found = self.read(self.OTHER, exists=self.OTHER)

        assert codes(found) == ["no-such-role"]
        assert self.OTHER in found.causes[0].commands[0]
        assert not any("aws iam" in command for command in found.causes[0].commands)

    def test_where_the_role_of_the_request_exists_the_policy_is_wrong(self) -> None:
        found = self.read(self.OTHER, exists=ROLE)

        assert (codes(found), found.causes[0].side) == (["other-resource-arn"], "source")

    def test_where_both_exist_the_policy_is_for_the_other_one(self) -> None:
        assert codes(self.read(self.OTHER, exists=ROLE, others=(self.OTHER,))) == ["no-identity-allow"]

    def test_where_the_other_side_was_not_read_neither_is_blamed_for_certain(self) -> None:
        found = diagnose(snapshot(source=source(policy(resource=self.OTHER))), denial=read_denial(DENIED))

        assert (codes(found)[0], found.causes[0].confidence) == ("other-resource-arn", "likely")
        assert "Which role exists was not read." in found.causes[0].why


class TestTwoSides:
    def test_an_action_for_tags_that_both_sides_lack_is_two_causes_with_two_fixes(self) -> None:
        attempt = Attempt(caller=ALICE, role=ROLE, parameters={"Tags": [{"Key": "team", "Value": "books"}]})
        found = diagnose(
            snapshot(source=source(policy()), destination=destination()),
            attempt=attempt,
            denial=read_denial(DENIED.replace("sts:AssumeRole", "sts:TagSession")),
        )

        assert [(each.code, each.side) for each in found.causes] == [
            ("no-tag-session", "source"),
            ("no-tag-session", "destination"),
        ]
        assert "put-user-policy" in found.causes[0].commands[0]
        assert "update-assume-role-policy" in found.causes[1].commands[0]


def test_a_role_that_trusts_a_service_only_is_not_its_own_caller() -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
    own = "arn:aws:sts::222222222222:assumed-role/reader/desk"
    there = Destination(role=Principal(arn=ROLE, id="AROAREADERREADERREAD0", trust=trust))
    found = diagnose(
        Snapshot(destination=there),
        attempt=Attempt(role=ROLE),
        denial=read_denial(DENIED.replace(ALICE, own)),
    )

    assert codes(found)[0] == "self-assume"
    assert "already" in found.causes[0].why


class TestKeysThatOnlyAwsSees:
    @pytest.mark.parametrize(
        ("operator", "key", "value"),
        [
            ("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"),
            ("IpAddress", "aws:SourceIp", "192.0.2.0/24"),
            ("StringNotEquals", "aws:SourceVpce", "vpce-0123456789abcdef0"),
            ("StringNotEquals", "aws:PrincipalOrgID", "o-aaaaaaaaaa"),
            ("StringNotEquals", "aws:RequestedRegion", "eu-central-1"),
            ("Bool", "aws:ViaAWSService", "false"),
            ("NumericGreaterThan", "aws:MultiFactorAuthAge", "3600"),
            ("StringNotLike", "aws:UserAgent", "curl*"),
        ],
    )
    def test_a_deny_on_one_of_them_is_likely_at_most_and_names_it(
        self, operator: str, key: str, value: str
    ) -> None:
        side = source(policy(), policy("Deny", **{operator: {key: value}}))
        found = diagnose(snapshot(source=side, destination=destination()), denial=read_denial(DENIED))

        assert (codes(found)[0], found.causes[0].confidence) in [
            ("identity-deny", "likely"),
            ("deny-without-mfa", "likely"),
        ]
        assert key in str(found)
        assert [each.holds for each in found.causes[0].nearest if key in each.element] == [None]

    def test_a_trust_condition_on_one_of_them_is_likely_at_most(self) -> None:
        there = destination(IpAddress={"aws:SourceIp": "192.0.2.0/24"})
        found = diagnose(snapshot(source=source(policy()), destination=there), denial=read_denial(DENIED))

        assert (codes(found)[0], found.causes[0].confidence) == ("source-address", "likely")
        assert "only AWS sees" in found.causes[0].why

    def test_beside_a_key_that_is_known_and_wrong_the_known_one_is_certain(self) -> None:
        there = destination(
            StringEquals={"sts:ExternalId": SECRET}, IpAddress={"aws:SourceIp": "192.0.2.0/24"}
        )
        seen, denial = snapshot(source=source(policy()), destination=there), read_denial(DENIED)
        called = Attempt(caller=ALICE, role=ROLE, parameters={"RoleSessionName": "desk"})
        found, by_text = diagnose(seen, attempt=called, denial=denial), diagnose(seen, denial=denial)

        assert [(each.code, each.confidence) for each in found.causes] == [
            ("external-id-missing", "certain"),
            ("source-address", "likely"),
        ]
        # A bare error text does not say which parameters the request had.
        assert {each.confidence for each in by_text.causes if each.code == "external-id-missing"} == {
            "likely"
        }

    def test_a_date_is_never_certain(self) -> None:
        def at(date: str) -> tuple[str, str]:
            there = destination(DateLessThan={"aws:CurrentTime": date})
            seen = snapshot(source=source(policy()), destination=there)
            first = diagnose(seen, denial=read_denial(DENIED)).causes[0]
            return first.code, first.confidence

        assert at("2026-11-24T09:00:00Z") == ("outside-dates", "likely")
        assert at("2026-11-24T10:13:00Z") == ("outside-dates", "likely")

    def test_a_users_tags_are_known_and_a_sessions_are_not(self) -> None:
        hub = "arn:aws:iam::111111111111:role/hub"
        caller = "arn:aws:sts::111111111111:assumed-role/hub/desk"

        def confidence(arn: str, principal: str) -> tuple[str, str]:
            there = destination(principal, StringEquals={"aws:PrincipalTag/team": "books"})
            side = Source(principal=Principal(arn=principal, id="AROAHUB"), policies=(policy(),))
            seen = Snapshot(taken="2026-11-24T10:15:00Z", source=side, destination=there)
            first = diagnose(seen, denial=read_denial(DENIED.replace(ALICE, arn))).causes[0]
            return first.code, first.confidence

        assert confidence(ALICE, ALICE) == ("trust-condition", "certain")
        assert confidence(caller, hub) == ("trust-condition", "likely")


def test_in_one_account_a_condition_that_is_not_met_makes_no_identity_policy_necessary() -> None:
    role = ROLE.replace("222222222222", "111111111111")
    there = destination(arn=role, StringEquals={"sts:ExternalId": SECRET})
    found = diagnose(
        snapshot(source=source(), destination=there), denial=read_denial(DENIED.replace(ROLE, role))
    )

    assert codes(found) == ["external-id-missing"]


class TestAChain:
    HUB = "arn:aws:iam::111111111111:role/hub"
    SESSION = "arn:aws:sts::111111111111:assumed-role/hub/desk"

    def found(self, attempt: Attempt, trust: Destination | None = None) -> Diagnosis:
        allowing = policy().model_copy(update={"holder": self.HUB})
        side = Source(principal=Principal(arn=self.HUB, id="AROAHUB"), policies=(allowing,))
        seen = Snapshot(taken="2026-11-24T10:15:00Z", source=side, destination=trust or destination(self.HUB))
        return diagnose(seen, attempt=attempt, denial=read_denial(DENIED.replace(ALICE, self.SESSION)))

    def test_tags_and_a_source_identity_that_it_carries_need_their_actions_on_both_sides(self) -> None:
        carried = {"Tags": [{"Key": "team", "Value": "books"}], "SourceIdentity": "alice"}
        found = self.found(Attempt(role=ROLE, carried=carried))

        assert {(each.code, each.side) for each in found.causes} == {
            ("no-tag-session", "source"),
            ("no-tag-session", "destination"),
            ("no-set-source-identity", "source"),
            ("no-set-source-identity", "destination"),
        }

    def test_a_carried_tag_meets_a_condition_and_no_value_is_known_without_it(self) -> None:
        there = destination(self.HUB, StringEquals={"aws:PrincipalTag/team": "books"})
        wrong = Attempt(role=ROLE, carried={"Tags": [{"Key": "team", "Value": "paper"}]})

        assert self.found(wrong, there).causes[0].confidence == "certain"
        assert self.found(Attempt(role=ROLE), there).causes[0].confidence == "likely"

    def test_another_source_identity_and_a_tag_that_it_carries_are_refused(self) -> None:
        tag = [{"Key": "Team", "Value": "books"}]
        attempt = Attempt(
            role=ROLE,
            parameters={"SourceIdentity": "bob", "Tags": tag},
            carried={"SourceIdentity": "alice", "Tags": [{"Key": "team", "Value": "x"}]},
        )

        assert {"other-source-identity", "invalid-session-tags"} <= set(codes(self.found(attempt)))

    def test_a_role_as_caller_is_a_session_of_it_and_has_one_hour(self) -> None:
        attempt = Attempt(caller=self.HUB, role=ROLE, parameters={"DurationSeconds": 7200})

        assert codes(diagnose(attempt=attempt)) == ["longer-than-chain-allows"]


def test_a_policy_that_cannot_be_evaluated_is_named_as_not_read() -> None:
    broken = policy().model_copy(
        update={"document": {"Version": "2012-10-17", "Statement": [{"Effect": "No"}]}}
    )
    found = diagnose(snapshot(source=source(broken)), denial=read_denial(DENIED))

    assert any("cannot be evaluated" in each.why for each in found.unknowns)
    assert {each.confidence for each in found.causes} == {"possible"}


def test_an_action_for_tags_that_hangs_on_the_address_is_likely_on_that_side() -> None:
    tagging = {
        "Effect": "Allow",
        "Principal": {"AWS": ALICE},
        "Action": "sts:TagSession",
        "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
    }
    there = destination()
    assert there.role is not None
    assert there.role.trust is not None
    there.role.trust["Statement"].append(tagging)
    both = policy().model_copy(
        update={
            "document": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": ROLE}],
            }
        }
    )
    attempt = Attempt(caller=ALICE, role=ROLE, parameters={"Tags": [{"Key": "team", "Value": "books"}]})
    found = diagnose(
        snapshot(source=source(both), destination=there), attempt=attempt, denial=read_denial(DENIED)
    )

    assert [(each.code, each.side, each.confidence) for each in found.causes[:1]] == [
        ("no-tag-session", "destination", "likely")
    ]
    assert "aws:SourceIp" in found.causes[0].why
