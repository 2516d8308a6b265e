"""Sheet 9, revoke and clean up: one principal loses access, live sessions end, and nothing is left behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from xacct_nb.aws.answers import call_aws
from xacct_nb.aws.polling import Wait
from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.inventory import Item, items_in, remove
from xacct_nb.workshop.judging import compare, judge, not_yet
from xacct_nb.workshop.preparing import allow, assume, document, make_role, trust
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

READER, HUB, TRIAL = "reports-reader", "team-hub", "trial-reader"
ARCHIVE, SHARED, APP, BACKUP = "archive-reader", "archive-read", "app", "backup-reader"
LIVE, TRIED, TWELVE_HOURS = "mallory-session", "the session of mallory", 43200
SUMMARY = "summary-reader"  # every world has it; the role hub assumes it
REPORT, OLD = "2026/summary.csv", "archive/2025.csv"
Step = tuple[Callable[[], None], tuple[Question, ...]]
"""A change, and what is asked after it."""


def _prepare(world: WorkshopWorld) -> None:
    """Make a role with two ways in and a live session, a role to try, one to remove, and one left behind."""
    iam, calls = world.admin("source", "iam"), partial(allow, "sts:AssumeRole")
    mallory, reader = world.user_arn("mallory"), world.role_arn(READER)
    hub = make_role(world, "source", HUB, [trust(world.source)], [calls(reader)])
    iam.put_user_policy(UserName="alice", PolicyName=f"assume-{HUB}", PolicyDocument=document(calls(hub)))
    reads, both = [allow("s3:GetObject", world.object_arn("2026/*"))], [trust([mallory, hub])]
    make_role(world, "destination", READER, both, reads, MaxSessionDuration=TWELVE_HOURS)
    make_role(world, "destination", TRIAL, [trust(mallory)], reads)
    _make_archive(world)
    _make_again(world)
    world.keep_session(LIVE, assume(world, "mallory", reader, LIVE, DurationSeconds=TWELVE_HOURS))


def _make_archive(world: WorkshopWorld) -> None:
    """Make a role with all that AWS wants removed before it, and a policy that another role has, too."""
    iam, old = world.admin("destination", "iam"), allow("s3:GetObject", world.object_arn("archive/*"))
    lists = allow("s3:ListBucket", f"arn:aws:s3:::{world.bucket}")
    make_role(world, "destination", ARCHIVE, [trust(world.source)], [lists])
    shared = iam.create_policy(PolicyName=SHARED, PolicyDocument=document(old))["Policy"]["Arn"]
    for role in (ARCHIVE, SUMMARY):
        iam.attach_role_policy(RoleName=role, PolicyArn=shared)
    iam.create_instance_profile(InstanceProfileName=ARCHIVE)
    iam.add_role_to_instance_profile(InstanceProfileName=ARCHIVE, RoleName=ARCHIVE)
    world.admin("destination", "s3").put_object(Bucket=world.bucket, Key=OLD, Body=b"quarter,orders\n4,871\n")


def _make_again(world: WorkshopWorld) -> None:
    """Let a role trust the user app, then delete that user, and make it again."""
    app, report = world.user_arn(world.add_user(APP)), world.object_arn(REPORT)
    backup = make_role(world, "destination", BACKUP, [trust(app)], [allow("s3:GetObject", report)])
    remove(partial(world.admin, "source"), Item("user", APP))
    world.add_user(APP)
    policy = document(allow("sts:AssumeRole", backup))
    world.admin("source", "iam").put_user_policy(
        UserName=APP, PolicyName=f"assume-{BACKUP}", PolicyDocument=policy
    )


def _check_goes_on(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, list) or any(each not in list("abcd") for each in answer):
        return not_yet("The answer is a list of letters from a to d.")
    trial, report = world.role_arn(TRIAL), world.object_arn(REPORT)
    anew = Question("mallory", "a" in answer, (trial,), because="a")
    reads = [Question(TRIED, each in answer, (), "s3:GetObject", report, each) for each in "bcd"]
    steps: tuple[Step, ...] = (
        (partial(_set_trial, world, "nobody"), (anew, reads[0])),
        (partial(_set_key, world, "Inactive"), (reads[1],)),
        (partial(_set_trial, world, "nobody", "s3:ListBucket"), (reads[2],)),
    )
    _set_trial(world, "mallory")
    _set_key(world, "Active")
    world.add_session(TRIED, assume(world, "mallory", trial, "before"))
    try:
        return _compare_after(world, steps)
    finally:
        _set_trial(world, "mallory")
        _set_key(world, "Active")


def _compare_after(world: WorkshopWorld, steps: tuple[Step, ...]) -> Verdict:
    """Return the verdict on a prediction about several states, up to the first that differs."""
    found = Verdict("")
    for change, questions in steps:
        change()
        verdict = compare(world, *questions)
        found = replace(verdict, asked=found.asked + verdict.asked)
        if not found.is_correct:
            break
    return found


def _set_trial(world: WorkshopWorld, trusted: str, action: str = "s3:GetObject") -> None:
    """Let the trial role trust Mallory, or nobody of the source account; let it do one thing."""
    iam = world.admin("destination", "iam")
    who = world.user_arn("mallory") if trusted == "mallory" else world.user_arn("admin", "destination")
    trusts, may = document(trust(who)), document(allow(action, world.object_arn("2026/*")))
    call_aws(lambda: iam.update_assume_role_policy(RoleName=TRIAL, PolicyDocument=trusts))
    call_aws(lambda: iam.put_role_policy(RoleName=TRIAL, PolicyName=TRIAL, PolicyDocument=may))


def _set_key(world: WorkshopWorld, status: Any) -> None:
    """Set Mallory's access keys to Active or Inactive."""
    iam = world.admin("source", "iam")
    keys = call_aws(lambda: iam.list_access_keys(UserName="mallory")).value or {"AccessKeyMetadata": ()}
    for each in keys["AccessKeyMetadata"]:
        about = {"UserName": "mallory", "AccessKeyId": each["AccessKeyId"]}
        call_aws(partial(iam.update_access_key, **about, Status=status))


