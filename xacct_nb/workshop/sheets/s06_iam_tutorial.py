"""Sheet 6, AWS's tutorial: two groups, one role with access to a bucket, and a deny that wins."""

from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.judging import compare, judge, not_yet
from xacct_nb.workshop.preparing import document, make_role, trust
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

ROLE, TEST_ROLE = "UpdateApp", "TestApp"
DEVELOPERS, TESTERS = "Developers", "Testers"
REPORT, NEW = "2026/summary.csv", "2026/from-the-check.csv"
_USERS = (
    ("david", (DEVELOPERS,)),
    ("diego", (DEVELOPERS,)),
    ("jane", (TESTERS,)),
    ("maya", (DEVELOPERS, TESTERS)),
)


def _prepare(world: WorkshopWorld) -> None:
    """Make the two groups with their users; Testers have the rights of AWS's PowerUserAccess."""
    iam = world.admin("source", "iam")
    for name in (DEVELOPERS, TESTERS):
        iam.create_group(GroupName=name)
    power = {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}
    iam.put_group_policy(GroupName=TESTERS, PolicyName="power-user", PolicyDocument=document(power))
    for user, (group, *others) in _USERS:
        world.add_user(user, group=group)
        for other in others:
            iam.add_user_to_group(GroupName=other, UserName=user)
    make_role(world, "destination", TEST_ROLE, [trust(f"arn:aws:iam::{world.source}:root")])


def _check_role(world: WorkshopWorld, answer: object) -> Verdict:
    role, bucket = (world.role_arn(ROLE),), f"arn:aws:s3:::{world.bucket}"
    payroll = world.object_arn("2026/salaries.csv", world.other_bucket)
    return judge(
        world,
        Question("source-admin", True, role, "s3:ListAllMyBuckets", "*", "The first statement."),
        Question("source-admin", True, role, "s3:ListBucket", bucket, "The second statement."),
        Question("source-admin", True, role, "s3:GetBucketLocation", bucket, "The second statement."),
        Question(
            "source-admin", True, role, "s3:GetObject", world.object_arn(REPORT), "The third statement."
        ),
        Question("source-admin", True, role, "s3:PutObject", world.object_arn(NEW), "The third statement."),
        Question(
            "source-admin", True, role, "s3:DeleteObject", world.object_arn(NEW), "The third statement."
        ),
        Question("source-admin", False, role, "s3:GetObject", payroll, "Only the one bucket."),
        Question("source-admin", False, role, "iam:ListUsers", "*", "Nothing but the bucket."),
        Question("outsider", False, role, because="The role trusts the source account alone."),
    )


def _check_allow(world: WorkshopWorld, answer: object) -> Verdict:
    ask, role = "sts:AssumeRole", world.role_arn(ROLE)
    test = world.role_arn(TEST_ROLE)
    return judge(
        world,
        Question("david", True, (role,), because="He is a developer."),
        Question("diego", True, (role,), because="He is a developer, too."),
        Question("david", False, (test,), because="Developers may assume this one role."),
        Question("alice", False, (role,), because="She is no developer."),
        Question(
            "david", False, (), "iam:CreateUser", world.user_arn("eve"), "Only this one call.", simulated=True
        ),
        Question("alice", False, (), ask, role, "She is no developer.", simulated=True),
    )


def _check_deny(world: WorkshopWorld, answer: object) -> Verdict:
    role, test = (world.role_arn(ROLE),), (world.role_arn(TEST_ROLE),)
    return judge(
        world,
        Question("jane", False, role, because="She is a tester."),
        Question("maya", False, role, because="She is a tester as well as a developer."),
        Question("jane", True, test, because="The role of the tests stays open to her."),
        Question("jane", True, (), "s3:ListAllMyBuckets", "*", "In her own account nothing changes for her."),
        Question("david", True, role, because="He is a developer, and no tester."),
    )


