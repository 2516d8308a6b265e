"""Sheet 10, service control policies: the level above both accounts, and trust in an organization."""

import json
from dataclasses import replace
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam.grammar import RESOURCE_CONTROL, SERVICE_CONTROL
from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.judging import judge, not_yet
from xacct_nb.workshop.organization import (
    FULL_ACCESS,
    ROOT,
    OrganizationTree,
    Policy,
    control_policy,
    organized,
    put_organization,
)
from xacct_nb.workshop.preparing import allow, document, make_role, trust
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import OUTSIDER, WorkshopWorld

READER, TEAM, DROP = "reports-reader", "team-reports", "team-drop"
INBOX, ARCHIVE = "vendor-inbox", "vendor-archive"
TEAMS, DATA, SOURCE = "teams", "data", "source"
LEVELS = (ROOT, TEAMS, SOURCE)
_CALL = "sts:AssumeRole"


def _scp(*statements: dict[str, Any]) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statement(effect: str, actions: str | list[str], resource: str) -> dict[str, Any]:
    return {"Effect": effect, "Action": actions, "Resource": resource}


PROTECT_AUDIT = _scp(_statement("Deny", _CALL, "arn:aws:iam::*:role/audit-*"))
TEAM_SERVICES = _scp(
    _statement("Allow", ["s3:*", "iam:*", "sts:Get*"], "*"),
    _statement("Allow", _CALL, "arn:aws:iam::*:role/team-*"),
)
NO_OLD_ROLES = _scp(_statement("Deny", _CALL, "arn:aws:iam::*:role/old-*"))


def _prepare(world: WorkshopWorld) -> None:
    """Make the roles, Alice's policy, and the organization; everybody's own policies are right."""
    made_by, alice = world.user_arn("admin", "destination"), world.user_arn("alice")
    reads = [allow("s3:GetObject", world.object_arn("2026/*"))]
    roles = (
        make_role(world, "destination", READER, [trust(alice)], reads),
        make_role(world, "destination", TEAM, [trust(made_by)], reads),
        make_role(
            world, "destination", DROP, [trust("*")], [allow("s3:PutObject", world.object_arn("in/*"))]
        ),
        *_vendors(world),
    )
    for name in (INBOX, ARCHIVE):
        world.client(OUTSIDER, "iam").create_role(
            RoleName=name, AssumeRolePolicyDocument=document(trust(world.source))
        )
    world.admin("source", "iam").put_user_policy(
        UserName="alice", PolicyName="assume-roles", PolicyDocument=document(allow(_CALL, roles))
    )
    put_organization(world, _usual(world))


def _vendors(world: WorkshopWorld) -> tuple[str, str]:
    """Return the ARNs of two roles in the account of another company."""
    return f"arn:aws:iam::{world.outside}:role/{INBOX}", f"arn:aws:iam::{world.outside}:role/{ARCHIVE}"


def _usual(world: WorkshopWorld) -> OrganizationTree:
    """Return the organization of the sheet's introduction."""
    service = {
        ROOT: (FULL_ACCESS, PROTECT_AUDIT),
        TEAMS: (TEAM_SERVICES,),
        world.source: (FULL_ACCESS, NO_OLD_ROLES),
    }
    units = {world.source: TEAMS, world.destination: DATA}
    return OrganizationTree(units, service, elsewhere=(world.outside,))


def _judge_each(world: WorkshopWorld, *asked: tuple[OrganizationTree, tuple[Question, ...]]) -> Verdict:
    """Ask the questions of each organization while it is there, until an answer is not as expected."""
    rows = list[Any]()
    verdict = not_yet("Nothing was asked.")
    for organization, questions in asked:
        with organized(world, organization, _usual(world)):
            verdict = judge(world, *questions)
        rows.extend(verdict.asked)
        if not verdict.is_correct:
            break
    return replace(verdict, asked=tuple(rows))


def _check_level(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, str) or answer not in LEVELS:
        return not_yet(f"The answer is one of these levels: {', '.join(LEVELS)}.")
    level = world.source if answer == SOURCE else answer
    because = f"For this question, {answer} has FullAWSAccess alone."
    reader = (world.role_arn(READER),)
    freed = (
        Question("alice", True, reader, because=because),
        Question("mallory", False, reader, because="A service control policy gives nothing."),
    )
    return _judge_each(world, (_usual(world).with_service(level, FULL_ACCESS), freed))


