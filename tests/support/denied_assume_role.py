"""Every cause of a denied AssumeRole that can be made in the sandbox, and its fix where no command is one."""

import json
from collections.abc import Callable
from typing import Any

from support.denial_stage import OTHER_SECRET, SECRET, Broken, Stage, allow, trusting
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.client import behave, expire_session, misbehave, set_organization

ASSUME = "sts:AssumeRole"


def elsewhere(on: Stage) -> None:
    on.identity(None)
    on.managed("assumes", allow(ASSUME, on.role))


def of_mallory(on: Stage) -> None:
    on.identity(None)
    arn = on.managed("assumes", allow(ASSUME, on.role))
    on.source_iam.attach_user_policy(UserName="mallory", PolicyArn=arn)


def of_a_group(on: Stage) -> None:
    on.identity(None)
    on.source_iam.create_group(GroupName="readers")
    on.source_iam.put_group_policy(
        GroupName="readers", PolicyName="assumes", PolicyDocument=allow(ASSUME, on.role)
    )


def newer_version(on: Stage) -> None:
    on.identity(None)
    arn = on.managed("assumes", allow("s3:ListAllMyBuckets", "*"))
    on.source_iam.attach_user_policy(UserName="alice", PolicyArn=arn)
    on.source_iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=allow(ASSUME, on.role), SetAsDefault=False
    )


def boundary(on: Stage) -> None:
    arn = on.managed("bound", allow("s3:*", "*"))
    on.source_iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=arn)


def denying_boundary(on: Stage) -> None:
    both = [
        json.loads(allow("*", "*"))["Statement"][0],
        json.loads(allow("sts:*", "*", "Deny"))["Statement"][0],
    ]
    arn = on.managed("bound", json.dumps({"Version": "2012-10-17", "Statement": both}))
    on.source_iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=arn)


def variable(on: Stage, version: str = "2008-10-17") -> None:
    on.destination_iam.create_role(RoleName="alice-reader", AssumeRolePolicyDocument=trusting(on.alice))
    on.role = f"arn:aws:iam::{on.world.destination}:role/alice-reader"
    on.identity(allow(ASSUME, on.role.replace("alice", "${aws:username}"), version=version))


def chained(on: Stage) -> None:
    on.trust(on.become(policy=allow("s3:ListAllMyBuckets", "*")))


def deleted(on: Stage) -> None:
    """Delete the user Alice, and create another one of the same name."""
    for key in on.source_iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]:
        on.source_iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    on.source_iam.remove_user_from_group(UserName="alice", GroupName="analysts")
    on.identity(None)
    on.source_iam.delete_user(UserName="alice")
    on.source_iam.create_user(UserName="alice")
    on.identity(allow(ASSUME, on.role))
    on.keys = on.keys_of("alice")


def tagged(on: Stage, source_allows: bool) -> None:
    on.parameters = {"Tags": [{"Key": "team", "Value": "books"}]}
    both = [ASSUME, "sts:TagSession"]
    on.identity(allow(ASSUME if not source_allows else both, on.role))
    on.trust(actions=both if not source_allows else ASSUME)


def identified(on: Stage, source_allows: bool) -> None:
    on.parameters = {"SourceIdentity": "alice"}
    both = [ASSUME, "sts:SetSourceIdentity"]
    on.identity(allow(ASSUME if not source_allows else both, on.role))
    on.trust(actions=both if not source_allows else ASSUME)


def external_id_twice(on: Stage) -> None:
    on.parameters = {"ExternalId": SECRET}
    on.trust(StringEquals={"sts:ExternalId": SECRET})
    on.identity(allow(ASSUME, on.role, StringEquals={"sts:ExternalId": OTHER_SECRET}))


def wrong_external_id(on: Stage) -> None:
    on.parameters = {"ExternalId": OTHER_SECRET}
    on.trust(StringEquals={"sts:ExternalId": SECRET})


def wanting_mfa(on: Stage) -> None:
    on.device()
    on.trust(Bool={"aws:MultiFactorAuthPresent": "true"})


def denied_without_mfa(on: Stage) -> None:
    on.device()
    when = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    on.identity(allow("*", "*", "Deny", **when), "only-with-mfa")


def mfa_in_chain(on: Stage) -> None:
    on.trust(on.become(), Bool={"aws:MultiFactorAuthPresent": "true"})


def session_trusted(on: Stage) -> None:
    on.become()
    on.trust(f"arn:aws:sts::{on.world.source}:assumed-role/hub/other-desk")


def principal_arn(on: Stage) -> None:
    hub = on.become()
    session = f"arn:aws:sts::{on.world.source}:assumed-role/hub/desk"
    on.trust(hub, ArnEquals={"aws:PrincipalArn": session})


