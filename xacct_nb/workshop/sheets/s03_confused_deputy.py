"""Sheet 3, the confused deputy: an attack through a third party's role, and the external ID that ends it."""

import json

from xacct_nb.sandbox.server.accounts import Side
from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.judging import compare, judge, judge_trust, not_yet
from xacct_nb.workshop.question import AssumeCall, Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

PROGRAM, DEPUTY = "provider-app", "reports-service"
REPORTS, SALARIES = "shared-reports", "shared-salaries"
OURS, THEIRS = "our-external-id", "attackers-external-id"


def _prepare(world: WorkshopWorld) -> None:
    """Make the provider's program and role, and the customer's role, which trusts that role as it is."""
    world.add_user(PROGRAM)
    deputy = world.role_arn(DEPUTY, "source")
    _make_role(world, "source", DEPUTY, world.user_arn(PROGRAM))
    _make_role(world, "destination", REPORTS, deputy)
    source, destination = world.admin("source", "iam"), world.admin("destination", "iam")
    source.put_user_policy(
        UserName=PROGRAM, PolicyName=DEPUTY, PolicyDocument=_allowing("sts:AssumeRole", deputy)
    )
    source.put_role_policy(
        RoleName=DEPUTY, PolicyName="customers", PolicyDocument=_allowing("sts:AssumeRole", "*")
    )
    reports = _allowing("s3:GetObject", world.object_arn("*"))
    destination.put_role_policy(RoleName=REPORTS, PolicyName="read-reports", PolicyDocument=reports)


def _make_role(world: WorkshopWorld, side: Side, name: str, principal: str) -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    world.admin(side, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)


def _allowing(action: str, resource: str) -> str:
    allow = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


def _as_provider(
    world: WorkshopWorld, role: str, external_id: str, resource: str, expected: bool, because: str
) -> Question:
    """Return the question whether the provider's program reads an object through a customer's role.

    `external_id` names a secret of the world; "" passes none. Without a `resource`, it only assumes the role.
    """
    parameters = {"ExternalId": world.secret(external_id)} if external_id else {}
    through = (world.role_arn(DEPUTY, "source"), AssumeCall(role, parameters))
    action = "s3:GetObject" if resource else ""
    return Question(PROGRAM, expected, through, action, resource, because)


def _report(world: WorkshopWorld) -> str:
    return world.object_arn("2026/summary.csv")


def _salaries(world: WorkshopWorld) -> str:
    return world.object_arn("2026/salaries.csv", world.other_bucket)


def _check_attack(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, str) or not answer.startswith("arn:aws:iam::") or ":role/" not in answer:
        return not_yet("The provider's form accepts the ARN of a role, as text.")
    alone = Question(
        "outsider", False, (world.role_arn(REPORTS),), because="The role does not trust the attacker."
    )
    reads = "The provider works for the attacker, with her external ID."
    return judge(world, alone, _as_provider(world, answer, THEIRS, _report(world), True, reads))


def _check_external_id(world: WorkshopWorld, answer: object) -> Verdict:
    return _judged_role(world, REPORTS, _report(world), _salaries(world))


def _check_second_role(world: WorkshopWorld, answer: object) -> Verdict:
    return _judged_role(world, SALARIES, _salaries(world), _report(world))


def _judged_role(world: WorkshopWorld, name: str, allowed: str, denied: str) -> Verdict:
    """Return the verdict on a role that the provider must use for us alone, for one bucket alone."""
    role = world.role_arn(name)
    direct = AssumeCall(role, {"ExternalId": world.secret(OURS)})
    return judge_trust(
        world,
        _as_provider(world, role, OURS, allowed, True, "The provider works for you, with your external ID."),
        _as_provider(world, role, THEIRS, "", False, "It works for the attacker, with hers."),
        _as_provider(world, role, "", "", False, "It passes no external ID."),
        _as_provider(world, role, OURS, denied, False, "The role is for one bucket."),
        Question("mallory", False, (direct,), because="A person at the provider, with your external ID."),
        Question("outsider", False, (direct,), because="The attacker directly, with your external ID."),
    )


def _check_requests(world: WorkshopWorld, answer: object) -> Verdict:
    requests = {"A": "", "B": THEIRS, "C": OURS, "D": OURS}
    if not isinstance(answer, list) or not all(each in list(requests) for each in answer):
        return not_yet("The answer is a list of these letters: A, B, C, D.")
    role, report = world.role_arn(REPORTS), _report(world)
    return compare(
        world,
        *(
            _as_provider(world, role, external_id, report, letter in answer, f"Form {letter}.")
            for letter, external_id in requests.items()
        ),
    )