def _check_stay_inside(world: WorkshopWorld, answer: object) -> Verdict:
    try:
        policy = control_policy(answer, SERVICE_CONTROL)
    except InvalidPolicy as problem:
        return _refused(problem)
    (inbox, archive), reader = _vendors(world), world.role_arn(READER)
    outside = "The role is outside your organization."
    freed = "With FullAWSAccess instead of your policy, both sides let her in."
    before = (
        Question("alice", True, (inbox,), because=freed),
        Question("mallory", True, (archive,), because=freed),
    )
    asked = (
        Question("alice", True, (reader,), because="The role is in your organization."),
        Question("alice", False, (inbox,), because=outside),
        Question("mallory", False, (archive,), because=outside),
        Question("source-admin", False, (inbox,), because="It limits administrators as well."),
        Question("source-admin", True, (), "iam:ListUsers", "*", "Everything else is possible."),
        Question("source-admin", True, (), "sqs:ListQueues", "*", "Everything else is possible."),
        Question("mallory", False, (reader,), because="A service control policy gives nothing."),
    )
    return _judge_each(
        world,
        (_usual(world).with_service(TEAMS, FULL_ACCESS), before),
        (_usual(world).with_service(TEAMS, policy), asked),
    )


def _check_trust(world: WorkshopWorld, answer: object) -> Verdict:
    role = (world.role_arn(TEAM),)
    joined = "For this question, its account has joined your organization."
    return _judge_each(
        world,
        (
            _usual(world),
            (
                Question("alice", True, role, because="Her account is in your organization."),
                Question(OUTSIDER, False, role, because="Its account is in another organization."),
            ),
        ),
        (
            _usual(world).with_account(world.outside, DATA),
            (Question(OUTSIDER, True, role, because=joined),),
        ),
        (
            _usual(world).without_account(world.source),
            (Question("alice", False, role, because="For this question, her account has left it."),),
        ),
    )


def _check_outsiders(world: WorkshopWorld, answer: object) -> Verdict:
    try:
        policy = control_policy(answer, RESOURCE_CONTROL)
    except InvalidPolicy as problem:
        return _refused(problem)
    role, limited = (world.role_arn(DROP),), _usual(world).with_resource(DATA, policy)
    before = "Without your policy: leave the trust policy as it is."
    return _judge_each(
        world,
        (_usual(world), (Question(OUTSIDER, True, role, because=before),)),
        (
            limited,
            (
                Question("alice", True, role, because="Her account is in your organization."),
                Question("destination-admin", True, role, because="So is the role's own account."),
                Question(OUTSIDER, False, role, because="Its account is in another organization."),
            ),
        ),
        (
            limited.without_account(world.source),
            (Question("alice", False, role, because="For this question, her account has left it."),),
        ),
    )


def _refused(problem: InvalidPolicy) -> Verdict:
    return not_yet(f"This is no policy that AWS accepts. {problem.what}")


def _json(policy: Policy) -> str:
    lines = ",\n".join(f"  {json.dumps(each)}" for each in policy["Statement"])
    return f"```json\n[\n{lines}\n]\n```"


_STARTER = "answer = None  # replace this line by your own\nanswer"
_SCP = """\
%s
answer = {"Version": "2012-10-17", "Statement": %s}
answer"""
_ALLOW = 'allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}'
_DENY = """\
deny = {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}
deny["Condition"] = {"StringNotEquals": {"aws:ResourceOrgID": sheet.organization}}"""
_TRUST = """\
who = {"Effect": "Allow", "Principal": {"AWS": %s}, "Action": "sts:AssumeRole"}%s
sheet.put_role("team-reports", {"Version": "2012-10-17", "Statement": [who]})
answer = "done"
answer"""
_IN_ORGANIZATION = """
who["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": sheet.organization}}"""
_RCP = """\
policy = {"Effect": "%s", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}
policy["Condition"] = {%s}
answer = {"Version": "2012-10-17", "Statement": [policy]}
answer"""