def itself(on: Stage) -> None:
    hub = on.become()
    on.role = hub
    on.source_iam.put_role_policy(RoleName="hub", PolicyName="assume", PolicyDocument=allow(ASSUME, hub))


def another_path(on: Stage) -> None:
    on.identity(allow(ASSUME, "*"))
    on.role = on.role.replace(":role/", ":role/teams/")


def another_case(on: Stage) -> None:
    on.identity(allow(ASSUME, on.role.replace("reader", "Reader")))


def secretly_trusted(on: Stage) -> None:
    """Require an external ID in the trust policy that the fix rewrites: its command must not show it."""
    on.trust(on.mallory, StringEquals={"sts:ExternalId": SECRET})
    on.parameters = {"ExternalId": SECRET}


def trust_denies(on: Stage) -> None:
    document = json.loads(trusting(on.alice))
    document["Statement"] += [{**document["Statement"][0], "Effect": "Deny", "Sid": "NotAlice"}]
    on.destination_iam.update_assume_role_policy(RoleName="reader", PolicyDocument=json.dumps(document))


def wanting_tag(on: Stage) -> None:
    both = [ASSUME, "sts:TagSession"]
    on.identity(allow(both, on.role))
    on.trust(actions=both, StringEquals={"aws:RequestTag/team": "books"})


def wanting_identity(on: Stage) -> None:
    both = [ASSUME, "sts:SetSourceIdentity"]
    on.identity(allow(both, on.role))
    on.trust(actions=both, StringEquals={"sts:SourceIdentity": "alice"})


def chained_too_long(on: Stage) -> None:
    on.trust(on.become())
    on.destination_iam.update_role(RoleName="reader", MaxSessionDuration=43200)
    on.parameters = {"DurationSeconds": 7200}


def with_parameters(**parameters: Any) -> Callable[[Stage], None]:
    def break_it(on: Stage) -> None:
        on.parameters = dict(parameters)

    return break_it


def reader_of(on: Stage) -> str:
    return f"arn:aws:iam::{on.world.destination}:role/reader"


def hub_of(on: Stage) -> str:
    return f"arn:aws:iam::{on.world.source}:role/hub"


def as_root(on: Stage) -> None:
    on.keys = (on.world.source, on.world.root_secret(on.world.source))


def federated(on: Stage) -> None:
    on.identity(allow("sts:*", "*"))
    made = on.clients()("sts").get_federation_token(Name="visitor", Policy=allow("*", "*"))["Credentials"]
    on.keys = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]


def expired(on: Stage) -> None:
    on.trust(on.become())
    assert on.sandbox
    expire_session(on.sandbox, on.keys[0])


def inactive(on: Stage) -> None:
    on.source_iam.update_access_key(UserName="alice", AccessKeyId=on.keys[0], Status="Inactive")


def reactivated(on: Stage) -> None:
    on.source_iam.update_access_key(UserName="alice", AccessKeyId=on.keys[0], Status="Active")


def no_key(on: Stage) -> None:
    on.keys = ("AKIA" + "A" * 16, on.keys[1])


def wrong_secret(on: Stage) -> None:
    on.keys = (on.keys[0], "x" * 40)


def as_mallory(on: Stage) -> None:
    on.intended = on.alice
    on.sign_in("mallory")


def with_mfa(on: Stage, code: str = "123456", serial: str = "") -> None:
    """Make the request with a device of Alice, with this code or another serial number."""
    known = on.device()
    on.parameters = {"SerialNumber": serial or known, "TokenCode": code}


def mfa_again(on: Stage) -> None:
    serial = on.source_iam.list_mfa_devices(UserName="alice")["MFADevices"][0]["SerialNumber"]
    on.parameters = {"SerialNumber": serial, "TokenCode": on.code()}


def used_code(on: Stage) -> None:
    with_mfa(on)
    mfa_again(on)
    assert on.try_it().allowed


def in_china(on: Stage) -> None:
    on.role = on.role.replace("arn:aws:", "arn:aws-cn:")


def throttled(on: Stage) -> None:
    assert on.sandbox
    misbehave(on.sandbox, Fault("throttling", ("AssumeRole",)))


def short_role(on: Stage) -> None:
    on.role = on.role.replace(on.world.destination, "2")


def doubled_tags(on: Stage) -> None:
    both = [ASSUME, "sts:TagSession"]
    on.identity(allow(both, on.role))
    on.trust(actions=both)
    on.parameters = {"Tags": [{"Key": "team", "Value": "books"}, {"Key": "Team", "Value": "books"}]}


