"""Sheet 8, least privilege: a role that may do too much, what its application calls, and a cap for later."""

from collections.abc import Iterator
from contextlib import contextmanager

from xacct_nb.aws.answers import call_aws
from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.judging import compare, judge, judge_trust, not_yet
from xacct_nb.workshop.preparing import allow, document, make_role, trust
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

ROLE, APP, TEAM = "report-app", "app", "team-admin"
REPORT, RESULT = "2026/summary.csv", "out/report.csv"
LATER = "later"
_EVERYTHING = document(allow("*", "*"))
_LETTERS = "abcdef"


def _prepare(world: WorkshopWorld) -> None:
    """Make an application, its role that may do too much, and the team that looks after the role."""
    role = world.role_arn(ROLE)
    for name in (world.add_user(APP), "alice"):
        world.admin("source", "iam").put_user_policy(
            UserName=name, PolicyName=f"assume-{ROLE}", PolicyDocument=document(allow("sts:AssumeRole", role))
        )
    too_much = allow(["s3:*", "iam:Get*", "iam:List*", "iam:PassRole"], "*")
    make_role(world, "destination", ROLE, [trust(world.source)], [too_much])
    world.add_user(TEAM, "destination")
    edits = allow(["iam:GetRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy"], role)
    world.admin("destination", "iam").put_user_policy(
        UserName=TEAM, PolicyName=TEAM, PolicyDocument=document(edits)
    )
    world.admin("destination", "s3").put_object(Bucket=world.bucket, Key=RESULT, Body=b"week,total\n1,42\n")


def _app(world: WorkshopWorld, expected: bool, action: str, resource: str, because: str = "") -> Question:
    return Question(APP, expected, (world.role_arn(ROLE),), action, resource, because)


def _probes(world: WorkshopWorld) -> tuple[Question, ...]:
    """Return the calls of the application, which have to work all the time."""
    bucket, calls = f"arn:aws:s3:::{world.bucket}", "The application calls it."
    return (
        _app(world, True, "s3:ListBucket", bucket, calls),
        _app(world, True, "s3:GetObject", world.object_arn(REPORT), calls),
        _app(world, True, "s3:PutObject", world.object_arn(RESULT), calls),
    )


def _check_calls(world: WorkshopWorld, answer: object) -> Verdict:
    payroll = world.object_arn("2026/salaries.csv", world.other_bucket)
    return judge(
        world,
        *_probes(world),
        _app(world, False, "s3:PutObject", world.object_arn(REPORT), "It writes only below out/."),
        _app(world, False, "s3:GetObject", world.object_arn(RESULT), "It reads only below 2026/."),
        _app(world, False, "s3:DeleteObject", world.object_arn(RESULT), "It deletes nothing."),
        _app(world, False, "s3:GetObject", payroll, "It needs no other bucket."),
        _app(world, False, "s3:ListAllMyBuckets", "*", "It knows its bucket."),
        _app(world, False, "iam:ListUsers", "*", "It has nothing to do in IAM."),
    )


def _check_trust(world: WorkshopWorld, answer: object) -> Verdict:
    role = (world.role_arn(ROLE),)
    return judge_trust(
        world,
        *_probes(world)[:2],
        Question("mallory", False, role, because="She may call AssumeRole on every role of every account."),
        Question("alice", False, role, because="Her policy is left over from a test."),
        Question("source-admin", False, role, because="The role is for the application alone."),
        Question("outsider", False, role, because="The role is for the application alone."),
    )


def _check_cap(world: WorkshopWorld, answer: object) -> Verdict:
    result, narrow = world.object_arn(RESULT), "Its policies stay as narrow as they are."
    before = judge(world, _app(world, False, "s3:GetObject", result, narrow))
    if not before.is_correct:
        return before
    with _everything_allowed(world):
        return judge(world, *_probes(world), *_under_the_cap(world))