def _check_one_out(world: WorkshopWorld, answer: object) -> Verdict:
    reader, report, new = world.role_arn(READER), world.object_arn(REPORT), "Nobody new gets in."
    over_hub = world.role_arn(HUB, "source"), reader
    with _given_again(world):
        return judge(
            world,
            Question("alice", True, over_hub, "s3:GetObject", report, "Alice keeps her access."),
            Question("mallory", True, (), "sts:GetCallerIdentity", "", "She stays in the source account."),
            Question("mallory", False, (reader,), because="The trust policy named her."),
            Question("mallory", False, over_hub, because="It is the same role, by another way."),
            *(Question(who, False, (reader,), because=new) for who in ("source-admin", "outsider")),
        )


@contextmanager
def _given_again(world: WorkshopWorld) -> Iterator[None]:
    """Give Mallory a policy that allows every AssumeRole for a while, as her administrator may at any time."""
    iam, about = world.admin("source", "iam"), {"UserName": "mallory", "PolicyName": "given-again"}
    policy = document(allow("sts:AssumeRole", "*"))
    call_aws(lambda: iam.put_user_policy(**about, PolicyDocument=policy))
    try:
        yield
    finally:
        call_aws(lambda: iam.delete_user_policy(**about))


def _check_ended(world: WorkshopWorld, answer: object) -> Verdict:
    reader, report = world.role_arn(READER), world.object_arn(REPORT)
    return judge(
        world,
        Question("mallory", False, (reader,), because="She could have a new session at once."),
        Question(LIVE, False, (), "s3:GetObject", report, "Its credentials may be in other hands."),
        Question("alice", True, (world.role_arn(HUB, "source"), reader), because="The role stays."),
        _issued(reader, report, False, -3600, "A session that was issued an hour ago."),
        _issued(reader, report, True, 120, "A session that is issued in two minutes."),
    )


