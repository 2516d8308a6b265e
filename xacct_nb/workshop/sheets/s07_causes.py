"""The ten broken worlds of sheet 7, as data: what is broken, how it is found, and how it is mended."""

from collections.abc import Sequence

from xacct_nb.workshop.preparing import allow, document, trust
from xacct_nb.workshop.question import AssumeCall, Question
from xacct_nb.workshop.sheets.s07_world import BrokenAccess, Cast, build, make_writer
from xacct_nb.workshop.world import WorkshopWorld


def _wrong_account(world: WorkshopWorld, cast: Cast) -> None:
    build(world, cast, trusts=[trust(world.destination)])


def _other_name(world: WorkshopWorld, cast: Cast) -> None:
    build(world, cast, caller=[allow("sts:AssumeRole", world.role_arn(cast.role.title()))])


def _group_deny(world: WorkshopWorld, cast: Cast) -> None:
    build(world, cast)
    iam, deny = world.admin("source", "iam"), {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}
    world.add_user(cast.intern, group=cast.interns)
    iam.add_user_to_group(GroupName=cast.interns, UserName=cast.user)
    iam.put_group_policy(GroupName=cast.interns, PolicyName=cast.interns, PolicyDocument=document(deny))
    iam.put_user_policy(
        UserName=cast.intern,
        PolicyName=cast.intern,
        PolicyDocument=document(allow("sts:AssumeRole", world.role_arn(cast.writer))),
    )
    make_writer(world, cast, [world.user_arn(cast.user), world.user_arn(cast.intern)])


def _boundary(world: WorkshopWorld, cast: Cast) -> None:
    role = world.role_arn(cast.role)
    build(world, cast, caller=[allow("sts:AssumeRole", role), allow("iam:List*", "*")])
    iam = world.admin("source", "iam")
    made = iam.create_policy(PolicyName=f"{cast.topic}-boundary", PolicyDocument=document(allow("s3:*", "*")))
    iam.put_user_permissions_boundary(UserName=cast.user, PermissionsBoundary=made["Policy"]["Arn"])


def _external_id(world: WorkshopWorld, cast: Cast) -> None:
    agreed = {"sts:ExternalId": world.secret(cast.topic)}
    build(world, cast, trusts=[trust(world.user_arn(cast.user), StringEquals=agreed)])


def _made_again(world: WorkshopWorld, cast: Cast) -> None:
    build(world, cast, is_made_again=True)


def _other_tag(world: WorkshopWorld, cast: Cast) -> None:
    team = {"aws:PrincipalTag/team": cast.topic}
    build(world, cast, trusts=[trust(world.user_arn(cast.user), StringEquals=team)])
    tags = [{"Key": "team", "Value": cast.topic.title()}]
    world.admin("source", "iam").tag_user(UserName=cast.user, Tags=tags)


def _bucket_alone(world: WorkshopWorld, cast: Cast) -> None:
    build(world, cast, may=[allow("s3:GetObject", f"arn:aws:s3:::{world.bucket}")])


def _session_name(world: WorkshopWorld, cast: Cast) -> None:
    name = {"sts:RoleSessionName": "${aws:username}"}
    build(world, cast, trusts=[trust(world.user_arn(cast.user), StringEquals=name)])


def _still_no_iam(world: WorkshopWorld, cast: Cast) -> Sequence[Question]:
    return (Question(cast.user, False, (), "iam:ListUsers", "*", "The boundary keeps the team out of IAM."),)


def _intern_is_out(world: WorkshopWorld, cast: Cast) -> Sequence[Question]:
    return (
        Question(cast.intern, False, (world.role_arn(cast.writer),), because="Interns may assume no role."),
    )


def _not_without_id(world: WorkshopWorld, cast: Cast) -> Sequence[Question]:
    role, other = world.role_arn(cast.role), {"ExternalId": "another"}
    why = "The role must insist on the external ID."
    return (
        Question(cast.user, False, (role,), because=why),
        Question(cast.user, False, (AssumeCall(role, other),), because=why),
    )