def _under_the_cap(world: WorkshopWorld) -> Iterator[Question]:
    """Yield what is asked while the role's policies allow everything."""
    inside = "The team allowed it, and it is inside the cap."
    outside = "The team allowed it, and it is outside the cap."
    yield _app(world, True, "s3:GetObject", world.object_arn(RESULT), inside)
    payroll = world.object_arn("2026/salaries.csv", world.other_bucket)
    yield _app(world, False, "s3:GetObject", payroll, outside)
    for action in ("s3:ListAllMyBuckets", "iam:ListUsers"):
        yield _app(world, False, action, "*", outside)
    role, why = world.role_arn(ROLE), "Who is capped must not take the cap away."
    yield Question(TEAM, False, (), "iam:DeleteRolePermissionsBoundary", role, why, {"RoleName": ROLE})


@contextmanager
def _everything_allowed(world: WorkshopWorld) -> Iterator[None]:
    """Let the team allow the role everything for a while, as it may at any time."""
    iam = world.client(TEAM, "iam")
    call_aws(lambda: iam.put_role_policy(RoleName=ROLE, PolicyName=LATER, PolicyDocument=_EVERYTHING))
    try:
        yield
    finally:
        _take_back(world)


def _take_back(world: WorkshopWorld) -> None:
    iam = world.admin("destination", "iam")
    call_aws(lambda: iam.delete_role_policy(RoleName=ROLE, PolicyName=LATER))


def _check_matrix(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, list) or any(each not in list(_LETTERS) for each in answer):
        return not_yet(f"The answer is a list of letters from {_LETTERS[0]} to {_LETTERS[-1]}.")
    says = {letter: letter in answer for letter in _LETTERS}
    payroll, result = (
        world.object_arn("2026/salaries.csv", world.other_bucket),
        world.object_arn(RESULT),
    )
    added = {"RoleName": ROLE, "PolicyName": LATER, "PolicyDocument": _EVERYTHING}
    role = world.role_arn(ROLE)
    try:
        return compare(
            world,
            Question("alice", says["a"], (role,), because="a"),
            _app(world, says["b"], "s3:ListBucket", f"arn:aws:s3:::{world.bucket}", "b"),
            _app(world, says["c"], "s3:GetObject", result, "c"),
            Question(TEAM, says["d"], (), "iam:PutRolePolicy", role, "d", added),
            _app(world, says["e"], "s3:GetObject", result, "e"),
            _app(world, says["f"], "s3:GetObject", payroll, "f"),
        )
    finally:
        _take_back(world)


_CALLS = """\
import json

iam, bucket = sheet.client("destination-admin", "iam"), f"arn:aws:s3:::{sheet.bucket}"
%s
policy = json.dumps({"Version": "2012-10-17", "Statement": %s})
iam.put_role_policy(RoleName="report-app", PolicyName="report-app", PolicyDocument=policy)
answer = "done"
answer"""
_THREE = """\
lists = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket}
reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/2026/*"}
writes = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{bucket}/out/*"}"""
_ONE = """\
actions = ["s3:ListBucket", "s3:GetObject", "s3:PutObject"]
calls = {"Effect": "Allow", "Action": actions, "Resource": %s}"""
_TRUST = """\
who = {"Effect": "Allow", "Principal": {"AWS": %s}, "Action": "sts:AssumeRole"}
sheet.put_role("report-app", {"Version": "2012-10-17", "Statement": [who]})
answer = "done"
answer"""
_CAP = """\
import json

iam, bucket = sheet.client("destination-admin", "iam"), f"arn:aws:s3:::{sheet.bucket}"
%s
policy = json.dumps({"Version": "2012-10-17", "Statement": cap})
made = iam.create_policy(PolicyName="report-app-cap", PolicyDocument=policy)
iam.put_role_permissions_boundary(RoleName="report-app", PermissionsBoundary=made["Policy"]["Arn"])
answer = "done"
answer"""
_STARTER = "answer = None  # replace this line by your own\nanswer"