def _issued(role: str, report: str, expected: bool, seconds: int, because: str) -> Question:
    """Return what the policies of a role say of a session that is issued so many seconds from now."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    entry = {
        "ContextKeyName": "aws:TokenIssueTime",
        "ContextKeyType": "date",
        "ContextKeyValues": [f"{moment:%Y-%m-%dT%H:%M:%SZ}"],
    }
    more: dict[str, Any] = {"ContextEntries": [entry]}
    return Question("destination-admin", expected, (role,), "s3:GetObject", report, because, more, True)


def _check_removed(world: WorkshopWorld, answer: object) -> Verdict:
    if left := _left(world):
        names = ", ".join(f"{item.kind} {item.name}" for item in left)
        return not_yet(f"In the destination account AWS still lists: {names}.")
    summary = world.role_arn("hub", "source"), world.role_arn(SUMMARY)
    old, kept = world.object_arn(OLD), "This role has the managed policy, too."
    return judge(
        world,
        Question("alice", False, (world.role_arn(ARCHIVE),), because="The role is gone."),
        Question("source-admin", True, summary, "s3:GetObject", old, kept),
    )


def _left(world: WorkshopWorld) -> list[Item]:
    """Return what is left of the archive's role, once its removal had time to have its effect."""
    wait = Wait("the role is not listed any more", world.patience)
    while True:
        found = items_in(partial(world.admin, "destination"), ("instance profile", "role"))
        left = [item for item in found if item.name == ARCHIVE]
        if not left or not wait.pause():
            wait.close()
            return left


def _check_again(world: WorkshopWorld, answer: object) -> Verdict:
    backup, report = world.role_arn(BACKUP), world.object_arn(REPORT)
    others = ("mallory", "alice", "source-admin", "outsider")
    return judge(
        world,
        Question(APP, True, (backup,), "s3:GetObject", report, "The backup has to run again."),
        *(Question(who, False, (backup,), because="It is for app alone.") for who in others),
    )


_STARTER = "answer = None  # replace this line by your own\nanswer"
_OUT = """\
who = {"Effect": "Allow", "Principal": {"AWS": %s}, "Action": "sts:AssumeRole"}
sheet.put_role("reports-reader", {"Version": "2012-10-17", "Statement": [who]})
"""
_HUB_FOR_ALICE = """\
alone = {**who, "Principal": {"AWS": sheet.user_arn("alice")}}
sheet.put_role("team-hub", {"Version": "2012-10-17", "Statement": [alone]}, side="source")
answer = "done"
answer"""
_END = """\
import datetime
import json

now = datetime.datetime.now(datetime.timezone.utc)
%s
policy, iam = {"Version": "2012-10-17", "Statement": [%s]}, sheet.client("destination-admin", "iam")
iam.put_role_policy(RoleName="reports-reader", PolicyName="%s", PolicyDocument=json.dumps(policy))
answer = "done"
answer"""
_DENY = 'ended = {"Effect": "Deny", "Action": "*", "Resource": "*"}'
_SOON = 'f"{soon:%Y-%m-%dT%H:%M:%SZ}"'
_OLDER = 'ended["Condition"] = {"DateLessThan": {"aws:TokenIssueTime": %s}}'
_PROFILE = 'iam.delete_instance_profile(InstanceProfileName="archive-reader")\n'
_ROLE = "iam.delete_role(**role)\n"
_REMOVE = """\
iam, role = sheet.client("destination-admin", "iam"), {"RoleName": "archive-reader"}
iam.remove_role_from_instance_profile(InstanceProfileName="archive-reader", **role)
%spolicy = f"arn:aws:iam::{sheet.destination}:policy/archive-read"
iam.detach_role_policy(**role, PolicyArn=policy)
iam.delete_role_policy(**role, PolicyName="archive-reader")
%sanswer = "done"
answer"""
_AGAIN = """\
who = {"Effect": "Allow", "Principal": {"AWS": %s}, "Action": "sts:AssumeRole"}
sheet.put_role("backup-reader", {"Version": "2012-10-17", "Statement": [who]})
answer = "done"
answer"""