def second_identity(on: Stage) -> None:
    both = [ASSUME, "sts:SetSourceIdentity"]
    on.trust(on.become(policy=allow(both, on.role), SourceIdentity="alice"), actions=both)
    on.parameters = {"SourceIdentity": "bob"}


def sso(on: Stage) -> None:
    """Replace the role of a permission set by one with another suffix."""
    path, name = "/aws-reserved/sso.amazonaws.com/eu-west-1/", "AWSReservedSSO_Books_0123456789abcde"
    on.trust(on.become(f"{name}1", path))
    on.source_iam.delete_role_policy(RoleName=f"{name}1", PolicyName="assume")
    on.source_iam.delete_role(RoleName=f"{name}1")
    on.become(f"{name}2", path)


def organized(on: Stage, denying: str = "") -> None:
    """Put both accounts into an organization, one of whose control policies denies AssumeRole."""
    name = f"o-{on.world.source[:10]}"
    members = dict.fromkeys((on.world.source, on.world.destination), f"{name}/r-ab12/")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": ASSUME, "Resource": "*"}
    policies: dict[str, Any] = {
        "": {},
        "service": {"service_control_policies": {on.world.source: levels(everything, deny)}},
        "resource": {"resource_control_policies": {on.world.destination: levels(deny | {"Principal": "*"})}},
    }[denying]
    assert on.sandbox
    set_organization(on.sandbox, name, members, **policies)