ONLY_ITS_CALLS = Exercise(
    name="only_its_calls",
    title="Allow what the application calls",
    task="""\
The role `report-app` of the destination account may do `s3:*`, some of IAM and `iam:PassRole`, all of it on `*`. These are all the calls that
its application makes, as the user `app` of the source account:

| call | on |
|---|---|
| `s3:ListBucket` | `sheet.bucket` |
| `s3:GetObject` | the objects below `2026/` in it |
| `s3:PutObject` | the objects below `out/` in it |

Give the role these permissions and no others. What it has now is an inline policy, `report-app`, so a policy of that name replaces it. Then set
`answer = "done"`. The check makes the three calls, and six that must fail from now on.""",
    starter=_STARTER,
    check=_check_calls,
    hints=(
        "One statement for each line of the table: an action is allowed on what it is about.",
        's3:ListBucket is about the bucket, f"arn:aws:s3:::{sheet.bucket}". The two others are about objects, so their resource goes on with a key.',
        'The resources are bucket, f"{bucket}/2026/*" and f"{bucket}/out/*". put_role_policy(RoleName="report-app", PolicyName="report-app", ...).',
    ),
    solution=_CALLS % (_THREE, "[lists, reads, writes]"),
    wrong=WrongAnswer(_CALLS % (_ONE % 'f"{bucket}/*"', "[calls]"), "does not allow s3:ListBucket"),
    others=(
        """\
import json

bucket = f"arn:aws:s3:::{sheet.bucket}"
lists = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket}
reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/2026/*"}
writes = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{bucket}/out/*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [lists, reads, writes]})
iam = sheet.client("destination-admin", "iam")
made = iam.create_policy(PolicyName="report-app-calls", PolicyDocument=policy)
iam.attach_role_policy(RoleName="report-app", PolicyArn=made["Policy"]["Arn"])
iam.delete_role_policy(RoleName="report-app", PolicyName="report-app")
answer = "done"
answer""",
        _CALLS
        % (
            """\
every = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject"], "Resource": "*"}
bounds = [("s3:ListBucket", bucket), ("s3:GetObject", f"{bucket}/2026/*"), ("s3:PutObject", f"{bucket}/out/*")]
denies = [{"Effect": "Deny", "Action": action, "NotResource": only} for action, only in bounds]""",
            "[every, *denies]",
        ),
    ),
    too_wide=_CALLS % (_ONE % '[bucket, f"{bucket}/*"]', "[calls]"),
    why=(
        "An application never shows that it has too many permissions: everything works. Only a list of what must fail shows it, and "
        "whoever takes the application over has what its role has."
    ),
)

ONLY_THE_APPLICATION = Exercise(
    name="only_the_application",
    title="Let in the application alone",
    task="""\
The role trusts the whole source account. So Mallory gets in, who may call AssumeRole on every role, and Alice, who has a policy for this role
since a test.

Change the trust policy of `report-app`, so that the user `app` gets in, and nobody else. Then set `answer = "done"`. The check makes the calls of
the application, and tries four others.""",
    starter=_STARTER,
    check=_check_trust,
    hints=(
        "The policies of the callers are not yours to mend, and there may be more of them tomorrow. The role decides.",
        "In a trust policy the principal is a user, a role or a whole account. Which one does the task name?",
        'sheet.put_role("report-app", trust_policy) with the principal {"AWS": sheet.user_arn("app")}.',
    ),
    solution=_TRUST % 'sheet.user_arn("app")',
    wrong=WrongAnswer(
        """\
iam = sheet.client("source-admin", "iam")
iam.delete_user_policy(UserName="alice", PolicyName="assume-report-app")
answer = "done"
answer""",
        "AWS allows what it has to deny: mallory assumes role/report-app",
    ),
    others=(
        """\
who = {"Effect": "Allow", "Principal": {"AWS": sheet.source}, "Action": "sts:AssumeRole"}
who["Condition"] = {"ArnEquals": {"aws:PrincipalArn": sheet.user_arn("app")}}
sheet.put_role("report-app", {"Version": "2012-10-17", "Statement": [who]})
answer = "done"
answer""",
        """\
import json

who = {"Effect": "Allow", "Principal": {"AWS": sheet.source}, "Action": "sts:AssumeRole"}
others = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
others["Condition"] = {"StringNotEquals": {"aws:PrincipalArn": sheet.user_arn("app")}}
trust = json.dumps({"Version": "2012-10-17", "Statement": [who, others]})
sheet.client("destination-admin", "iam").update_assume_role_policy(
    RoleName="report-app", PolicyDocument=trust
)
answer = "done"
answer""",
    ),
    too_wide=_TRUST % '[sheet.user_arn("app"), sheet.user_arn("alice")]',
    why=(
        "Narrow permissions are half of it: the other half is who has them. Trust in an account is trust in each of its administrators, "
        "and in every policy that they write."
    ),
)

