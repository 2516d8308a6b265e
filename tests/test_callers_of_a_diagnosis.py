"""Whose denial a diagnosis of a grant is, and what a fingerprint in place of an external ID means there."""

import json
from typing import Any

import pytest

from support.examples import applied, endpoint_of, grant_in, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.diagnosis.snapshot import Destination, Principal, Snapshot, Source
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.grant import Grant
from xacct_nb.redaction.redact import fingerprint
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox
AGREED = "the-agreed-id-4711"
MARK = fingerprint(AGREED)
ALICE, ROLE = "arn:aws:iam::111111111111:user/alice", "arn:aws:iam::222222222222:role/reader"


def opened(world: World, grant: Grant, *callers: str) -> Sessions:
    return open_sessions(
        grant,
        source_profiles=["source-admin"],
        destination_profiles=["destination-admin"],
        caller_profiles=callers,
        endpoint=endpoint_of(world),
    )


def whole_account(world: World) -> Grant:
    return grant_in(world, sources=[world.source], accept=["whole-account-trust"])


# --- who calls


def test_the_caller_of_a_whole_account_is_the_one_whose_session_there_is(world: World) -> None:
    grant = whole_account(world)
    found = diagnose(grant, opened(world, grant, "alice", "hub"))

    assert found.attempt["caller"] == f"arn:aws:iam::{world.source}:user/alice"
    assert [each.code for each in found.causes] == ["no-identity-allow", "no-such-role"]


def test_without_a_caller_of_the_account_only_the_role_is_looked_up(world: World) -> None:
    grant = whole_account(world)
    found = diagnose(grant, opened(world, grant))

    assert found.attempt["caller"] == ""
    assert [each.code for each in found.causes] == ["no-such-role"]
    assert "who calls" in [each.what for each in found.unknowns]


def test_a_caller_that_is_not_of_the_pattern_is_not_diagnosed_in_its_place(world: World) -> None:
    grant = grant_in(world, sources=[f"arn:aws:iam::{world.source}:role/build/*"])
    with pytest.raises(InvalidParameters) as refusal:
        diagnose(grant, opened(world, grant, "alice"))

    assert "role/build/*" in refusal.value.what
    assert "user/alice" in refusal.value.why
    assert "caller_profiles" in refusal.value.hint


def test_a_role_of_the_pattern_is_the_caller(world: World) -> None:
    grant = grant_in(world, sources=[f"arn:aws:iam::{world.source}:role/h*"])
    found = diagnose(grant, opened(world, grant, "alice", "hub"))

    assert ":assumed-role/hub/" in found.attempt["caller"]


@pytest.mark.parametrize("caller", ["111111111111", "arn:aws:iam::111111111111:role/build/*"])
def test_an_account_or_a_pattern_is_not_one_caller(caller: str) -> None:
    with pytest.raises(InvalidParameters, match="is not one caller"):
        diagnose(caller=caller, role=ROLE)


# --- fingerprints


def of_role(value: str, **fields: Any) -> Snapshot:
    """A snapshot in which the role's trust policy requires this external ID."""
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": ALICE},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": value}},
    }
    role = Principal(arn=ROLE, trust={"Version": "2012-10-17", "Statement": [allow]})
    alice = Source(principal=Principal(arn=ALICE), incomplete="Not read.")
    return Snapshot(source=alice, destination=Destination(role=role), **fields)


def asked(seen: Snapshot, external_id: str = AGREED) -> Diagnosis:
    return diagnose(caller=ALICE, role=ROLE, external_id=external_id, snapshot=seen)


def test_a_fingerprint_that_was_copied_into_the_role_is_not_the_external_id() -> None:
    (first, *_) = asked(of_role(MARK, calls=("iam:get_role",))).causes

    assert (first.code, first.confidence) == ("external-id-differs", "certain")
    assert "The policy has a fingerprint in place of the external ID" in first.why
    assert first.mend.endswith("in the trust policy. It is the one that the request passes.")
    assert AGREED not in str(first)


@pytest.mark.parametrize("external_id", ["", "another-id-0815"])
def test_nobody_is_asked_to_pass_the_fingerprint_of_a_policy_on_aws(external_id: str) -> None:
    (first, *_) = asked(of_role(MARK, calls=("iam:get_role",)), external_id).causes

    assert first.mend == (
        "Write the external ID itself in place of its fingerprint in the trust policy. "
        f"Who chose it knows it: {MARK}."
    )
    assert first.commands == ()


def test_in_a_file_of_the_other_owner_a_fingerprint_is_the_external_id() -> None:
    sent = Snapshot.from_json(of_role(AGREED, calls=("iam:get_role",)).to_json())
    here = Snapshot(source=sent.source, calls=("iam:get_user",)).with_sides_of(sent)

    for seen in (sent, here):
        assert "external-id-differs" not in [each.code for each in asked(seen).causes]
        assert asked(seen, "another-id-0815").causes[0].code == "external-id-differs"
        assert "in place of the external ID" not in str(asked(seen, "another-id-0815"))
    assert "from_file" not in sent.to_json()


def test_a_fingerprint_cannot_be_passed_to_aws() -> None:
    with pytest.raises(InvalidParameters) as refusal:
        asked(of_role(AGREED), MARK)

    assert MARK in refusal.value.what
    assert "Give the external ID itself" in refusal.value.hint


def test_the_sandbox_compares_a_copied_fingerprint_as_text_(world: World) -> None:
    grant = grant_in(world, conditions={"external_id": AGREED})
    sessions = sessions_in(world, grant)
    applied(grant, sessions)
    iam, role = root_iam(world, world.destination), {"RoleName": "reports-reader"}
    trust = json.dumps(iam.get_role(**role)["Role"]["AssumeRolePolicyDocument"])
    iam.update_assume_role_policy(**role, PolicyDocument=trust.replace(AGREED, MARK))
    found = diagnose(grant, sessions)
    iam.update_assume_role_policy(**role, PolicyDocument=trust)

    assert found.causes[0].code == "external-id-differs"
    assert "in place of the external ID" in found.causes[0].why
    assert diagnose(grant, sessions).is_allowed_now