_STARTER = "answer = None  # replace this line by your own\nanswer"
_MENDED = """\
allow = {"Effect": "Allow", "Action": "sts:AssumeRole"}
allow["Principal"] = {"AWS": sheet.role_arn("reports-service", "source")}
allow["Condition"] = {%s: {"sts:ExternalId": %s}}
sheet.put_role("shared-reports", {"Version": "2012-10-17", "Statement": [allow]})
answer = "done"
answer"""
_SECOND = """\
import json

who = {"Principal": {"AWS": %s}, "Condition": {"StringEquals": {"sts:ExternalId": sheet.secret("our-external-id")}}}
sheet.put_role("shared-salaries", {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", **who}]})
allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{sheet.other_bucket}/*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
iam = sheet.client("destination-admin", "iam")
iam.put_role_policy(RoleName="shared-salaries", PolicyName="read-salaries", PolicyDocument=policy)
answer = "done"
answer"""

ATTACK = Exercise(
    name="attack",
    title="Be the attacker",
    task="""\
You are `outsider`. You own an account of your own and nothing else here, and you would like to read somebody else's reports.
The provider's guide tells every customer to create a role called `shared-reports`. Account ids are no secret: you
know that of the victim, the destination account.

You become a customer of the provider too. Its form asks one thing: *"The ARN of the role that we shall assume."* An honest customer
would enter a role of their own account. Set `answer` to the ARN that **you** enter.

The check sends the form: the provider's program assumes the role that you named, and reads `2026/summary.csv` of the
victim's bucket. It also shows that you cannot assume the victim's role yourself.""",
    starter="answer = None  # the ARN of a role, as text\nanswer",
    check=_check_attack,
    hints=(
        "You cannot assume the victim's role. The provider can, and it does as its customers ask.",
        "The form does not check whose account the role is in. Which role reads the victim's bucket?",
        'The role shared-reports of the destination account: sheet.role_arn("shared-reports").',
    ),
    solution='answer = sheet.role_arn("shared-reports")\nanswer',
    wrong=WrongAnswer('answer = sheet.role_arn("shared-reports", "source")\nanswer', "No role has the ARN"),
    others=(
        'answer = f"arn:aws:iam::{sheet.destination}:role/shared-reports"\nanswer',
        'answer = ":".join(["arn", "aws", "iam", "", sheet.destination, "role/shared-reports"])\nanswer',
    ),
    too_wide="",  # the answer is one ARN and changes nothing
    why=(
        "This is the confused deputy: a program with rights of its own that uses them for the wrong person. The victim's "
        "trust policy was right about who calls, and could not say for whom."
    ),
)

EXTERNAL_ID = Exercise(
    name="external_id",
    title="Mend the role with an external ID",
    task="""\
Change sides: you are the victim, the administrator of the destination account. The provider gives each customer another **external ID**,
and passes it whenever it works for that customer. Nobody can choose one. Yours is `sheet.secret("our-external-id")`: write it
so in your code, and it stays out of the notebook.

Let the trust policy of `shared-reports` require your external ID. The provider's role `reports-service` stays the only
principal: `sheet.role_arn("reports-service", "source")`. Then set `answer = "done"`.

The check has the provider read the report for you, which has to work. Then it has it try for the attacker, and without an external
ID. Afterwards the check of exercise 1 says *Not yet*, as it should. What was correct stays counted.""",
    starter=_STARTER,
    check=_check_external_id,
    hints=(
        "An external ID is a Condition in the statement of the trust policy. The Principal stays.",
        "The key is sts:ExternalId. An operator that is true without the key, such as one with IfExists, is no lock.",
        '"Condition": {"StringEquals": {"sts:ExternalId": sheet.secret("our-external-id")}}, and then '
        'sheet.put_role("shared-reports", trust_policy).',
    ),
    solution=_MENDED % ('"StringEquals"', 'sheet.secret("our-external-id")'),
    wrong=WrongAnswer(
        _MENDED % ('"StringEquals"', '"an-id-that-i-made-up"'), "StringEquals requires sts:ExternalId"
    ),
    others=(
        """\
import json

provider = {"Principal": {"AWS": [sheet.role_arn("reports-service", "source")]}, "Action": "sts:AssumeRole"}
others = {"StringNotEquals": {"sts:ExternalId": [sheet.secret("our-external-id")]}}
statements = [{"Effect": "Allow", **provider}, {"Effect": "Deny", **provider, "Condition": others}]
sheet.client("destination-admin", "iam").update_assume_role_policy(
    RoleName="shared-reports",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
)
answer = "done"
answer""",
        """\
import xacct_nb as xa

grant = xa.Grant(
    name="shared-reports",
    sources=[sheet.role_arn("reports-service", "source")],
    destinations=[sheet.role_arn("shared-reports")],
    conditions={"external_id": sheet.secret("our-external-id")},
    permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{sheet.bucket}/*"]}],
    adopt=True,
)
sheet.apply_grant(grant)
answer = "done"
answer""",
    ),
    too_wide=_MENDED % ('"StringEqualsIfExists"', 'sheet.secret("our-external-id")'),
    why=(
        "The external ID says for whom the provider works, and AWS compares it. It protects you only because the provider "
        "gives it out: a customer who could choose one would choose yours."
    ),
)