CAP = Exercise(
    name="cap",
    title="Cap what the role can ever do",
    task="""\
`team-admin`, a user of the destination account, looks after the role and may write policies for it. A new policy is quickly too wide.

Give the role a *permissions boundary*: it may never do more than list `sheet.bucket`, and read and write the objects in it, whatever its policies allow.
The boundary is a managed policy; call it `report-app-cap`. Then set `answer = "done"`.

Leave the role's own policy as it is. The check is unkind: as `team-admin` it allows the role everything, makes eight calls, and takes that policy away again.""",
    starter=_STARTER,
    check=_check_cap,
    hints=(
        "A boundary gives nothing. What the role may do is what its policies and its boundary allow, both of them.",
        "First the managed policy, as destination-admin: iam.create_policy. Its statement allows three actions on the bucket and on its objects.",
        'Then iam.put_role_permissions_boundary(RoleName="report-app", PermissionsBoundary=...). Attached to the role, the policy would cap nothing.',
    ),
    solution=_CAP
    % """cap = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject"]}
cap["Resource"] = [bucket, f"{bucket}/*"]""",
    wrong=WrongAnswer(
        (
            _CAP
            % 'cap = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{bucket}/*"}'
        ).replace("report-app-cap", "report-app-cap-1"),
        "The boundary report-app-cap-1 of role/report-app does not allow s3:ListBucket",
    ),
    others=(
        _CAP % 'cap = [{"Effect": "Allow", "Action": "s3:*", "Resource": [bucket, f"{bucket}/*"]}]',
        _CAP
        % """cap = [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    {"Effect": "Deny", "Action": "s3:*", "NotResource": [bucket, f"{bucket}/*"]},
]""",
    ),
    too_wide=_CAP % 'cap = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}',
    why=(
        "With a boundary you can leave the daily work to a team: it may change the role, and cannot make it stronger than you said. "
        "That holds only as long as the team cannot change the boundary itself."
    ),
)

WHAT_IS_LEFT = Exercise(
    name="what_is_left",
    title="Say what is left",
    task="""\
Which of these calls does AWS allow now? They are made in this order.

| letter | call |
|---|---|
| `a` | Alice assumes `report-app` |
| `b` | the application lists the bucket |
| `c` | the application reads `out/report.csv`, which it has written |
| `d` | `team-admin` gives the role one more policy, which allows everything on everything |
| `e` | after that, the application reads `out/report.csv` |
| `f` | after that, the application reads an object of `sheet.other_bucket` |

Set `answer` to a list of letters, such as `["a", "f"]`. The check makes the six calls, and takes the policy of `d` away again.""",
    starter="answer = None  # a list of letters\nanswer",
    check=_check_matrix,
    hints=(
        "Go through them with what you wrote: the trust policy for a, the permissions for b and c, the boundary for e and f.",
        "team-admin may write policies for the role. A boundary of the role does not keep anybody from that: it keeps them from having an effect.",
        "Three of the six are allowed. c and e are the same call, and the answers differ.",
    ),
    solution='answer = ["b", "d", "e"]\nanswer',
    wrong=WrongAnswer(
        'answer = ["b", "e"]\nanswer',
        "You say that this fails, and AWS allows it: team-admin calls iam:PutRolePolicy",
    ),
    others=('answer = ["e", "d", "b"]\nanswer', 'answer = list("bde")\nanswer'),
    too_wide="",  # it is a prediction
    why=(
        "Permissions say what is possible today, a boundary what is possible at all. Between the two lies what somebody can add without "
        "asking you."
    ),
)

