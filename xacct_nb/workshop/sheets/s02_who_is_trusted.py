"""Sheet 2, who is trusted: a user, a role or a whole account as principal, and whom each really lets in."""

import json

from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.inventory import Item, remove
from xacct_nb.workshop.judging import compare, judge, judge_trust, not_yet
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

BY_USER, BY_ROLE, BY_ACCOUNT = "by-user", "by-role", "by-account"
TEAM, ARCHIVE = "team-reader", "archive-reader"
PEOPLE = ("bob", "carol", "mallory")


def _prepare(world: WorkshopWorld) -> None:
    """Make the callers and the five roles; dave is deleted and made again after his role has been made."""
    for name in ("bob", "dave", "analyst-1", "analyst-2", "analyst-3"):
        world.add_user(name, allowed="sts:AssumeRole")
    world.add_user("carol")
    account = f"arn:aws:iam::{world.source}:root"
    principals = {
        BY_USER: world.user_arn("bob"),
        BY_ROLE: world.role_arn("hub", "source"),
        BY_ACCOUNT: account,
        TEAM: account,
        ARCHIVE: world.user_arn("dave"),
    }
    for role, principal in principals.items():
        allow = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        world.admin("destination", "iam").create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    remove(lambda service: world.admin("source", service), Item("user", "dave"))
    world.add_user("dave", allowed="sts:AssumeRole")


def _check_who_gets_in(world: WorkshopWorld, answer: object) -> Verdict:
    roles = (BY_USER, BY_ROLE, BY_ACCOUNT)
    if not isinstance(answer, dict) or set(answer) != set(roles):
        return not_yet(f"The answer is a dict with these three keys: {', '.join(roles)}.")
    if not all(isinstance(names, list) and set(map(str, names)) <= set(PEOPLE) for names in answer.values()):
        return not_yet(f"Each value is a list, which may be empty, of these names: {', '.join(PEOPLE)}.")
    return compare(
        world,
        *(Question(name, name in answer[role], (world.role_arn(role),)) for role in roles for name in PEOPLE),
    )


def _check_own_side(world: WorkshopWorld, answer: object) -> Verdict:
    role = (world.role_arn(BY_ACCOUNT),)
    return judge(
        world,
        Question("alice", True, role, because="The role trusts her account, and her account has to agree."),
        Question("alice", False, (world.role_arn(TEAM),), because="She needs one role and no other."),
        Question("bob", True, role, because="Who had access before keeps it."),
        Question("outsider", False, role, because="The role must trust nobody of another account."),
    )


def _check_pattern(world: WorkshopWorld, answer: object) -> Verdict:
    role = (world.role_arn(TEAM),)
    return judge_trust(
        world,
        Question("analyst-1", True, role, because="An analyst."),
        Question("analyst-2", True, role, because="Another analyst."),
        Question("analyst-3", True, role, because="Every later analyst, too."),
        Question("mallory", False, role, because="She is no analyst."),
        Question("source-admin", False, role, because="An administrator is no analyst."),
        Question("outsider", False, role, because="The role must trust nobody of another account."),
    )


def _check_made_again(world: WorkshopWorld, answer: object) -> Verdict:
    role = (world.role_arn(ARCHIVE),)
    return judge(
        world,
        Question("dave", True, role, because="Dave, as he is now, needs the archive."),
        Question("bob", False, role, because="Nobody but Dave."),
        Question("source-admin", False, role, because="Not the administrator of his account either."),
        Question("outsider", False, role, because="The role must trust nobody of another account."),
    )


_STARTER = "answer = None  # replace this line by your own\nanswer"
_CALLER = """\
import json

allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": %s}
policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
iam = sheet.client("source-admin", "iam")
iam.put_user_policy(UserName="alice", PolicyName="assume-by-account", PolicyDocument=policy)
answer = "done"
answer"""
_PATTERN = """\
account = f"arn:aws:iam::{sheet.source}:root"
analysts = {%s: {"aws:PrincipalArn": sheet.user_arn("analyst-*")}}
allow = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole", "Condition": analysts}
sheet.put_role("team-reader", {"Version": "2012-10-17", "Statement": [allow]})
answer = "done"
answer"""
_ARCHIVE = """\
allow = {"Effect": "Allow", "Principal": {"AWS": %s}, "Action": "sts:AssumeRole"}
sheet.put_role("archive-reader", {"Version": "2012-10-17", "Statement": [allow]})
answer = "done"
answer"""