def levels(*statements: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [[{"Version": "2012-10-17", "Statement": list(statements)}]]


def invited(on: Stage) -> None:
    on.identity(allow(ASSUME, "*"))
    on.role = on.role.replace("reader", "OrganizationAccountAccessRole")


def with_access_role(on: Stage) -> None:
    on.destination_iam.create_role(
        RoleName="OrganizationAccountAccessRole", AssumeRolePolicyDocument=trusting(on.alice)
    )


SOURCE = (
    Broken("no-identity-allow", "B1", lambda on: on.identity(None)),
    Broken("other-resource-arn", "B2", another_case),
    Broken("other-resource-arn", "B2",
           lambda on: on.identity(allow(ASSUME, on.role.replace(":iam:", ":sts:")))),
    Broken("policy-not-attached", "B3", elsewhere),
    Broken("policy-not-attached", "B3", of_mallory),
    Broken("policy-not-attached", "B3", of_a_group),
    Broken("old-policy-version", "B4", newer_version),
    Broken("identity-deny", "B5", lambda on: on.identity(allow(ASSUME, "*", "Deny"), "no-roles")),
    Broken("deny-without-mfa", "B5", denied_without_mfa),
    Broken("identity-condition", "B6",
           lambda on: on.identity(allow(ASSUME, on.role, StringEquals={"aws:PrincipalTag/team": "books"}))),
    Broken("caller-boundary", "B7", boundary),
    Broken("caller-boundary", "B7", denying_boundary),
    Broken("no-tag-session", "B11", lambda on: tagged(on, source_allows=False), side="source"),
    Broken("no-set-source-identity", "B12", lambda on: identified(on, source_allows=False), side="source"),
    Broken("old-policy-language", "B13", variable),
    Broken("chained-role-without-allow", "B14", chained),
    Broken("external-id-in-caller-policy", "C11", external_id_twice, side="source"),
)  # fmt: skip
DESTINATION = (
    Broken("no-tag-session", "B11", lambda on: tagged(on, source_allows=True), side="destination"),
    Broken("no-set-source-identity", "B12",
           lambda on: identified(on, source_allows=True), side="destination"),
    Broken("no-such-role", "C1", another_path, lambda on: setattr(on, "role", on.role.replace("teams/", ""))),
    Broken("account-not-trusted", "C2",
           lambda on: on.trust(f"arn:aws:iam::{on.world.destination}:user/admin")),
    Broken("other-principal-trusted", "C3", lambda on: on.trust(on.mallory)),
    Broken("other-principal-trusted", "C3", secretly_trusted),
    Broken("session-arn-trusted", "C4", session_trusted),
    Broken("deleted-principal-trusted", "C5", deleted),
    Broken("permission-set-replaced", "C9", sso),
    Broken("external-id-missing", "C10", lambda on: on.trust(StringEquals={"sts:ExternalId": SECRET})),
    Broken("external-id-differs", "C10", wrong_external_id),
    Broken("mfa-required", "C12", wanting_mfa),
    Broken("mfa-in-chain", "C13", mfa_in_chain),
    Broken("other-organization", "C14",
           lambda on: on.trust(StringEquals={"aws:PrincipalOrgID": "o-a1b2c3d4e5"}), lambda on: on.trust()),
    Broken("source-address", "C15",
           lambda on: on.trust(IpAddress={"aws:SourceIp": "203.0.113.0/24"}),
           lambda on: on.trust(IpAddress={"aws:SourceIp": ["203.0.113.0/24", "127.0.0.1/32"]})),
    Broken("outside-dates", "C16",
           lambda on: on.trust(DateLessThan={"aws:CurrentTime": "2020-01-01T00:00:00Z"}),
           lambda on: on.trust(DateLessThan={"aws:CurrentTime": "2120-01-01T00:00:00Z"})),
    Broken("session-name", "C17",
           lambda on: on.trust(StringEquals={"sts:RoleSessionName": "${aws:username}"})),
    Broken("source-identity-required", "C18", wanting_identity),
    Broken("service-key-on-principal", "C19",
           lambda on: on.trust(StringEquals={"aws:SourceAccount": on.world.source})),
    Broken("trust-deny", "C20", trust_denies),
    Broken("principal-arn-of-session", "C21", principal_arn),
    Broken("other-assume-action", "C22", lambda on: on.trust("ec2.amazonaws.com")),
    Broken("other-assume-action", "C22", lambda on: on.trust(actions="sts:TagSession")),
    Broken("self-assume", "C23", itself),
    Broken("request-condition", "C27", wanting_tag),
    Broken("trust-condition", "C27",
           lambda on: on.trust(StringEquals={"aws:PrincipalTag/team": "books"}),
           lambda on: on.source_iam.tag_user(UserName="alice", Tags=[{"Key": "team", "Value": "books"}])),
)  # fmt: skip
CALL = (
    Broken("root-caller", "A12", as_root, lambda on: on.sign_in("alice")),
    Broken("federated-caller", "A13", federated, lambda on: on.sign_in("alice")),
    Broken("expired-credentials", "A9", expired, lambda on: on.sit_in(hub_of(on))),
    Broken("unknown-access-key", "A10", inactive, reactivated),
    Broken("unknown-access-key", "A10", no_key, lambda on: on.sign_in("alice")),
    Broken("wrong-secret-key", "A10", wrong_secret, lambda on: on.sign_in("alice")),
    Broken("another-caller", "A8", as_mallory, lambda on: on.sign_in("alice")),
    Broken("no-mfa-code", "A15", lambda on: with_mfa(on, ""), mfa_again),
    Broken("no-mfa-code", "A15", lambda on: with_mfa(on, "abcdef"), mfa_again),
    Broken("wrong-mfa-form", "A15", lambda on: with_mfa(on, serial="alice"), mfa_again),
    Broken("wrong-mfa-serial", "A16", lambda on: with_mfa(on, serial=on.alice)),
    Broken("wrong-mfa-code", "A17", lambda on: with_mfa(on, "000000"), mfa_again),
    Broken("wrong-mfa-code", "A17", used_code, mfa_again),
    Broken("other-partition", "F3", in_china, lambda on: setattr(on, "role", reader_of(on))),
    Broken("throttled", "F6", throttled, lambda on: behave(on.sandbox)),
    Broken("invalid-role-arn", "E5", short_role, lambda on: setattr(on, "role", reader_of(on))),
    Broken("malformed-session-policy", "E7", with_parameters(Policy="{"), with_parameters()),
    Broken("malformed-session-policy", "E7",
           with_parameters(Policy=allow("s3:GetObject", ["*"] * 999)), with_parameters()),
    Broken("malformed-session-policy", "E7",
           with_parameters(PolicyArns=[{"arn": "arn:aws:iam::222222222222:policy/not-there"}]),
           with_parameters()),
    Broken("invalid-session-tags", "E8", doubled_tags, with_parameters()),
    Broken("other-source-identity", "E9", second_identity),
    Broken("invalid-external-id", "E10", with_parameters(ExternalId="two words"), with_parameters()),
    Broken("longer-than-role-allows", "E1", with_parameters(DurationSeconds=7200)),
    Broken("longer-than-chain-allows", "E2", chained_too_long),
    Broken("duration-out-of-range", "E3", with_parameters(DurationSeconds=60)),
    Broken("invalid-session-name", "E4", with_parameters(RoleSessionName="alice of the books")),
)  # fmt: skip
ORGANIZATION = (
    Broken("service-control-policy", "B9", lambda on: organized(on, "service"), organized),
    Broken("resource-control-policy", "O1", lambda on: organized(on, "resource"), organized),
    Broken("no-access-role", "O4", invited, with_access_role),
)
TABLE = (*SOURCE, *DESTINATION, *CALL, *ORGANIZATION)