GOES_ON = Exercise(
    name="goes_on",
    title="Say what goes on",
    task="""\
Mallory has a session of the role `trial-reader`, which may read the objects below `2026/`. Then three things are changed, one after the other.
Which of the calls a to d does AWS allow?

| | |
|---|---|
| change | the trust policy of `trial-reader` does not name Mallory any more |
| `a` | Mallory assumes `trial-reader` |
| `b` | her session from before reads `2026/summary.csv` |
| change | Mallory's access key, with which she got the session, is deactivated |
| `c` | the session reads `2026/summary.csv` again |
| change | the permissions policy of `trial-reader` does not allow `s3:GetObject` any more |
| `d` | the session reads `2026/summary.csv` once more |

Set `answer` to a list of letters, such as `["a", "d"]`. The check makes the changes and the calls, then it puts all of it back. The role
`trial-reader` is there for this alone.""",
    starter="answer = None  # a list of letters\nanswer",
    check=_check_goes_on,
    hints=(
        "For each change ask: when does AWS look at it? At AssumeRole, or at each call of the session?",
        "A session has credentials of its own. AWS looks at the trust policy and at Mallory's key when she gets them, not later.",
        "The permissions of the role are evaluated at each call. So two of the four are allowed: the session goes on through two changes.",
    ),
    solution='answer = ["b", "c"]\nanswer',
    wrong=WrongAnswer(
        "answer = []\nanswer",
        "You say that this fails, and AWS allows it: the session of mallory calls s3:GetObject",
    ),
    others=('answer = ["c", "b"]\nanswer', 'answer = list("bc")\nanswer'),
    too_wide="",  # it is a prediction
    why=(
        "AWS evaluates a trust policy at AssumeRole, and not again while the session lasts, which can be 12 hours. What the role may do is "
        "evaluated at each call. So this is where a live session can be stopped."
    ),
)

ONE_OUT = Exercise(
    name="one_out",
    title="Take access away from one, and not from the other",
    task="""\
Mallory moves to another team, and may not read the reports any more. Alice still reads them, over the role `team-hub` of the source account.

Change what has to be changed, so that Mallory cannot assume `reports-reader` in any way. Mallory stays a user of the source account. Then set
`answer = "done"`.

Her own policy, which allows `sts:AssumeRole` on every role, cannot be the answer: the check gives her such a policy again, as an administrator
of the source account may at any time.""",
    starter=_STARTER,
    check=_check_one_out,
    hints=(
        'Two roles matter. Read who may assume each of them: sheet.client("source-admin", "iam").get_role(RoleName="team-hub"), '
        'and the same as "destination-admin" for reports-reader.',
        "reports-reader names Mallory, and it names team-hub. And team-hub trusts the whole source account, so also Mallory.",
        'sheet.put_role("reports-reader", ...) with the hub as its only principal, and sheet.put_role("team-hub", ..., side="source") '
        "with Alice as its only one.",
    ),
    solution=_OUT % 'sheet.role_arn("team-hub", "source")' + _HUB_FOR_ALICE,
    wrong=WrongAnswer(
        _OUT % 'sheet.role_arn("team-hub", "source")' + 'answer = "done"\nanswer',
        "AWS allows what it has to deny: mallory assumes role/team-hub, then role/reports-reader",
    ),
    others=(
        """\
import json

for side, name in (("source", "team-hub"), ("destination", "reports-reader")):
    iam = sheet.client(f"{side}-admin", "iam")
    policy = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    deny = {"Effect": "Deny", "Principal": {"AWS": sheet.user_arn("mallory")}, "Action": "sts:AssumeRole"}
    policy["Statement"].append(deny)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(policy))
answer = "done"
answer""",
        _OUT % 'sheet.role_arn("team-hub", "source")'
        + """\
alone = {"StringEquals": {"aws:PrincipalArn": sheet.user_arn("alice")}}
hub = {**who, "Principal": {"AWS": sheet.source}, "Condition": alone}
sheet.put_role("team-hub", {"Version": "2012-10-17", "Statement": hub}, side="source")
answer = "done"
answer""",
    ),
    too_wide=_OUT % '[sheet.role_arn("team-hub", "source"), sheet.source]' + _HUB_FOR_ALICE,
    why=(
        "Who is trusted is a chain: behind each role in a trust policy are all who may assume that role. And each account can close only its "
        "own half: reports-reader is yours, who gets into the hub is decided by the other account."
    ),
)