WHO_GETS_IN = Exercise(
    name="who_gets_in",
    title="Say whom each principal lets in",
    task="""\
Three roles are in the destination account. Their trust policies differ in the `Principal` alone:

| role | Principal of its trust policy |
|---|---|
| `by-user` | the user `bob` of the source account |
| `by-role` | the role `hub` of the source account |
| `by-account` | `arn:aws:iam::SOURCE-ACCOUNT-ID:root` |

Three users of the source account try each role with their own keys:

| user | may call, by a policy of their own account |
|---|---|
| `bob` | `sts:AssumeRole` on every role |
| `carol` | nothing |
| `mallory` | `sts:AssumeRole` on every role |

Who gets in where? Set `answer` to a dict: for each role a list of users. An empty list means nobody. The check makes all
nine calls.""",
    starter="""\
answer = None  # such as {"by-user": [], "by-role": [], "by-account": []}
answer""",
    check=_check_who_gets_in,
    hints=(
        "Across accounts, both sides have to allow the call. One of the three users has nothing on their own side.",
        "`:root` in a trust policy is the whole account, not only its root user: everybody whom that account allows.",
        "`by-role` trusts sessions of the role `hub`. A user with their own keys is no session of a role. "
        "`by-account` lets in those two who may call AssumeRole.",
    ),
    solution="""\
answer = {"by-user": ["bob"], "by-role": [], "by-account": ["bob", "mallory"]}
answer""",
    wrong=WrongAnswer(
        """\
answer = {"by-user": ["bob"], "by-role": [], "by-account": ["bob", "carol", "mallory"]}
answer""",
        "user/carol has no policy",
    ),
    others=(
        """\
answer = {"by-account": ["mallory", "bob"], "by-user": ["bob"], "by-role": []}
answer""",
        """\
may_call = ["bob", "mallory"]
answer = dict.fromkeys(["by-user", "by-role"], [])
answer |= {"by-user": may_call[:1], "by-account": may_call}
answer""",
    ),
    too_wide="",  # a prediction gives nobody access
    why=(
        "A whole account as principal hands the decision to that account: its administrators choose who gets in, today "
        "and later. The owner of the role does not see it."
    ),
)

