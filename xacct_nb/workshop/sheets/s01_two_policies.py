"""Sheet 1, the article itself: a policy on the caller's side, a role on the other side, and the test."""

from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.judging import compare, judge, judge_trust, not_yet
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

ROLE = "reports-reader"
REPORT = "2026/summary.csv"


def _check_caller(world: WorkshopWorld, answer: object) -> Verdict:
    ask, role = "sts:AssumeRole", world.role_arn(ROLE)
    return judge(
        world,
        Question("alice", True, (), ask, role, "Her own side has to allow the call.", simulated=True),
        Question(
            "alice", False, (), ask, world.role_arn("payroll-admin"), "Only this one role.", simulated=True
        ),
        Question(
            "alice", False, (), "iam:CreateUser", world.user_arn("eve"), "Only this call.", simulated=True
        ),
    )


def _check_trust(world: WorkshopWorld, answer: object) -> Verdict:
    role = (world.role_arn(ROLE),)
    return judge_trust(
        world,
        Question("alice", True, role, because="Both sides have to allow it."),
        Question("mallory", False, role, because="Her side allows it, and the role must not trust her."),
        Question("outsider", False, role, because="The role must trust nobody of another account."),
    )


def _check_permissions(world: WorkshopWorld, answer: object) -> Verdict:
    role, report = (world.role_arn(ROLE),), world.object_arn(REPORT)
    payroll = world.object_arn("2026/salaries.csv", world.other_bucket)
    bucket = f"arn:aws:s3:::{world.bucket}"
    return judge_trust(
        world,
        Question("alice", True, role, "s3:GetObject", report, "The role has to read the reports."),
        Question("alice", False, (), "s3:GetObject", report, "Without the role she has no access."),
        Question("alice", False, role, "s3:GetObject", payroll, "Payroll is not in the reports."),
        Question(
            "alice", False, role, "s3:PutObject", world.object_arn("2026/new.csv"), "Reading is not writing."
        ),
        Question("alice", False, role, "s3:DeleteObject", report, "Reading is not deleting."),
        Question(
            "alice", False, role, "s3:ListBucket", bucket, "Reading an object is not listing the bucket."
        ),
        Question("mallory", False, role, because="The role still must not trust her."),
    )


def _check_who_reads(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, list):
        return not_yet("The answer is a list of names.")
    role, report = (world.role_arn(ROLE),), world.object_arn(REPORT)
    names = ("alice", "mallory", "source-admin", "outsider")
    unknown = [str(name) for name in answer if name not in names]
    if unknown:
        return not_yet(f"Nobody here is called {', '.join(unknown)}.")
    predicted = (Question(name, name in answer, role, "s3:GetObject", report) for name in names)
    verdict = compare(world, *predicted)
    if verdict.is_correct and "alice" not in answer:  # nobody can read where the exercises before are open
        made = Question("alice", True, role, "s3:GetObject", report, "Exercises 1 to 3 make this way.")
        return judge(world, made)
    return verdict


_CALLER_POLICY = """\
import json

allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": %s}
policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
iam = sheet.client("source-admin", "iam")
iam.put_user_policy(UserName="alice", PolicyName="assume-reports-reader", PolicyDocument=policy)
answer = "done"
answer"""
_TRUST = """\
allow = {"Effect": "Allow", "Principal": {"AWS": %s}, "Action": "sts:AssumeRole"}
trust_policy = {"Version": "2012-10-17", "Statement": [allow]}
sheet.put_role("reports-reader", trust_policy)
answer = "done"
answer"""
_PERMISSIONS = """\
import json

allow = {"Effect": "Allow", "Action": %s, "Resource": %s}
policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
iam = sheet.client("destination-admin", "iam")
iam.put_role_policy(RoleName="reports-reader", PolicyName="read-reports", PolicyDocument=policy)
answer = "done"
answer"""
_STARTER = "answer = None  # replace this line by your own\nanswer"