def _not_as_another(world: WorkshopWorld, cast: Cast) -> Sequence[Question]:
    name = AssumeCall(world.role_arn(cast.role), {"RoleSessionName": "mallory"})
    return (Question(cast.user, False, (name,), because="A session has to show who it is."),)


def _not_longer(world: WorkshopWorld, cast: Cast) -> Sequence[Question]:
    longer = AssumeCall(world.role_arn(cast.role), {"DurationSeconds": 7260})
    return (Question(cast.user, False, (longer,), because="A minute more was not asked for."),)


_TRUST = """\
who = {"Effect": "Allow", "Principal": {"AWS": %s}, "Action": "sts:AssumeRole"}
sheet.put_role("$role", {"Version": "2012-10-17", "Statement": [who]})
answer = "done"
answer"""
_TRUST_IF = """\
who = {"Effect": "Allow", "Principal": {"AWS": %s}, "Action": "sts:AssumeRole"}
who["Condition"] = %s
sheet.put_role("$role", {"Version": "2012-10-17", "Statement": [who]})
answer = "done"
answer"""
_CALLER = """\
import json

call = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": %s}
policy = json.dumps({"Version": "2012-10-17", "Statement": [call]})
sheet.client("source-admin", "iam").put_user_policy(
    UserName="$user", PolicyName="%s", PolicyDocument=policy
)
answer = "done"
answer"""
_MAY = """\
import json

read = {"Effect": "Allow", "Action": "%s", "Resource": %s}
policy = json.dumps({"Version": "2012-10-17", "Statement": [read]})
sheet.client("destination-admin", "iam").put_role_policy(
    RoleName="$role", PolicyName="$role", PolicyDocument=policy
)
answer = "done"
answer"""
_BOUNDARY = """\
import json

buckets = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
role = {"Effect": "Allow", "Action": "%s", "Resource": sheet.role_arn("$role")}
policy = json.dumps({"Version": "2012-10-17", "Statement": [buckets, role]})
iam, arn = sheet.client("source-admin", "iam"), f"arn:aws:iam::{sheet.source}:policy/$topic-boundary"
iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy, SetAsDefault=True)
answer = "done"
answer"""
_GROUP = """\
import json

deny = {"Effect": "Deny", "Action": "sts:AssumeRole", %s}
policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
sheet.client("source-admin", "iam").put_group_policy(
    GroupName="$interns", PolicyName="$interns", PolicyDocument=policy
)
answer = "done"
answer"""
_OWN_RIGHT = _CALLER % ('sheet.role_arn("$role")', "assume-$role-again")
_USER = 'sheet.user_arn("$user")'
_ONLY_USER = _TRUST_IF % ("sheet.source", '{"ArnEquals": {"aws:PrincipalArn": sheet.user_arn("$user")}}')
_GRANT = """\
import xacct_nb as xa

grant = xa.Grant(
    name="$topic-read",
    sources=[sheet.user_arn("$user")],
    destinations=[sheet.role_arn("$role")],
    permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{sheet.bucket}/$topic/*"]}],
    adopt=True,
)
sheet.apply_grant(grant)
answer = "done"
answer"""
_READ_TRUST = 'Read it: sheet.client("destination-admin", "iam").get_role(RoleName="$role")["Role"]["AssumeRolePolicyDocument"].'

WRONG_ACCOUNT = BrokenAccess(
    name="wrong_account",
    title="The trust policy names another account",
    ticket="The role was made yesterday, from the template of another team.",
    make=_wrong_account,
    hints=(
        'Both sides have to allow the call. Ask sheet.diagnose("$user", sheet.role_arn("$role")) which one does not.',
        f"The caller's side is in order. Whom does the trust policy name? {_READ_TRUST}",
        'It names the account of the role itself. Name the user: sheet.put_role("$role", ...) with the principal sheet.user_arn("$user").',
    ),
    solution=_TRUST % _USER,
    wrong=_OWN_RIGHT,
    reason="The trust policy names",
    others=(_ONLY_USER, _GRANT),
    too_wide=_TRUST % "sheet.source",
    why="A wrong account number looks as good as a right one. Only a call shows it, or a tool that compares the two.",
)