OWN_SIDE = Exercise(
    name="own_side",
    title="Let Alice in, from her side alone",
    task="""\
`alice` needs the role `by-account`, which trusts her whole account. She has no rights yet. Let her in **without touching the
destination account**: she must be able to assume `by-account`, and no other role.

Work as the administrator of the source account, then set `answer = "done"`. The check assumes the role as Alice, and
tries `team-reader`, which trusts her account as well.""",
    starter=_STARTER,
    check=_check_own_side,
    hints=(
        "The role is ready: it trusts the account. What is missing is a policy on Alice's own side.",
        'Allow sts:AssumeRole with one Resource: sheet.role_arn("by-account").',
        'sheet.client("source-admin", "iam").put_user_policy(UserName="alice", PolicyName=..., PolicyDocument=...) '
        "puts it on her; the document is text, so use json.dumps.",
    ),
    solution=_CALLER % 'sheet.role_arn("by-account")',
    wrong=WrongAnswer(
        _CALLER % 'f"arn:aws:iam::{sheet.source}:role/by-account"',
        "another account. The role of the request exists.",
    ),
    others=(
        """\
import json

allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": [sheet.role_arn("by-account")]}
policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
iam = sheet.client("source-admin", "iam")
iam.put_group_policy(GroupName="analysts", PolicyName="assume-by-account", PolicyDocument=policy)
answer = "done"
answer""",
        """\
import json

allow = {"Effect": "Allow", "Action": "sts:Assume*", "Resource": sheet.role_arn("by-acc*")}
policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
iam = sheet.client("source-admin", "iam")
made = iam.create_policy(PolicyName="assume-by-account", PolicyDocument=policy)
iam.attach_user_policy(UserName="alice", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
    ),
    too_wide=_CALLER % '"*"',
    why=(
        "Nobody in the destination account did anything, and somebody new has access. Who audits such a role has to read "
        "the policies of both accounts."
    ),
)

PATTERN = Exercise(
    name="pattern",
    title="Narrow a trusted account to a team",
    task="""\
The role `team-reader` trusts the whole source account. Only the analysts shall use it: users whose name begins with `analyst-`.
New analysts come every month, so a list of names is no answer. Everybody else must stay outside, whatever they
are allowed on their own side.

AWS accepts no wildcard inside a principal. A **condition** on `aws:PrincipalArn` accepts one, if its operator matches
wildcards. Change the trust policy of `team-reader` so, then set `answer = "done"`. `sheet.put_role("team-reader",
trust_policy)` replaces the trust policy of a role that exists.""",
    starter=_STARTER,
    check=_check_pattern,
    hints=(
        "Leave the account as Principal, and add a Condition to the statement.",
        "The key is aws:PrincipalArn. Its value is the ARN of a user, with analyst-* as name.",
        'StringEquals takes * as a plain character. ArnLike takes it as a wildcard: {"ArnLike": {"aws:PrincipalArn": '
        'sheet.user_arn("analyst-*")}}.',
    ),
    solution=_PATTERN % '"ArnLike"',
    wrong=WrongAnswer(_PATTERN % '"StringEquals"', "StringEquals requires aws:PrincipalArn"),
    others=(
        _PATTERN % '"StringLike"',
        """\
import json

others = {"ArnNotLike": {"aws:PrincipalArn": sheet.user_arn("analyst-*")}}
everybody = {"Principal": {"AWS": sheet.source}, "Action": "sts:AssumeRole"}
statements = [{"Effect": "Allow", **everybody}, {"Effect": "Deny", **everybody, "Condition": others}]
sheet.client("destination-admin", "iam").update_assume_role_policy(
    RoleName="team-reader",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
)
answer = "done"
answer""",
    ),
    too_wide=_PATTERN.replace('"analyst-*"', '"*"') % '"ArnLike"',
    why=(
        "The owner of the role has the decision back, and nobody has to change the policy when the team grows. It is only "
        "as good as the source account's care about names: who may create a user there may call it analyst-9."
    ),
)

MADE_AGAIN = Exercise(
    name="made_again",
    title="Find out why Dave is locked out",
    task="""\
The role `archive-reader` trusts the user `dave`. He was deleted by mistake, and made again with the same name and the same
rights. His ARN is the same, letter for letter, and AWS denies him the role.

Look at both sides first. In a new cell,
`sheet.client("destination-admin", "iam").get_role(RoleName="archive-reader")` shows the trust policy as AWS stores it,
and `sheet.diagnose("dave", sheet.role_arn("archive-reader"))` says what the project finds. Then let Dave in again,
and nobody else, and set `answer = "done"`.""",
    starter=_STARTER,
    check=_check_made_again,
    hints=(
        "Read the Principal in the stored trust policy. It is no ARN any more.",
        "AWS stores a trusted user as its unique id, AIDA.... The new Dave has another id, so the role does not know him.",
        'Write the trust policy again, with the ARN of Dave: sheet.put_role("archive-reader", trust_policy). AWS then '
        "looks up the id of the new user.",
    ),
    solution=_ARCHIVE % 'sheet.user_arn("dave")',
    wrong=WrongAnswer(
        """\
import json

allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": sheet.role_arn("archive-reader")}
policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
iam = sheet.client("source-admin", "iam")
iam.put_user_policy(UserName="dave", PolicyName="assume-archive-reader", PolicyDocument=policy)
answer = "done"
answer""",
        "that principal was deleted",
    ),
    others=(
        """\
import json

allow = {"Effect": "Allow", "Principal": {"AWS": [sheet.user_arn("dave")]}, "Action": ["sts:AssumeRole"]}
trust = json.dumps({"Version": "2012-10-17", "Statement": allow})
iam = sheet.client("destination-admin", "iam")
iam.update_assume_role_policy(RoleName="archive-reader", PolicyDocument=trust)
answer = "done"
answer""",
        """\
dave = {"ArnEquals": {"aws:PrincipalArn": sheet.user_arn("dave")}}
allow = {
    "Effect": "Allow", "Principal": {"AWS": sheet.source}, "Action": "sts:AssumeRole", "Condition": dave
}
sheet.put_role("archive-reader", {"Version": "2012-10-17", "Statement": [allow]})
answer = "done"
answer""",
    ),
    too_wide=_ARCHIVE % "sheet.source",
    why=(
        "The id protects you: who creates a user with the name of somebody who left does not inherit that person's access. "
        "A condition on aws:PrincipalArn compares names, and does not protect you so."
    ),
)

SHEET = Sheet(
    number=2,
    name="who_is_trusted",
    title="Who is trusted",
    minutes=20,
    introduction="""\
A **trust policy** says who may assume a role. Its `Principal` can be a user, a role, or a whole account of somebody else. They look
much alike, and let in very different people:

| Principal | what it names | what the caller's own account has to do |
|---|---|---|
| `arn:aws:iam::111122223333:user/bob` | this one user | allow the call |
| `arn:aws:iam::111122223333:role/hub` | every session of this role | allow the call |
| `arn:aws:iam::111122223333:root`, or `111122223333` | the whole account | allow the call, to whom it likes |

A group cannot be a principal. You first say who gets in, and AWS answers. Then you open a role from one side, narrow one that
is too wide, and mend one that a small accident has broken.""",
    prepare=_prepare,
    exercises=(WHO_GETS_IN, OWN_SIDE, PATTERN, MADE_AGAIN),
    closing="""\
You have seen whom a principal really lets in, how a condition narrows it, and why the same name is not the same user. The
next sheet is about a principal that is right, and still is made to work for the wrong person.""",
    makes=(
        *(Made("source", "user", each) for each in ("bob", "carol", "dave")),
        *(Made("source", "user", f"analyst-{number}") for number in (1, 2, 3)),
        Made("source", "policy", "assume-by-account"),
        *(Made("destination", "role", each) for each in (BY_USER, BY_ROLE, BY_ACCOUNT, TEAM, ARCHIVE)),
    ),
    instructor=Instructor(
        goals=(
            "say whom a user, a role and an account as principal let in;",
            "explain that `:root` in a trust policy is the account and not its root user;",
            "narrow a trusted account by a condition on `aws:PrincipalArn`;",
            "recognise a principal that was deleted and made again, and mend the trust.",
        ),
        timing=(
            (3, "The table of the introduction. Ask the first question below."),
            (
                5,
                "Exercise 1. Let everybody write their answer before anybody checks; compare the nine calls.",
            ),
            (4, "Exercise 2."),
            (4, "Exercise 3. Show once what AWS says to a wildcard inside a principal."),
            (4, "Exercise 4. Everybody reads the stored trust policy first. Then the clean-up."),
        ),
        pitfalls=(
            (
                "carol in the list of `by-account`",
                "The trust is the account's half. Nobody has allowed Carol the call on her own side.",
            ),
            (
                "MalformedPolicyDocument: Invalid principal in policy",
                "A wildcard inside an ARN, a group, or a user who does not exist. Use a condition for a pattern.",
            ),
            (
                "StringEquals with a `*`",
                "It compares letter for letter. ArnLike and StringLike know wildcards.",
            ),
            (
                "Somebody gives Dave more rights",
                "His side was never the problem. Look at the Principal that AWS has stored.",
            ),
        ),
        questions=(
            (
                "A trust policy names `arn:aws:iam::111122223333:root`. Can the root user of that account assume the role?",
                "No: AWS lets no root user assume a role. Everybody else whom that account allows can.",
            ),
            (
                "You trust the account of a supplier. Who decides which of their people get in?",
                "They do, and they do not ask you. A condition, or a role as principal, takes a part of it back.",
            ),
            (
                "Why does AWS store an id, and not the name?",
                "Else a new user with an old name would inherit the old user's access.",
            ),
        ),
    ),
)