ENDED = Exercise(
    name="ended",
    title="End the sessions of before",
    task="""\
Mallory cannot assume `reports-reader` any more, but she did so this morning. That session is the profile `mallory-session`. It is valid for twelve
hours, and its credentials may be in other hands by now. Try it:

```python
s3 = sheet.client("mallory-session", "s3")
s3.get_object(Bucket=sheet.bucket, Key="2026/summary.csv")["Body"].read()
```

End **all** sessions of the role that were issued until now, in the way in which the console's button *Revoke active sessions* does it: an inline
policy on the role that denies everything where `aws:TokenIssueTime`, the moment at which a session was issued, is before now. Alice assumes the
role again afterwards, and her new session works. Then set `answer = "done"`.

The check uses the live session, and asks IAM's policy simulator about one from an hour ago and one that is issued in two minutes.""",
    starter=_STARTER,
    check=_check_ended,
    hints=(
        "Nothing takes a session's credentials back. What it may do is decided at each call, by the policies of the role.",
        "A Deny wins over every Allow. Give it a condition, so that it applies to older sessions only: the operator compares two dates.",
        '"Condition": {"DateLessThan": {"aws:TokenIssueTime": now}} with now = datetime.datetime.now(datetime.timezone.utc).isoformat(). '
        "The console calls its policy AWSRevokeOlderSessions.",
    ),
    solution=_END % (f"{_DENY}\n{_OLDER % 'now.isoformat()'}", "ended", "AWSRevokeOlderSessions"),
    wrong=WrongAnswer(
        """\
import json

ended = {"Effect": "Deny", "Action": "*", "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [ended]})
iam = sheet.client("source-admin", "iam")
iam.put_user_policy(UserName="mallory", PolicyName="nothing-any-more", PolicyDocument=policy)
answer = "done"
answer""",
        "AWS allows what it has to deny: mallory-session calls s3:GetObject",
    ),
    others=(
        _END
        % (
            'reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{sheet.bucket}/2026/*"}\n'
            'reads["Condition"] = {"DateGreaterThanEquals": {"aws:TokenIssueTime": now.isoformat()}}',
            "reads",
            "reports-reader",
        ),
        _END % (f"soon = now + datetime.timedelta(seconds=30)\n{_DENY}\n{_OLDER % _SOON}", "ended", "older"),
    ),
    too_wide=_END % (_DENY, "ended", "AWSRevokeOlderSessions"),
    why=(
        "First close the ways in, then end the sessions: in the other order she assumes the role again. All callers of the role lose their "
        "sessions, and who is still trusted gets a new one. The console, and the rollback of xacct-nb, end also those of the next 30 "
        "seconds: a part of AWS that the change has not reached may still issue one."
    ),
)