WHICH_LEVEL = Exercise(
    name="which_level",
    title="Find the level that stops Alice",
    task=f"""\
Alice's own policy allows `sts:AssumeRole` on `reports-reader`, and the trust policy of the role names her. Both policies are right, and the call
fails. Make it, and read what AWS answers:

```python
sheet.client("alice", "sts").assume_role(RoleArn=sheet.role_arn("reports-reader"), RoleSessionName="alice")
```

Three levels limit the source account. These are the statements of their policies, besides FullAWSAccess:

- **root** has FullAWSAccess and `protect-audit`:

{_json(PROTECT_AUDIT)}

- **teams** has `team-services`, and nothing else:

{_json(TEAM_SERVICES)}

- **source** has FullAWSAccess and `no-old-roles`:

{_json(NO_OLD_ROLES)}

Which level stops the call? Set `answer` to `"root"`, `"teams"` or `"source"`. The check puts FullAWSAccess alone on that level, makes the call again,
and puts back what was there.""",
    starter='answer = None  # "root", "teams" or "source"\nanswer',
    check=_check_level,
    hints=(
        "AWS's message names the kind of policy. It also says whether that policy denies the call, or does not allow it.",
        "An explicit deny would be a Deny statement that matches. Here no policy allows the call, on some level. Every level has to.",
        "Two levels have FullAWSAccess, which allows everything. The third one allows sts:AssumeRole on roles named team-* only.",
    ),
    solution='answer = "teams"\nanswer',
    wrong=WrongAnswer(
        'answer = "root"\nanswer', "no service control policy allows the sts:AssumeRole action"
    ),
    others=(
        """\
levels = {
    "root": ["*"],
    "teams": ["s3:*", "iam:*", "sts:Get*"],
    "source": ["*"],
}
answer = next(level for level, allowed in levels.items() if "*" not in allowed)
answer""",
        """\
found = str(sheet.diagnose("alice", sheet.role_arn("reports-reader")))
answer = "teams" if "no service control policy allows" in found else "root"
answer""",
    ),
    too_wide="",  # it is a prediction
    why=(
        "A service control policy gives nothing: it is a limit. Each level from the root to the account has to allow a call, and a Deny on any "
        "level ends it. Neither owner sees these policies, so the message of AWS is where to begin."
    ),
)

STAY_INSIDE = Exercise(
    name="stay_inside",
    title="Write the policy of the unit",
    task="""\
`team-services` stops Alice, and does not keep anybody inside: a role of another company may have a name like `team-...` as well. Write the service
control policy that the unit `teams` gets in its place:

- nobody in the unit can assume a role outside your organization, whatever their own policies allow;
- everything else is possible that their own policies allow.

The role `vendor-inbox` is in an account of another company, and there are more such roles. It trusts your source account, and Alice's policy allows the call.
`sheet.organization` is the id of your organization. The condition key `aws:ResourceOrgID` has the id of the organization of the role's account. It is
missing where that account is in no organization.

Set `answer` to the policy: a dict, or its JSON as text. The check puts it on `teams` alone, makes seven calls, and puts back what was there.""",
    starter="answer = None  # a policy\nanswer",
    check=_check_stay_inside,
    hints=(
        "There are two things to say, so there are two statements. Which of them is easily forgotten?",
        "Your policy is the only one on this level. So it has to allow everything, and to deny sts:AssumeRole under a condition.",
        'The condition of the Deny is {"StringNotEquals": {"aws:ResourceOrgID": sheet.organization}}. It holds as well where the key is missing. '
        "The other statement allows * on *.",
    ),
    solution=_SCP % (f"{_ALLOW}\n{_DENY}", "[allow, deny]"),
    wrong=WrongAnswer(_SCP % (_DENY, "[deny]"), "no service control policy allows the sts:AssumeRole action"),
    others=(
        """\
import json

mine = [f"arn:aws:iam::{account}:role/*" for account in (sheet.source, sheet.destination)]
every = {"Effect": "Allow", "Action": "*", "Resource": "*"}
others = {"Effect": "Deny", "Action": "sts:AssumeRole", "NotResource": mine}
answer = json.dumps({"Version": "2012-10-17", "Statement": [every, others]})
answer""",
        """\
rest = {"Effect": "Allow", "NotAction": "sts:AssumeRole", "Resource": "*"}
inside = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
inside["Condition"] = {"StringEquals": {"aws:ResourceOrgID": sheet.organization}}
answer = {"Version": "2012-10-17", "Statement": [rest, inside]}
answer""",
    ),
    too_wide=_SCP % (_ALLOW, "[allow]"),
    why=(
        "With one policy on one level, no administrator of these accounts can let anybody out into another company's account, by mistake or on "
        "purpose. The other direction is not touched: a caller from outside is not limited by your service control policies."
    ),
)