SECOND_ROLE = Exercise(
    name="second_role",
    title="Make the next role right from the start",
    task="""\
The provider offers a service for salaries too. Create the role `shared-salaries` in the destination account:

- the provider's role `reports-service` may assume it, and nobody else at the provider;
- only with your external ID, `sheet.secret("our-external-id")`;
- it may read (`s3:GetObject`) the objects of the bucket `sheet.other_bucket`, and nothing else.

Then set `answer = "done"`. The check reads `2026/salaries.csv` as the provider, for you, and tries what must fail. One of those who
try is `mallory`, who works at the provider and has found your external ID.""",
    starter=_STARTER,
    check=_check_second_role,
    hints=(
        "It takes two policies: a trust policy as in exercise 2, and a permissions policy as in sheet 1.",
        'sheet.put_role("shared-salaries", trust_policy) creates the role; the trust policy is that of exercise 2.',
        "The permissions policy allows s3:GetObject on "
        'f"arn:aws:s3:::{sheet.other_bucket}/*": iam.put_role_policy(RoleName="shared-salaries", ...).',
    ),
    solution=_SECOND % 'sheet.role_arn("reports-service", "source")',
    wrong=WrongAnswer(_SECOND % 'sheet.user_arn("provider-app")', "The trust policy names"),
    others=(
        """\
import xacct_nb as xa

grant = xa.Grant(
    name="shared-salaries",
    sources=[sheet.role_arn("reports-service", "source")],
    destinations=[sheet.role_arn("shared-salaries")],
    conditions={"external_id": sheet.secret("our-external-id")},
    permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{sheet.other_bucket}/*"]}],
    adopt=True,
)
sheet.apply_grant(grant)
answer = "done"
answer""",
        """\
import json

deputy = {"aws:PrincipalArn": sheet.role_arn("reports-service", "source")}
ours = {"sts:ExternalId": sheet.secret("our-external-id")}
allow = {
    "Effect": "Allow", "Principal": {"AWS": sheet.source}, "Action": "sts:AssumeRole",
    "Condition": {"ArnEquals": deputy, "StringLike": ours},
}
sheet.put_role("shared-salaries", {"Version": "2012-10-17", "Statement": [allow]})
read = {"Effect": "Allow", "Action": "s3:Get*", "Resource": f"arn:aws:s3:::{sheet.other_bucket}/2026/*"}
iam = sheet.client("destination-admin", "iam")
document = json.dumps({"Version": "2012-10-17", "Statement": [read]})
made = iam.create_policy(PolicyName="read-salaries", PolicyDocument=document)
iam.attach_role_policy(RoleName="shared-salaries", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
    ),
    too_wide=_SECOND % "sheet.source",
    why=(
        "An external ID stands in configurations and tickets, so it is no password. The principal decides who may call; "
        "the external ID only decides for whom."
    ),
)

REQUESTS = Exercise(
    name="requests",
    title="Say what the external ID cannot do",
    task="""\
Another provider is careless: its form asks for a role *and* an external ID, and believes both. Suppose that `reports-service` worked
like that. Four forms arrive, all with your role `shared-reports`, as you mended it in exercise 2:

| form | from | external ID |
|---|---|---|
| A | the attacker | left empty |
| B | the attacker | the attacker's own |
| C | the attacker | yours, which somebody had put into a public repository |
| D | you | yours |

With which forms does the provider's program read your report? Set `answer` to a list of letters, such as `["A", "D"]`. The check
makes all four calls.""",
    starter="answer = None  # a list of letters\nanswer",
    check=_check_requests,
    hints=(
        "AWS compares the external ID of the call with that of the trust policy. It knows nothing else about a form.",
        "Does AWS see who sent the form to the provider?",
        "C and D make the same call, letter for letter. So AWS answers both in the same way.",
    ),
    solution='answer = ["C", "D"]\nanswer',
    wrong=WrongAnswer('answer = ["D"]\nanswer', "You say that this fails, and AWS allows it"),
    others=(
        'answer = ["D", "C"]\nanswer',
        'answer = [letter for letter in "ABCD" if letter not in "AB"]\nanswer',
    ),
    too_wide="",  # a prediction gives nobody access
    why=(
        "AWS cannot know who sent the form. The provider has to give out the external IDs, another one to each customer, "
        "and never take one from a customer. Ask your providers how they do it."
    ),
)

SHEET = Sheet(
    number=3,
    name="confused_deputy",
    title="The confused deputy",
    minutes=20,
    introduction="""\
A provider makes charts from its customers' reports. It works in the **source account**: its program `provider-app` assumes the
role `reports-service`, and that assumes a role in the account of each customer. One customer is the **destination account**,
with the role `shared-reports`:

```text
SOURCE ACCOUNT: the provider                    DESTINATION ACCOUNT: a customer

provider-app ──► role reports-service ───────►  role shared-reports ──► the reports
                       ▲                        trusts reports-service
                       │
            "here is the ARN of my role"
                       │
THIRD ACCOUNT: outsider, another customer
```

The role `reports-service` is a *deputy*: it has rights that its customers do not have, and uses them on their word. You first attack
it. Then you mend the victim's role, and prove that the honest work goes on.""",
    prepare=_prepare,
    exercises=(ATTACK, EXTERNAL_ID, SECOND_ROLE, REQUESTS),
    closing="""\
You have attacked through a deputy, ended the attack with an external ID, and seen where its protection ends. Whenever somebody
else's service asks for a role in your account, look for the external ID, and for who gives it out.""",
    makes=(
        Made("source", "user", PROGRAM),
        Made("source", "role", DEPUTY),
        Made("destination", "role", REPORTS),
        Made("destination", "role", SALARIES),
        Made("destination", "policy", "read-salaries"),
    ),
    instructor=Instructor(
        goals=(
            "explain the confused deputy to a colleague, with an example of their own;",
            "require an external ID in a trust policy, so that a call without one is denied;",
            "say who has to give out an external ID, and why it is no password;",
            "test that the attack ends and the honest customer still works.",
        ),
        timing=(
            (
                4,
                "The picture of the introduction. Play it: a provider, a victim, an attacker, a form on paper.",
            ),
            (
                4,
                "Exercise 1. Let the class say what the provider did wrong, before anybody says external ID.",
            ),
            (5, "Exercise 2."),
            (4, "Exercise 3."),
            (3, "Exercise 4: vote first, then check. Then the clean-up."),
        ),
        pitfalls=(
            (
                "Somebody tries to assume the role as `outsider`",
                "That is what the victim's trust policy prevents. Whom does it trust?",
            ),
            (
                "An external ID that the participant made up",
                'The provider passes the one that it has given out. Use `sheet.secret("our-external-id")`.',
            ),
            (
                "StringEqualsIfExists, or `*` as value",
                "Then the lock is open for a call without an external ID, or with any.",
            ),
            (
                "In exercise 3, mallory gets in",
                "The whole account of the provider is trusted. The external ID does not make up for that.",
            ),
            (
                "Exercise 1 says Not yet after exercise 2",
                "That is the success of exercise 2. What was correct stays counted.",
            ),
        ),
        questions=(
            (
                "Who did something wrong in exercise 1?",
                "The provider believed a form. The victim trusted it without a way to say for whom. AWS did as it was told.",
            ),
            (
                "May the external ID stand in a ticket?",
                "It is no password, and AWS shows it in the trust policy. But with a careless provider it is enough, as "
                "form C of exercise 4 shows. So treat it with care.",
            ),
            (
                "Do you need an external ID between two accounts of your own company?",
                "Seldom: there is no deputy that works for strangers. Name the one role that may call.",
            ),
        ),
    ),
)