REMOVED = Exercise(
    name="removed",
    title="Remove a role, and nothing else",
    task="""\
The role `archive-reader` of the destination account is not needed any more, and the whole source account may assume it. Remove the role, and what
belongs to it alone:

| it has | called |
|---|---|
| an inline policy | `archive-reader` |
| an instance profile, which the console makes with a role for EC2 | `archive-reader` |
| an attached managed policy | `archive-read` |

The managed policy itself stays: the role `summary-reader` uses it, too. Begin with `iam.delete_role(RoleName="archive-reader")`, and let AWS say
what is in the way. Then set `answer = "done"`.""",
    starter=_STARTER,
    check=_check_removed,
    hints=(
        "Each message of DeleteConflict names one thing that is in the way. Remove it from the role, and try again.",
        "Take the role out of its instance profile, detach the managed policy, delete the inline policy. Then the role can be deleted. The "
        "instance profile has to be deleted as well.",
        "remove_role_from_instance_profile, delete_instance_profile, detach_role_policy, delete_role_policy, delete_role, in this order.",
    ),
    solution=_REMOVE % (_PROFILE, _ROLE),
    wrong=WrongAnswer(
        """\
nobody = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
sheet.put_role("archive-reader", {"Version": "2012-10-17", "Statement": [nobody]})
answer = "done"
answer""",
        "In the destination account AWS still lists: instance profile archive-reader, role archive-reader",
    ),
    others=(
        """\
iam, role = sheet.client("destination-admin", "iam"), {"RoleName": "archive-reader"}
for name in iam.list_role_policies(**role)["PolicyNames"]:
    iam.delete_role_policy(**role, PolicyName=name)
for policy in iam.list_attached_role_policies(**role)["AttachedPolicies"]:
    iam.detach_role_policy(**role, PolicyArn=policy["PolicyArn"])
for profile in iam.list_instance_profiles_for_role(**role)["InstanceProfiles"]:
    name = {"InstanceProfileName": profile["InstanceProfileName"]}
    iam.remove_role_from_instance_profile(**name, **role)
    iam.delete_instance_profile(**name)
iam.delete_role(**role)
answer = "done"
answer""",
        _REMOVE % ("", _ROLE + _PROFILE),
    ),
    too_wide=_REMOVE
    % (
        _PROFILE,
        f'{_ROLE}iam.detach_role_policy(RoleName="summary-reader", PolicyArn=policy)\n'
        "iam.delete_policy(PolicyArn=policy)\n",
    ),
    why=(
        "The order is the same for everything in IAM: first what belongs to it, then the thing itself. A user has more of it: access keys, "
        "MFA devices, a password, groups, policies. The live sessions of a role end when it is deleted."
    ),
)

AGAIN_TRUSTED = Exercise(
    name="again_trusted",
    title="Let in the user that was made again",
    task="""\
The user `app` of the source account was deleted by mistake, and made again at once: the same name, the same ARN, the same policy. Since then it
cannot assume `backup-reader` any more, although nobody has changed that role. See what stands there now:

```python
iam = sheet.client("destination-admin", "iam")
iam.get_role(RoleName="backup-reader")["Role"]["AssumeRolePolicyDocument"]
```

Let `app` in again, and nobody else. Then set `answer = "done"`. The check reads `2026/summary.csv` as `app`, and tries four others.""",
    starter=_STARTER,
    check=_check_again,
    hints=(
        "AWS does not keep the name of a trusted user, it keeps the unique id. Look at the principal of the trust policy: is it an ARN?",
        "AIDA... is the id of the deleted user. The new one has another id, so this statement trusts nobody. "
        'sheet.diagnose("app", sheet.role_arn("backup-reader")) says the same.',
        'Write the trust policy again, with the ARN: sheet.put_role("backup-reader", ...) with the principal '
        '{"AWS": sheet.user_arn("app")}. AWS then looks up the id that the name has now.',
    ),
    solution=_AGAIN % 'sheet.user_arn("app")',
    wrong=WrongAnswer(
        """\
import json

call = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [call]})
iam = sheet.client("source-admin", "iam")
iam.put_user_policy(UserName="app", PolicyName="assume-every-role", PolicyDocument=policy)
answer = "done"
answer""",
        "that principal was deleted, and user/app was created later",
    ),
    others=(
        """\
who = {"Effect": "Allow", "Principal": {"AWS": sheet.source}, "Action": "sts:AssumeRole"}
who["Condition"] = {"ArnEquals": {"aws:PrincipalArn": sheet.user_arn("app")}}
sheet.put_role("backup-reader", {"Version": "2012-10-17", "Statement": [who]})
answer = "done"
answer""",
        """\
import json

iam, role = sheet.client("destination-admin", "iam"), {"RoleName": "backup-reader"}
policy = iam.get_role(**role)["Role"]["AssumeRolePolicyDocument"]
policy["Statement"][0]["Principal"] = {"AWS": [sheet.user_arn("app")]}
iam.update_assume_role_policy(**role, PolicyDocument=json.dumps(policy))
answer = "done"
answer""",
    ),
    too_wide=_AGAIN % "sheet.source",
    why=(
        "This protects you: whoever gets a name that is free again does not get the access that went with it. It also means that a user who is "
        "deleted leaves a statement behind that trusts nobody. Remove it with the user."
    ),
)