TRUST_THE_ORGANIZATION = Exercise(
    name="trust_the_organization",
    title="Trust the organization",
    task="""\
The role `team-reports` of the destination account is for every account of your organization. There are two today, and there will be hundreds: a list
of them would have to be changed each time.

Change the trust policy of `team-reports`, so that it lets in the principals of every account of your organization, and of no other account. Then set
`answer = "done"`. The check calls as Alice and as `outsider`. Then it lets the account of `outsider` join your organization, and Alice's account leave
it, and asks again.

The id of your organization is `sheet.organization`. The condition key `aws:PrincipalOrgID` has the id of the organization of the caller's account.""",
    starter=_STARTER,
    check=_check_trust,
    hints=(
        "An organization is no principal: AWS refuses its id there. What can say it instead?",
        'The principal is everybody, {"AWS": "*"}, and a condition says who is meant.',
        'The condition is {"StringEquals": {"aws:PrincipalOrgID": sheet.organization}}. sheet.put_role("team-reports", trust_policy) '
        "replaces the trust policy.",
    ),
    solution=_TRUST % ('"*"', _IN_ORGANIZATION),
    wrong=WrongAnswer(
        _TRUST % ("sheet.source", ""),
        "AWS denies what it has to allow: outsider assumes role/team-reports",
    ),
    others=(
        """\
import json

everybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
others = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
others["Condition"] = {"StringNotEquals": {"aws:PrincipalOrgID": sheet.organization}}
iam = sheet.client("destination-admin", "iam")
iam.update_assume_role_policy(
    RoleName="team-reports",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everybody, others]}),
)
answer = "done"
answer""",
        """\
who = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "sts:AssumeRole"}
who["Condition"] = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{sheet.organization}/*"}}
sheet.put_role("team-reports", {"Version": "2012-10-17", "Statement": who})
answer = "done"
answer""",
    ),
    too_wide=_TRUST % ('"*"', ""),
    why=(
        "The account that joins tomorrow is trusted, and the one that leaves is not, without a change of the role. It is wide: Mallory gets in as "
        "well, because her own policy lets her call. A second condition on aws:PrincipalArn or aws:PrincipalOrgPaths says who in these accounts."
    ),
)

KEEP_OUTSIDERS_OUT = Exercise(
    name="keep_outsiders_out",
    title="Keep outsiders out of every role",
    task="""\
The trust policy of `team-drop` has the principal `{"AWS": "*"}` and no condition. There may be more such roles in the unit `data`, now or next year.
A service control policy of `data` does not help: it limits the principals of its accounts, not callers from elsewhere. A **resource control policy**
limits what can be done to the resources of its accounts, whoever calls.

Write the resource control policy for the unit `data`: nobody outside your organization can assume a role in it. Callers of your organization
can, as before. Leave the trust policy of `team-drop` as it is.

It is written as a service control policy is, with two differences. It only denies, since AWS's own RCPFullAWSAccess stays on every level. And it has a
`Principal`, which is always `"*"`.

Set `answer` to the policy: a dict, or its JSON as text. The check puts it on `data`, makes four calls, lets Alice's account leave the organization for
one more, and puts back what was there.""",
    starter="answer = None  # a policy\nanswer",
    check=_check_outsiders,
    hints=(
        "In exercise 3 a condition said who gets in. Here the statement is a Deny: say who does not.",
        'It is one statement: Deny, the Principal "*", sts:AssumeRole on "*". The Condition is about aws:PrincipalOrgID.',
        'The Condition is {"StringNotEquals": {"aws:PrincipalOrgID": sheet.organization}}. A caller in no organization has no such key, '
        "and StringNotEquals holds for it.",
    ),
    solution=_RCP % ("Deny", '"StringNotEquals": {"aws:PrincipalOrgID": sheet.organization}'),
    wrong=WrongAnswer(
        _RCP % ("Allow", '"StringEquals": {"aws:PrincipalOrgID": sheet.organization}'),
        "it must be Deny: only RCPFullAWSAccess allows",
    ),
    others=(
        """\
import json

outsiders = {
    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": sheet.organization},
    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
}
deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*", "Condition": outsiders}
answer = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
answer""",
        """\
roles = f"arn:aws:iam::{sheet.destination}:role/*"
deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:*", "Resource": roles}
deny["Condition"] = {"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": [f"{sheet.organization}/*"]}}
answer = {"Version": "2012-10-17", "Statement": [deny]}
answer""",
    ),
    too_wide=_RCP % ("Deny", '"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/outsider"}'),
    why=(
        "One policy holds for all roles of all accounts of the unit, also for those whose trust policy is a mistake. In AWS itself add a condition "
        "on aws:PrincipalIsAWSService: a service that assumes a role is in no organization."
    ),
)