OTHER_NAME = BrokenAccess(
    name="other_name",
    title="The caller policy names another role",
    ticket="Somebody copied the role's name by hand.",
    make=_other_name,
    hints=(
        'Ask sheet.diagnose("$user", sheet.role_arn("$role")). Which side does not allow the call?',
        'Compare the ARN in the policy of $user, letter by letter, with sheet.role_arn("$role"). ARNs are case sensitive.',
        'put_user_policy(UserName="$user", PolicyName="assume-$role", ...) with sts:AssumeRole on sheet.role_arn("$role").',
    ),
    solution=_CALLER % ('sheet.role_arn("$role")', "assume-$role"),
    wrong=_ONLY_USER,
    reason="another letter case",
    others=(
        _CALLER % ('f"arn:aws:iam::{sheet.destination}:role/$topic-read*"', "assume-$role"),
        """\
import json

call = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": sheet.role_arn("$role")}
policy = json.dumps({"Version": "2012-10-17", "Statement": [call]})
iam = sheet.client("source-admin", "iam")
made = iam.create_policy(PolicyName="assume-$role", PolicyDocument=policy)
iam.attach_user_policy(UserName="$user", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
    ),
    too_wide=_CALLER % ('"*"', "assume-$role"),
    why="AWS does not check the resource of a policy when it is written. A typing error is a policy for a role that is not there.",
)

GROUP_DENY = BrokenAccess(
    name="group_deny",
    title="A group denies it",
    ticket="$User was an intern until last week. Interns may assume no role at all, and that has to stay so.",
    make=_group_deny,
    hints=(
        "$User has a policy that allows the call, and the role trusts $user. What wins over an allow?",
        'In which groups is $user? sheet.client("source-admin", "iam").list_groups_for_user(UserName="$user").',
        '$User is no intern any more: remove_user_from_group(GroupName="$interns", UserName="$user").',
    ),
    solution="""\
iam = sheet.client("source-admin", "iam")
iam.remove_user_from_group(GroupName="$interns", UserName="$user")
answer = "done"
answer""",
    wrong=_OWN_RIGHT,
    reason="on group/sales-interns denies it",
    others=(
        _GROUP % '"NotResource": sheet.role_arn("$role")',
        _GROUP % '"Resource": [sheet.role_arn("$writer"), f"arn:aws:iam::{sheet.source}:role/*"]',
    ),
    too_wide="""\
iam = sheet.client("source-admin", "iam")
iam.delete_group_policy(GroupName="$interns", PolicyName="$interns")
answer = "done"
answer""",
    why="No allow helps against an explicit deny. To remove the deny for all would have let in everybody whom it kept out.",
    further=_intern_is_out,
)

BOUNDARY = BrokenAccess(
    name="boundary",
    title="A permissions boundary leaves it out",
    ticket="Everybody in this team has a permissions boundary, which keeps them out of IAM. That has to stay so.",
    make=_boundary,
    hints=(
        'The policy of $user allows the call, and the role trusts $user. sheet.diagnose("$user", sheet.role_arn("$role")) names what is left.',
        "A permissions boundary gives nothing, and caps everything: the call has to be allowed in it as well. Its policy is $topic-boundary.",
        "create_policy_version(PolicyArn=..., PolicyDocument=..., SetAsDefault=True): s3:* on * as before, and sts:AssumeRole on the role.",
    ),
    solution=_BOUNDARY % "sts:AssumeRole",
    wrong=_OWN_RIGHT,
    reason="boundary",
    others=(
        _BOUNDARY % "sts:*",
        """\
import json

inside = {"Effect": "Allow", "Action": ["s3:*", "sts:AssumeRole"], "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [inside]})
iam = sheet.client("source-admin", "iam")
made = iam.create_policy(PolicyName="$topic-boundary-2", PolicyDocument=policy)
iam.put_user_permissions_boundary(UserName="$user", PermissionsBoundary=made["Policy"]["Arn"])
answer = "done"
answer""",
    ),
    too_wide="""\
sheet.client("source-admin", "iam").delete_user_permissions_boundary(UserName="$user")
answer = "done"
answer""",
    why="A boundary caps what its user can have, so one more policy on the user never helps. Without it, $user would have rights in IAM.",
    further=_still_no_iam,
)

EXTERNAL_ID = BrokenAccess(
    name="external_id",
    title="The job passes another external ID",
    ticket="The job passes the external ID of last year. The role has to insist on an external ID.",
    make=_external_id,
    hints=(
        "Both sides name the right ones. The trust policy has a condition, and the call has to meet it.",
        f"Which value does the condition compare with sts:ExternalId? {_READ_TRUST}",
        'Set answer = {"ExternalId": ...} with the value from the condition. It is also sheet.secret("$topic").',
    ),
    solution="""\
role = sheet.client("destination-admin", "iam").get_role(RoleName="$role")["Role"]
condition = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
answer = {"ExternalId": condition["StringEquals"]["sts:ExternalId"]}
answer""",
    wrong='answer = {"ExternalId": "$topic"}\nanswer',
    reason="sts:ExternalId",
    others=(
        _TRUST_IF % (_USER, '{"StringEquals": {"sts:ExternalId": "$topic-last-year"}}'),
        'answer = {"ExternalId": sheet.secret("$topic")}\nanswer',
    ),
    too_wide=_TRUST % _USER,
    why="AWS compares the external ID letter by letter and never says what it expected. Without the condition the role would take any call.",
    call=lambda world, cast: {"ExternalId": f"{cast.topic}-last-year"},
    further=_not_without_id,
)

MADE_AGAIN = BrokenAccess(
    name="made_again",
    title="The user was deleted and made again",
    ticket="It worked until yesterday, when $user was deleted by mistake and made again with the same name and the same policy.",
    make=_made_again,
    hints=(
        "The caller policy is in order: it came back with the user. Look at the other side.",
        f"A trust policy keeps the unique id of a user, not the name. What does it show for one that is gone? {_READ_TRUST}",
        'Write the trust policy anew: sheet.put_role("$role", ...) with the principal sheet.user_arn("$user"). AWS looks up the new id.',
    ),
    solution=_TRUST % _USER,
    wrong=_OWN_RIGHT,
    reason="that principal was deleted",
    others=(_ONLY_USER, _TRUST % f"[{_USER}]"),
    too_wide=_TRUST % "sheet.source",
    why="The name is the same, the user is not. AWS protects the role in this way from somebody who creates a user with an old name.",
)

OTHER_TAG = BrokenAccess(
    name="other_tag",
    title="A tag does not match",
    ticket="The role is for principals with a tag of the team. The tag of $user was set by hand.",
    make=_other_tag,
    hints=(
        "The trust policy names $user, and has a condition besides.",
        'Compare the value in the condition with the tag: list_user_tags(UserName="$user"), as source-admin.',
        'StringEquals is case sensitive. tag_user(UserName="$user", Tags=[{"Key": "team", "Value": "$topic"}]).',
    ),
    solution="""\
tags = [{"Key": "team", "Value": "$topic"}]
sheet.client("source-admin", "iam").tag_user(UserName="$user", Tags=tags)
answer = "done"
answer""",
    wrong=_OWN_RIGHT,
    reason="aws:PrincipalTag/team",
    others=(
        _TRUST_IF % (_USER, '{"StringEquals": {"aws:PrincipalTag/team": "$topic".title()}}'),
        _TRUST_IF % (_USER, '{"StringEqualsIgnoreCase": {"aws:PrincipalTag/team": "$topic"}}'),
    ),
    too_wide=_TRUST % "sheet.source",
    why="Tags decide about access as policies do. So who may set a tag decides as well, and a tag that is set by hand has typing errors.",
)

BUCKET_ALONE = BrokenAccess(
    name="bucket_alone",
    title="The permissions are about the bucket, not its objects",
    ticket="The role is to read what is below $topic/ in the bucket, and nothing else.",
    make=_bucket_alone,
    hints=(
        "Which call is denied? The job is in the role already, so neither the caller policy nor the trust policy is at fault.",
        's3:GetObject is about objects. What does the Resource in the policy name? get_role_policy(RoleName="$role", PolicyName="$role").',
        'put_role_policy with s3:GetObject on f"arn:aws:s3:::{sheet.bucket}/$topic/*".',
    ),
    solution=_MAY % ("s3:GetObject", 'f"arn:aws:s3:::{sheet.bucket}/$topic/*"'),
    wrong=_MAY % ("s3:*", 'f"arn:aws:s3:::{sheet.bucket}"'),
    reason="does not allow s3:GetObject",
    others=(
        _MAY % ("s3:Get*", '[f"arn:aws:s3:::{sheet.bucket}/$topic/*"]'),
        """\
import json

read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{sheet.bucket}/$topic/*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [read]})
iam = sheet.client("destination-admin", "iam")
made = iam.create_policy(PolicyName="$topic-read", PolicyDocument=policy)
iam.attach_role_policy(RoleName="$role", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
    ),
    too_wide=_MAY % ("s3:GetObject", '"*"'),
    why="The ARN of a bucket matches the bucket alone. More actions do not help: an action has to be allowed on what it is about.",
)

DURATION = BrokenAccess(
    name="duration",
    title="The session is longer than the role allows",
    ticket="The job takes two hours, so it asks for 7200 seconds. No session may be longer than that.",
    make=build,
    hints=(
        "This is no AccessDenied. Read AWS's message: which limit does it name?",
        "A role has a MaxSessionDuration, of one hour unless somebody set it. The administrator of its account changes it.",
        'sheet.client("destination-admin", "iam").update_role(RoleName="$role", MaxSessionDuration=7200).',
    ),
    solution="""\
iam = sheet.client("destination-admin", "iam")
iam.update_role(RoleName="$role", MaxSessionDuration=7200)
answer = "done"
answer""",
    wrong='answer = {"DurationSeconds": 3600}\nanswer',
    reason="MaxSessionDuration",
    others=(
        _GRANT.replace("    adopt=True", "    session_minutes=120,\n    adopt=True"),
        """\
iam = sheet.client("destination-admin", "iam")
iam.update_role(RoleName="$role", MaxSessionDuration=2 * 60 * 60, Description="Two hours for the job")
answer = {"DurationSeconds": 7200}
answer""",
    ),
    too_wide="""\
iam = sheet.client("destination-admin", "iam")
iam.update_role(RoleName="$role", MaxSessionDuration=43200)
answer = "done"
answer""",
    why="The role decides how long a session lives at most. A session outlives the trust that let it in, so the limit is a part of the access.",
    call=lambda world, cast: {"DurationSeconds": 7200},
    fixed={"DurationSeconds": 7200},
    further=_not_longer,
)

SESSION_NAME = BrokenAccess(
    name="session_name",
    title="The session has another name than the role asks for",
    ticket="The records of AWS show the session's name, so the role insists on a name. That has to stay so.",
    make=_session_name,
    hints=(
        "The trust policy names $user, and has a condition besides. What does it compare?",
        f"$${{aws:username}} stands for the name of the user who calls. {_READ_TRUST}",
        'The session has to be called as the user: answer = {"RoleSessionName": "$user"}.',
    ),
    solution='answer = {"RoleSessionName": "$user"}\nanswer',
    wrong='answer = {"RoleSessionName": "$role"}\nanswer',
    reason="sts:RoleSessionName",
    others=(
        _TRUST_IF % (_USER, '{"StringEquals": {"sts:RoleSessionName": "nightly-job"}}'),
        'answer = {"RoleSessionName": sheet.user_arn("$user").rpartition("/")[2]}\nanswer',
    ),
    too_wide=_TRUST % _USER,
    why="Without the condition, whoever calls may take any name, and the records would show that name.",
    call=lambda world, cast: {"RoleSessionName": "nightly-job"},
    further=_not_as_another,
)

CAUSES = (
    WRONG_ACCOUNT,
    OTHER_NAME,
    BUCKET_ALONE,
    GROUP_DENY,
    DURATION,
    EXTERNAL_ID,
    BOUNDARY,
    MADE_AGAIN,
    OTHER_TAG,
    SESSION_NAME,
)