def _check_matrix(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, list) or any(each not in _MATRIX for each in answer):
        return not_yet(f"The answer is a list of some of these letters: {', '.join(_MATRIX)}.")
    update = (world.role_arn(ROLE),)
    bucket, report = f"arn:aws:s3:::{world.bucket}", world.object_arn(REPORT)
    payroll = world.object_arn("2026/salaries.csv", world.other_bucket)
    asked = {
        "a": ("david", update, "", ""),
        "b": ("jane", update, "", ""),
        "c": ("maya", update, "", ""),
        "d": ("david", update, "s3:ListBucket", bucket),
        "e": ("david", update, "s3:PutObject", world.object_arn(NEW)),
        "f": ("david", update, "s3:GetObject", payroll),
        "g": ("david", update, "iam:ListUsers", "*"),
        "h": ("david", (), "s3:GetObject", report),
    }
    said = {True: "you say that this works.", False: "you say that this fails."}
    return compare(
        world,
        *(
            Question(who, letter in answer, through, action, about, f"{letter}: {said[letter in answer]}")
            for letter, (who, through, action, about) in asked.items()
        ),
    )


_MATRIX = tuple("abcdefgh")
_STARTER = "answer = None  # replace this line by your own\nanswer"
_ROLE = """\
account = {"AWS": f"arn:aws:iam::{sheet.source}:root"}
trust = {"Effect": "Allow", "Principal": account, "Action": "sts:AssumeRole"}
bucket = f"arn:aws:s3:::{sheet.bucket}"
buckets = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
one = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": bucket}
objects = {"Effect": "Allow", "Action": %s, "Resource": %s}
permissions = {"Version": "2012-10-17", "Statement": [buckets, one, objects]}
sheet.put_role("UpdateApp", {"Version": "2012-10-17", "Statement": [trust]}, permissions)
answer = "done"
answer"""
_THREE = '["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]'
_GROUP_POLICY = """\
import json

statement = {"Effect": "%s", "Action": "sts:AssumeRole", "Resource": %s}
policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
sheet.client("source-admin", "iam").put_group_policy(
    GroupName="%s", PolicyName="%s", PolicyDocument=policy
)
answer = "done"
answer"""
_ALLOW = "allow-assume-S3-role-in-production"
_DENY = "deny-assume-S3-role-in-production"