SHEET = Sheet(
    number=9,
    name="revoke_and_clean_up",
    title="Revoke and clean up",
    minutes=20,
    introduction="""\
To give access takes two policies. To take it away, one of them is enough, and still access often goes on: by a session that is open, by a second way
that nobody thought of, or by a role that nobody removed.

```text
SOURCE ACCOUNT                                      DESTINATION ACCOUNT

mallory ─────────────────────── AssumeRole ──────►  role reports-reader ──► bucket
alice ──► role team-hub ─────── AssumeRole ──────►        ▲
                                                          │
mallory-session: assumed this morning, valid for 12 hours ┘
```

Mallory has to lose this access, and Alice keeps it. First you say what a live session survives. Then you close the ways in, end the sessions, and
remove what is left over.""",
    exercises=(GOES_ON, ONE_OUT, ENDED, REMOVED, AGAIN_TRUSTED),
    closing="""\
Access ends in this order: close the ways in, end the sessions, remove what belongs to the role, then the role. The clean-up above did the last part for the
whole sheet: it removed everything, and listed the accounts once more.""",
    prepare=_prepare,
    makes=(
        Made("source", "role", HUB),
        Made("source", "user", APP),
        Made("destination", "role", READER),
        Made("destination", "role", TRIAL),
        Made("destination", "role", ARCHIVE),
        Made("destination", "role", BACKUP),
        Made("destination", "instance profile", ARCHIVE),
        Made("destination", "policy", SHARED),
    ),
    instructor=Instructor(
        goals=(
            "say what a session survives, and what it does not: trust and keys count at AssumeRole, permissions at each call;",
            "find every way into a role, also over another role;",
            "end the sessions of before without locking out those who come after;",
            "remove a role in the order in which AWS allows it, and leave alone what others use;",
            "recognise the unique id of a deleted principal in a trust policy.",
        ),
        timing=(
            (3, "Show the picture. Ask the first question below."),
            (3, "Exercise 1: a vote for each letter, then the check."),
            (4, "Exercise 2. Most people find the first way in, and the check shows the second."),
            (4, "Exercise 3. Everybody tries the session before and after."),
            (3, "Exercise 4, led by the messages of DeleteConflict."),
            (3, "Exercise 5, and the clean-up."),
        ),
        pitfalls=(
            (
                "Mallory's policy is deleted, and exercise 2 is not correct",
                "The check gives it to her again. Who decides about policies of the source account? Not the owner of the role.",
            ),
            (
                "The session still reads after a Deny on the user mallory",
                "The session is the role, not the user. What counts is on the role.",
            ),
            (
                "The Deny is there, and the live session still reads, or new sessions are denied as well",
                "The moment is a local time without its zone. Write it in UTC, with Z or +00:00.",
            ),
            (
                "DeleteConflict: must remove roles from instance profile first",
                "An instance profile is a thing of its own. delete_role does not take it along, and the console does.",
            ),
            (
                "ExpiredToken for mallory-session",
                "Twelve hours are over. sheet.reset() begins the sheet again, with a new session.",
            ),
        ),
        questions=(
            (
                "A laptop with keys of a session is stolen. What do you do first?",
                "End the sessions of the role, and see who can assume it: with the user's keys on the same laptop the thief would assume it again.",
            ),
            (
                "Why not delete the role and make it again?",
                "It ends the sessions, too. But all that names the role by its unique id, such as trust policies of other roles, does not know the new one.",
            ),
            (
                "Does Alice notice the end of the sessions?",
                "Yes: her calls are denied until she assumes the role again. The AWS CLI keeps the old session in its cache, ~/.aws/cli/cache.",
            ),
            (
                "In which order do you remove a user?",
                "Access keys, MFA devices, password and other credentials, group memberships, policies, then the user. The console does it in one step.",
            ),
        ),
    ),
)