SHEET = Sheet(
    number=8,
    name="least_privilege",
    title="Least privilege",
    minutes=20,
    introduction="""\
An application of the source account writes reports in the destination account. Its role was made in a hurry: it may do nearly everything, and the
whole source account may assume it. It works, so nobody looked at it again.

```text
SOURCE ACCOUNT                        DESTINATION ACCOUNT

user app ───────── AssumeRole ─────►  role report-app ──► reads 2026/, writes out/
everybody else ─── AssumeRole ─────►  (too much)     ──► all other buckets, IAM
                                        ▲
                                        └── team-admin may write its policies
```

You narrow it in three steps: what it may do, who may be it, and what it can ever become. The calls of the application work all the time, and the
checks make them, together with calls that must fail.""",
    exercises=(ONLY_ITS_CALLS, ONLY_THE_APPLICATION, CAP, WHAT_IS_LEFT),
    closing="""\
The application still works, and that is all that works. A list of calls that must fail belongs to a role as its policies do: without it, nobody
notices the day on which they work again.""",
    prepare=_prepare,
    makes=(
        Made("source", "user", APP),
        Made("destination", "user", TEAM),
        Made("destination", "role", ROLE),
        Made("destination", "policy", "report-app-calls"),
        Made("destination", "policy", "report-app-cap"),
        Made("destination", "policy", "report-app-cap-1"),
    ),
    instructor=Instructor(
        goals=(
            "narrow a policy by the calls that an application makes, action by action and resource by resource;",
            "narrow a trust policy from an account to a principal;",
            "cap a role by a permissions boundary, and say what it does not do;",
            "test a role by what must fail.",
        ),
        timing=(
            (3, "Show the picture. Ask the first question below."),
            (6, "Exercise 1."),
            (3, "Exercise 2."),
            (5, "Exercise 3. Draw two circles: what policies allow, what the boundary allows."),
            (3, "Exercise 4: vote for each letter before the check. Then the clean-up."),
        ),
        pitfalls=(
            ("s3:ListBucket is denied", "It is about the bucket: its resource has no /*."),
            (
                "The new policy is there, and everything works as before",
                "The old inline policy is there too. Policies add up: replace it, or delete it.",
            ),
            (
                "Somebody takes the policies from Alice and Mallory",
                "The role still trusts the account. Who decides about the next policy there?",
            ),
            (
                "The boundary is attached to the role like a policy",
                "Then it allows, and caps nothing: put_role_permissions_boundary.",
            ),
            (
                "EntityAlreadyExists for report-app-cap",
                "It is there from the first try: create_policy_version with SetAsDefault=True.",
            ),
        ),
        questions=(
            (
                "How do you find out what an application calls?",
                "From CloudTrail, from IAM's last accessed information, from its code. All three leave something out: the call of the last day of the year.",
            ),
            (
                "Which permission of the first policy is the most dangerous one?",
                "iam:PassRole on *: with one more right, such as to start a function, it is every role of the account.",
            ),
            (
                "Does the boundary make the narrow policy of exercise 1 superfluous?",
                "No. The boundary is wider: it says what the team may add. What the role has is what the policies allow inside it.",
            ),
            (
                "What must team-admin not have, or the cap is worth nothing?",
                "iam:DeleteRolePermissionsBoundary and iam:PutRolePermissionsBoundary on the role, the right to change the policy "
                "report-app-cap, and the right to create roles without a boundary.",
            ),
        ),
    ),
)