UPDATE_APP = Exercise(
    name="update_app",
    title="Make the role UpdateApp",
    task="""\
In the tutorial the destination account is called *Production*, and its bucket holds an application. Here it is `sheet.bucket`. Create
the role `UpdateApp` in the **destination account**:

- It trusts the source account as a whole: `f"arn:aws:iam::{sheet.source}:root"`. Who of it may come, the source account says.
- Its permissions are the tutorial's policy `read-write-app-bucket`, with three statements:

| actions | resource |
|---|---|
| `s3:ListAllMyBuckets` | `*` |
| `s3:ListBucket`, `s3:GetBucketLocation` | the bucket |
| `s3:GetObject`, `s3:PutObject`, `s3:DeleteObject` | the objects of the bucket |

Then set `answer = "done"`. The check makes each of the six calls as the administrator of the source account, who may
assume any role. It also tries what nobody asked for.""",
    starter=_STARTER,
    check=_check_role,
    hints=(
        'sheet.put_role("UpdateApp", trust_policy, permissions_policy) makes it with both. In boto3 these are two calls.',
        "Why three statements? Listing all buckets is about no bucket, listing one is about that bucket, and reading is about an object.",
        'The resources are "*", f"arn:aws:s3:::{sheet.bucket}" and f"arn:aws:s3:::{sheet.bucket}/*", in this order.',
    ),
    solution=_ROLE % (_THREE, 'f"{bucket}/*"'),
    wrong=WrongAnswer(_ROLE % (_THREE, "bucket"), "does not allow s3:GetObject"),
    others=(
        """\
import xacct_nb as xa

bucket = f"arn:aws:s3:::{sheet.bucket}"
grant = xa.Grant(
    name="update-app",
    sources=[sheet.source],
    destinations=[sheet.role_arn("UpdateApp")],
    permissions=[
        {"actions": ["s3:ListAllMyBuckets"], "resources": ["*"]},
        {"actions": ["s3:ListBucket", "s3:GetBucketLocation"], "resources": [bucket]},
        {"actions": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "resources": [f"{bucket}/*"]},
    ],
    accept=["whole-account-trust", "wildcard-resource"],
)
sheet.apply_grant(grant)
answer = "done"
answer""",
        """\
import json

trust = {"Effect": "Allow", "Principal": {"AWS": sheet.source}, "Action": "sts:AssumeRole"}
sheet.put_role("UpdateApp", {"Version": "2012-10-17", "Statement": trust})
bucket, actions = f"arn:aws:s3:::{sheet.bucket}", ["s3:ListBucket", "s3:GetBucketLocation", "s3:*Object"]
statements = [
    {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
    {"Effect": "Allow", "Action": actions, "Resource": [bucket, f"{bucket}/*"]},
]
iam = sheet.client("destination-admin", "iam")
made = iam.create_policy(
    PolicyName="read-write-app-bucket",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
)
iam.attach_role_policy(RoleName="UpdateApp", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
    ),
    too_wide=_ROLE % ('"*"', '"*"'),
    why=(
        "The role is a job to do, not a person: it has what the update of the application needs, and nothing of it reaches into the "
        "rest of Production."
    ),
)

ALLOW_DEVELOPERS = Exercise(
    name="allow_developers",
    title="Let the developers in",
    task="""\
In the **source account**, which the tutorial calls *Development*, there are two groups. **Developers** has the members
`david`, `diego` and `maya`, and no rights yet.

Let all developers assume `UpdateApp`, and no other role. The tutorial does it by a policy
`allow-assume-S3-role-in-production` on the group. Then set `answer = "done"`.

The check assumes the role as David and as Diego. It also tries `TestApp`, another role that trusts the whole source account.""",
    starter=_STARTER,
    check=_check_allow,
    hints=(
        "The group gets the policy, not each user: put_group_policy, as source-admin.",
        'The statement: Effect Allow, Action sts:AssumeRole, and as Resource sheet.role_arn("UpdateApp").',
        'iam.put_group_policy(GroupName="Developers", PolicyName="allow-assume-S3-role-in-production", '
        "PolicyDocument=json.dumps(policy)).",
    ),
    solution=_GROUP_POLICY % ("Allow", 'sheet.role_arn("UpdateApp")', DEVELOPERS, _ALLOW),
    wrong=WrongAnswer(
        """\
import json

statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": sheet.role_arn("UpdateApp")}
policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
sheet.client("source-admin", "iam").put_user_policy(
    UserName="david", PolicyName="allow-assume-S3-role-in-production", PolicyDocument=policy
)
answer = "done"
answer""",
        "AWS denies what it has to allow: diego assumes role/UpdateApp",
    ),
    others=(
        """\
import json

statement = {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [sheet.role_arn("UpdateApp")]}
iam = sheet.client("source-admin", "iam")
made = iam.create_policy(
    PolicyName="allow-assume-S3-role-in-production",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
)
iam.attach_group_policy(GroupName="Developers", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
        """\
import json

statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": sheet.role_arn("UpdateApp")}
policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
iam = sheet.client("source-admin", "iam")
for name in ("david", "diego", "maya"):
    iam.put_user_policy(UserName=name, PolicyName="assume-UpdateApp", PolicyDocument=policy)
answer = "done"
answer""",
    ),
    too_wide=_GROUP_POLICY % ("Allow", '"*"', DEVELOPERS, _ALLOW),
    why=(
        "A group is no principal, so a trust policy cannot name it. With a trusted account and a group policy, a new developer gets in "
        "by joining the group, and Production changes nothing."
    ),
)

DENY_TESTERS = Exercise(
    name="deny_testers",
    title="Keep the testers out",
    task="""\
**Testers** has the members `jane` and `maya`. They have the rights of AWS's policy *PowerUserAccess*: everything but IAM. So Jane
may call `sts:AssumeRole` on every role, and `UpdateApp` trusts her account. She gets in, and nobody wanted that.

Keep all testers out of `UpdateApp`, and take nothing else from them. They still assume `TestApp`, and still work in their own
account. The tutorial does it by a policy `deny-assume-S3-role-in-production` on the group. Then set `answer = "done"`.

Maya is in both groups. What do you expect for her?""",
    starter=_STARTER,
    check=_check_deny,
    hints=(
        "Nothing that is allowed elsewhere helps against a statement with Effect Deny.",
        "The policy is that of exercise 2 with Deny for Allow, on the other group. The role is in the destination account.",
        'The statement: {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": sheet.role_arn("UpdateApp")}, by '
        'put_group_policy(GroupName="Testers", PolicyName="deny-assume-S3-role-in-production", ...).',
    ),
    solution=_GROUP_POLICY % ("Deny", 'sheet.role_arn("UpdateApp")', TESTERS, _DENY),
    wrong=WrongAnswer(
        _GROUP_POLICY % ("Deny", 'sheet.role_arn("UpdateApp", "source")', TESTERS, _DENY),
        "AWS allows what it has to deny: jane assumes role/UpdateApp",
    ),
    others=(
        """\
import json

statement = {"Effect": "Deny", "Action": "sts:*", "Resource": [sheet.role_arn("UpdateApp")]}
iam = sheet.client("source-admin", "iam")
made = iam.create_policy(
    PolicyName="deny-assume-S3-role-in-production",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
)
iam.attach_group_policy(GroupName="Testers", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
        """\
testers = [sheet.user_arn("jane"), sheet.user_arn("maya")]
allow = {"Effect": "Allow", "Principal": {"AWS": sheet.source}, "Action": "sts:AssumeRole"}
deny = {"Effect": "Deny", "Principal": {"AWS": testers}, "Action": "sts:AssumeRole"}
sheet.put_role("UpdateApp", {"Version": "2012-10-17", "Statement": [allow, deny]})
answer = "done"
answer""",
    ),
    too_wide=_GROUP_POLICY % ("Deny", '"*"', TESTERS, _DENY),  # it denies more than asked
    why=(
        "An explicit deny wins over every allow, so it also holds for people who join another group tomorrow. AWS itself advises to use "
        "it only where there is no better way; the better way here is not to give everything in the first place."
    ),
)

TEST_MATRIX = Exercise(
    name="test_matrix",
    title="Say what each test gives",
    task="""\
The tutorial ends with tests. Which of these calls does AWS allow now?

| letter | call |
|---|---|
| `a` | David (Developers) assumes `UpdateApp` |
| `b` | Jane (Testers) assumes `UpdateApp` |
| `c` | Maya (Developers and Testers) assumes `UpdateApp` |
| `d` | David, as `UpdateApp`, lists the bucket |
| `e` | David, as `UpdateApp`, writes an object into the bucket |
| `f` | David, as `UpdateApp`, reads an object of the other bucket, `sheet.other_bucket` |
| `g` | David, as `UpdateApp`, lists the users of the destination account |
| `h` | David, without the role, reads an object of the bucket |

Set `answer` to a list of letters, such as `["a", "h"]`. The check makes all eight calls.""",
    starter="answer = None  # a list of letters\nanswer",
    check=_check_matrix,
    hints=(
        "Go through the policies in their order: the group's, the trust policy, then the permissions of the role.",
        "A deny wins, whatever else allows the call. And without the role, nobody of the source account has any right in Production.",
        "Three of the eight are allowed: one AssumeRole, and two calls on the bucket.",
    ),
    solution='answer = ["a", "d", "e"]\nanswer',
    wrong=WrongAnswer('answer = ["a", "c", "d", "e"]\nanswer', "c: you say that this works."),
    others=('answer = ["e", "d", "a"]\nanswer', 'answer = list("ade")\nanswer'),
    too_wide="",  # it is a prediction
    why=(
        "Five of the eight tests must fail, and they are the ones that show whether the access is right. An access that was only "
        "tested with what must work has not been tested."
    ),
)

SHEET = Sheet(
    number=6,
    name="iam_tutorial",
    title="AWS's own tutorial",
    minutes=20,
    introduction="""\
The IAM documentation has a tutorial, *Delegate access across AWS accounts using IAM roles*. Developers update an application in
a bucket of the account *Production*, by a role `UpdateApp`. Testers have more rights in their own account than the developers,
and still must not get in.

```text
SOURCE ACCOUNT ("Development")                 DESTINATION ACCOUNT ("Production")

group Developers ── allow ──AssumeRole──────►  role UpdateApp ──► bucket
group Testers ───── deny ───AssumeRole───X     trusts the whole source account
```

Since then AWS has written the tutorial anew: its people are roles instead of groups, and the role is called `UpdateData`. The
policies are the same. You make everything that the tutorial makes, and then go through its tests.""",
    exercises=(UPDATE_APP, ALLOW_DEVELOPERS, DENY_TESTERS, TEST_MATRIX),
    closing="""\
You have done the whole tutorial, with the tests that must fail. The two groups show the order in which IAM decides: first, is there
a deny anywhere? Only then, does each side allow it?""",
    prepare=_prepare,
    makes=(
        Made("source", "group", DEVELOPERS),
        Made("source", "group", TESTERS),
        *(Made("source", "user", user) for user, _ in _USERS),
        Made("destination", "role", ROLE),
        Made("destination", "role", TEST_ROLE),
        Made("destination", "policy", "read-write-app-bucket"),
        Made("source", "policy", _ALLOW),
        Made("source", "policy", _DENY),
    ),
    instructor=Instructor(
        goals=(
            "write a permissions policy for one bucket and its objects, and say why it has three statements;",
            "let a group of users assume a role that trusts their whole account;",
            "keep others out by an explicit deny, and say why it wins;",
            "test an access with what must fail.",
        ),
        timing=(
            (3, "Show the picture, and ask the first question below."),
            (6, "Exercise 1. The three statements take the most time."),
            (3, "Exercise 2."),
            (4, "Exercise 3. Ask what the class expects for Maya, before the check."),
            (4, "Exercise 4: vote for each letter. Then the clean-up."),
        ),
        pitfalls=(
            (
                "s3:ListBucket is denied, and the policy allows it on the objects",
                "It is about the bucket: its resource has no /*.",
            ),
            (
                "Invalid principal in policy, with the ARN of a group",
                "A group is not a principal. The account is trusted, and the group gets a policy.",
            ),
            (
                "The deny is on * and Jane cannot use TestApp any more",
                "It takes more than was asked for. Name the one role.",
            ),
            (
                "The deny names a role of the source account, and Jane still gets in",
                'The role is in the destination account: sheet.role_arn("UpdateApp").',
            ),
            (
                "Somebody takes PowerUserAccess from the testers",
                "That keeps them out, and takes their work from them. The check asks for TestApp and for her own account.",
            ),
        ),
        questions=(
            (
                "Production trusts the whole account. Who decides then who gets in?",
                "The administrators of the source account, alone. Production has to trust them in this.",
            ),
            (
                "Is the policy of the developers needed at all, if testers get in without one?",
                "Testers have an allow for everything. Developers have none: without an allow AWS denies.",
            ),
            (
                "What would make the deny superfluous?",
                "A role that trusts named principals instead of the account, or testers without sts:AssumeRole on every role.",
            ),
            (
                "While David is UpdateApp, can he use his own rights?",
                "No. A session has the permissions of the role and none of his own. He has to leave the role first.",
            ),
        ),
    ),
)