SHEET = Sheet(
    number=10,
    name="control_policies",
    title="Service control policies and many accounts",
    minutes=20,
    introduction="""\
Your two accounts are in an organization. It has levels, and each level has policies that limit the accounts on and below it. Those who own an account
neither write these policies nor see them.

```text
root                            FullAWSAccess, protect-audit
├── management account          control policies do not limit it
├── unit teams                  team-services
│   └── SOURCE ACCOUNT          FullAWSAccess, no-old-roles
└── unit data                   FullAWSAccess
    └── DESTINATION ACCOUNT     FullAWSAccess

another company                 the account of outsider, in an organization of that company
```

| policy | it limits | it may |
|---|---|---|
| *service control policy* (SCP) | the principals of its accounts, their administrators and root users included | allow and deny |
| *resource control policy* (RCP) | calls on the resources of its accounts, whoever calls | deny |

Neither gives anybody anything. A call of AssumeRole needs the caller policy, the trust policy, *and* that each SCP level of the caller's account allows
it, *and* that no SCP of the caller's account and no RCP of the role's account denies it.""",
    exercises=(WHICH_LEVEL, STAY_INSIDE, TRUST_THE_ORGANIZATION, KEEP_OUTSIDERS_OUT),
    closing="""\
Two policies decide about cross-account access, and others above them set its limits. You have read such a limit from AWS's message, set one for
callers and one for roles, and trusted many accounts by one condition.""",
    prepare=_prepare,
    needs_sandbox=(
        "The checks put control policies on an organization, let an account join it and another one leave it. On AWS that takes the management "
        "account, and concerns every account of the organization."
    ),
    makes=(
        Made("destination", "role", READER),
        Made("destination", "role", TEAM),
        Made("destination", "role", DROP),
    ),
    instructor=Instructor(
        goals=(
            "tell by AWS's message whether an SCP denies a call or does not allow it, and find the level;",
            "write an SCP that keeps AssumeRole inside the organization;",
            "trust an organization by aws:PrincipalOrgID instead of a list of accounts;",
            "say whom an SCP limits, and whom an RCP limits.",
        ),
        timing=(
            (3, "Draw the tree. Ask the first question below."),
            (4, "Exercise 1: let somebody read AWS's message aloud."),
            (5, "Exercise 2."),
            (4, "Exercise 3. Show afterwards that Mallory gets in, too."),
            (4, "Exercise 4: ask first why an SCP does not help. Then the clean-up."),
        ),
        pitfalls=(
            (
                "Exercise 2: no service control policy allows the sts:AssumeRole action",
                "The answer has only the Deny. It is the only policy of its level, so it has to allow the rest.",
            ),
            (
                "Exercise 2: StringEquals in the Deny, and vendor-inbox opens",
                "Then it denies the roles of the organization. Read the statement aloud: deny, where the role is not of our organization.",
            ),
            (
                "Exercise 3: MalformedPolicyDocument, invalid principal",
                'The id of an organization is no principal. Everybody is {"AWS": "*"} in a trust policy: AWS refuses "*" alone.',
            ),
            (
                "Exercise 3: outsider has to be allowed, and the participant does not see why",
                "The last column says it: for that question its account has joined. A list of accounts would have to be changed now.",
            ),
            (
                "Version: it is missing, not 2012-10-17",
                'Without a Version a policy is of the old one. Control policies have to say "Version": "2012-10-17".',
            ),
            (
                "Exercise 4: Principal is missing",
                "That is the form of an SCP. An RCP is about callers from everywhere, so it names them: always *.",
            ),
        ),
        questions=(
            (
                "Alice has AdministratorAccess, the role trusts her, and the call fails. Who can say why?",
                "Whoever reads the message, and whoever may read the organization's policies. The two owners see nothing wrong.",
            ),
            (
                "Does an SCP of the destination account keep Alice out of its roles?",
                "No. It limits the principals of the destination account: what Alice's session does in the role, but not that she assumes it.",
            ),
            (
                "Why is nothing of value put into the management account?",
                "Control policies do not limit it, neither its users nor its roles.",
            ),
            (
                "What happens to exercise 3's role when the organization buys a company?",
                "Once the accounts join, they are trusted. With aws:PrincipalOrgPaths it is one unit that is trusted.",
            ),
            (
                "Which callers does the RCP of exercise 4 shut out that one may want?",
                "Services of AWS, sign-ins by SAML and OIDC if these actions are denied, and the vendor with an external ID: except their accounts "
                "by aws:PrincipalAccount.",
            ),
        ),
    ),
)