CALLER_POLICY = Exercise(
    name="caller_policy",
    title="Let Alice call AssumeRole",
    task="""\
Alice has no rights at all. Her own side comes first: a policy in the **source account** that allows her one
call, `sts:AssumeRole`, on one role, `reports-reader` of the destination account. The role does not exist yet. Its
ARN is known all the same: `sheet.role_arn("reports-reader")`.

Put such a policy on the user `alice`, as the administrator of the source account. Any way is right: boto3 below,
the AWS CLI, an inline policy or a managed one. Then set `answer = "done"`.""",
    starter=_STARTER,
    check=_check_caller,
    hints=(
        'The administrator of the source account changes Alice: sheet.client("source-admin", "iam").',
        "The statement has Effect Allow, Action sts:AssumeRole, and as Resource the ARN of the role.",
        'iam.put_user_policy(UserName="alice", PolicyName=..., PolicyDocument=json.dumps(policy)) puts it on her.',
    ),
    solution=_CALLER_POLICY % 'sheet.role_arn("reports-reader")',
    wrong=WrongAnswer(
        _CALLER_POLICY % 'f"arn:aws:iam::{sheet.source}:role/reports-reader"',
        "AWS denies what it has to allow",
    ),
    others=(
        """\
import json

allow = {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [sheet.role_arn("reports-reader")]}
iam = sheet.client("source-admin", "iam")
made = iam.create_policy(
    PolicyName="assume-reports-reader",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allow}),
)
iam.attach_user_policy(UserName="alice", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
        """\
import json

allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": sheet.role_arn("reports-reader")}
policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
iam = sheet.client("source-admin", "iam")
iam.put_group_policy(GroupName="analysts", PolicyName="assume-reports-reader", PolicyDocument=policy)
answer = "done"
answer""",
    ),
    too_wide=_CALLER_POLICY % '"*"',
    why=(
        "A role in another account cannot pull anybody in: the caller's own account has to allow the call as well. "
        "A policy for one role keeps Alice out of every other role that trusts her account."
    ),
)

TRUSTED_ROLE = Exercise(
    name="trusted_role",
    title="Make a role that trusts Alice",
    task="""\
Now the **destination account**. Create the role `reports-reader` there, as its administrator. Its *trust policy* says
who may assume it: Alice, and nobody else. Her ARN is `sheet.user_arn("alice")`.

Then set `answer = "done"`. The check assumes the role as Alice, and tries it as two others.""",
    starter=_STARTER,
    check=_check_trust,
    hints=(
        'The administrator of the destination account makes the role: sheet.client("destination-admin", "iam").',
        'A trust policy has a Principal and no Resource: {"AWS": the ARN of Alice}.',
        'sheet.put_role("reports-reader", trust_policy) makes the role, or gives the one that is there this trust policy. '
        "In boto3 these are two calls: create_role, update_assume_role_policy.",
    ),
    solution=_TRUST % 'sheet.user_arn("alice")',
    wrong=WrongAnswer(_TRUST % 'f"arn:aws:iam::{sheet.destination}:root"', "The trust policy names"),
    others=(
        """\
import json

allow = {"Effect": "Allow", "Principal": {"AWS": [sheet.user_arn("alice")]}, "Action": ["sts:AssumeRole"]}
trust = json.dumps({"Version": "2012-10-17", "Statement": allow})
iam = sheet.client("destination-admin", "iam")
iam.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=trust, Path="/")
answer = "done"
answer""",
        """\
import json

who = {"ArnEquals": {"aws:PrincipalArn": sheet.user_arn("alice")}}
allow = {
    "Effect": "Allow", "Principal": {"AWS": sheet.source}, "Action": "sts:AssumeRole", "Condition": who
}
trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
sheet.client("destination-admin", "iam").create_role(
    RoleName="reports-reader", AssumeRolePolicyDocument=trust
)
answer = "done"
answer""",
    ),
    too_wide=_TRUST % "sheet.source",
    why=(
        "Trust in a whole account lets in everybody whom that account's administrators allow, today and later. Trust in "
        "one user does not grow when somebody else gets a policy."
    ),
)

PERMISSIONS = Exercise(
    name="permissions",
    title="Let the role read the reports",
    task="""\
Alice can be the role now, and the role can do nothing. Give it a *permissions policy*: `s3:GetObject` on the objects
of the bucket `sheet.bucket`, and nothing else. An ARN of all objects of a bucket ends with `/*`.

Then set `answer = "done"`. The check reads `2026/summary.csv` as Alice through the role. It also tries what must
fail: without the role, another bucket, writing, deleting, and listing the bucket.""",
    starter=_STARTER,
    check=_check_permissions,
    hints=(
        "The policy belongs to the role, in the destination account: iam.put_role_policy(...).",
        's3:GetObject is an action on objects, so its Resource is f"arn:aws:s3:::{sheet.bucket}/*".',
        'The statement: {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{sheet.bucket}/*"}.',
    ),
    solution=_PERMISSIONS % ('"s3:GetObject"', 'f"arn:aws:s3:::{sheet.bucket}/*"'),
    wrong=WrongAnswer(
        _PERMISSIONS % ('"s3:GetObject"', 'f"arn:aws:s3:::{sheet.bucket}"'), "does not allow s3:GetObject"
    ),
    others=(
        """\
import xacct_nb as xa

answer = "done"
grant = xa.Grant(
    name="reports-readers",
    sources=[sheet.user_arn("alice")],
    destinations=[sheet.role_arn("reports-reader")],
    permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{sheet.bucket}/*"]}],
    adopt=True,
)
sheet.apply_grant(grant)
answer""",
        """\
import json

allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{sheet.bucket}/2026/*"}
iam = sheet.client("destination-admin", "iam")
made = iam.create_policy(
    PolicyName="read-reports", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]})
)
iam.attach_role_policy(RoleName="reports-reader", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
    ),
    too_wide=_PERMISSIONS % ('"s3:*"', '"*"'),
    why=(
        "While Alice is the role, she has the role's permissions and none of her own. What the role may do is the most "
        "that everybody whom it trusts can do."
    ),
)

WHO_READS = Exercise(
    name="who_reads",
    title="Say who can read the report now",
    task="""\
The last step of the article is the test, and half of it is what must fail. Four try to read `2026/summary.csv` through the
role: `alice`; `mallory`, a user of the source account who may call AssumeRole on any role; `source-admin`, the
administrator of the source account; `outsider`, the administrator of a third account.

Whose call succeeds? Set `answer` to a list of names, such as `["alice", "outsider"]`. The check asks AWS, four times.""",
    starter="answer = None  # a list of names\nanswer",
    check=_check_who_reads,
    hints=(
        "Both sides have to allow the call. Who is allowed by the caller's own side? Three of the four.",
        "And whom does the trust policy of the role name?",
        "An administrator is an administrator of one account only. The trust policy names one user.",
    ),
    solution='answer = ["alice"]\nanswer',
    wrong=WrongAnswer('answer = ["alice", "source-admin"]\nanswer', "source-admin as role/reports-reader"),
    others=('answer = ["alice", "alice"]\nanswer', 'answer = [name for name in ("alice",)]\nanswer'),
    too_wide="",
    why=(
        "Rights in one account are none in another. Being an administrator of the source account helps only to give "
        "somebody there the caller policy, and the role still trusts Alice alone."
    ),
)

SHEET = Sheet(
    number=1,
    name="two_policies",
    title="The two policies",
    minutes=20,
    introduction="""\
Alice works in the **source account**. The reports are in a bucket of the **destination account**. A role there will read
them, and Alice will assume that role. AWS allows this when both sides do:

```text
SOURCE ACCOUNT                          DESTINATION ACCOUNT

user alice                              role reports-reader
 └─ caller policy ───── AssumeRole ───► ├─ trust policy        "alice may assume me"
    "may call AssumeRole                └─ permissions policy  "may read the reports"
     on that role"
```

You write the three policies one after the other. After each one, a check asks AWS what is possible now.

`Shift`+`Enter` runs a cell and selects the next. Write your answer into the cell below each task, run it, and run
the check below it.""",
    exercises=(CALLER_POLICY, TRUSTED_ROLE, PERMISSIONS, WHO_READS),
    closing="""\
You have done what AWS's article describes, and you have proven it, also what must fail. The next sheet is about the
principal in the trust policy: a user, a role, or a whole account.""",
    makes=(
        Made("source", "policy", "assume-reports-reader"),
        Made("destination", "role", ROLE),
        Made("destination", "policy", "read-reports"),
    ),
    instructor=Instructor(
        goals=(
            "name the three policies, the account of each, and who writes it;",
            "write a caller policy for one role, and a trust policy for one user;",
            "say why an administrator of the source account does not get in;",
            "test an access with what must work and with what must fail.",
        ),
        timing=(
            (3, "Draw the picture of the notebook. Ask the first question below."),
            (
                5,
                'Exercise 1. Everybody checks once before writing anything, to see a check say "Not attempted".',
            ),
            (5, "Exercise 2. Let somebody read AWS's message aloud: it names neither side."),
            (4, "Exercise 3."),
            (3, "Exercise 4: let the class vote before anybody checks. Then the clean-up."),
        ),
        pitfalls=(
            (
                "MalformedPolicyDocument for the trust policy",
                "It has a Resource, or no Principal. A trust policy is about one role, its own.",
            ),
            (
                "EntityAlreadyExists for the role",
                "It is there from the first try: change it with update_assume_role_policy.",
            ),
            (
                "AccessDenied in exercise 3, with both policies in place",
                "s3:GetObject is about objects. The ARN of a bucket without /* matches none.",
            ),
            (
                "Somebody uses the account number of a neighbour",
                "Every sheet shows its own two accounts. Use sheet.source and sheet.destination.",
            ),
        ),
        questions=(
            (
                "Which of the two administrators can let Alice in alone?",
                "Neither. Each can only do one half, and each can take it back alone.",
            ),
            (
                "Why is the ARN of a role known before the role exists?",
                "It is made of the account, the path and the name. A trust policy, in contrast, is refused while its "
                "user does not exist.",
            ),
            (
                "What does AWS's AccessDenied say about the side?",
                "Nothing: it would tell a stranger which roles exist. The check reads both sides, and can say more.",
            ),
        ),
    ),
)
