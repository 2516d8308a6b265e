"""Sheet 4, role chaining: from a role to a role, one hour at most, and what the second session still knows."""

import re
from configparser import ConfigParser
from configparser import Error as ConfigError
from typing import Any

from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.judging import compare, judge, judge_trust, not_yet
from xacct_nb.workshop.preparing import allow, document, make_role, trust
from xacct_nb.workshop.question import AssumeCall, Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

HUB, READER, TRACER, NIGHT = "team-hub", "reports-reader", "tracer", "night-reader"
REPORT = "2026/summary.csv"
TRACES = ("tag-team", "tag-project", "source-identity", "session-name")
SECONDS = (900, 3600, 3601, 14400)
_ROLE = re.compile(r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)


def _prepare(world: WorkshopWorld) -> None:
    """Make the hub that trusts Alice, a reader that trusts nobody of the source, and the tracer."""
    alice, calls = (
        world.user_arn("alice"),
        ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
    )
    tracer = world.role_arn(TRACER)
    hub = make_role(world, "source", HUB, [trust(alice, calls)])
    world.admin("source", "iam").put_role_policy(
        RoleName=HUB, PolicyName="assume-tracer", PolicyDocument=document(allow(calls, tracer))
    )
    world.admin("source", "iam").put_user_policy(
        UserName="alice", PolicyName="assume-team-hub", PolicyDocument=document(allow(calls, hub))
    )
    reads = allow("s3:GetObject", f"arn:aws:s3:::{world.bucket}/2026/*")
    nobody = trust(world.user_arn("admin", "destination"))
    make_role(world, "destination", READER, [nobody], [reads], MaxSessionDuration=14400)
    s3 = world.admin("destination", "s3")
    for name in TRACES:
        s3.put_object(Bucket=world.bucket, Key=f"traces/{name}", Body=name.encode())
    make_role(world, "destination", TRACER, [trust(hub, calls)], _traces(world))


def _traces(world: WorkshopWorld) -> list[Any]:
    """Return the tracer's statements: each object can be read where one thing is still known."""
    known = (
        {"aws:PrincipalTag/team": "data"},
        {"aws:PrincipalTag/project": "blue"},
        {"aws:SourceIdentity": "alice"},
        {"aws:userid": "*:alice"},
    )
    return [
        allow("s3:GetObject", world.object_arn(f"traces/{name}"), StringLike=keys)
        for name, keys in zip(TRACES, known, strict=True)
    ]


def _over_hub(world: WorkshopWorld, role: str = READER, **parameters: Any) -> tuple[AssumeCall, ...]:
    return AssumeCall(world.role_arn(HUB, "source")), AssumeCall(world.role_arn(role), parameters)


def _check_two_hops(world: WorkshopWorld, answer: object) -> Verdict:
    report, reader = world.object_arn(REPORT), world.role_arn(READER)
    return judge_trust(
        world,
        Question(
            "alice", True, _over_hub(world), "s3:GetObject", report, "This is the way that was asked for."
        ),
        Question("alice", False, (reader,), because="She has to go over the hub."),
        Question("mallory", False, (reader,), because="The role must trust the hub alone."),
        Question("mallory", False, _over_hub(world), because="The hub trusts only Alice."),
        Question("source-admin", False, (reader,), because="An administrator is not the hub either."),
        Question("outsider", False, (reader,), because="The role must trust nobody of another account."),
    )


def _check_carried(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, list) or any(each not in TRACES for each in answer):
        return not_yet(f"The answer is a list of some of these: {', '.join(TRACES)}.")
    first = {
        "RoleSessionName": "alice",
        "SourceIdentity": "alice",
        "Tags": [{"Key": "team", "Value": "data"}, {"Key": "project", "Value": "blue"}],
        "TransitiveTagKeys": ["team"],
    }
    hops = AssumeCall(world.role_arn(HUB, "source"), first), AssumeCall(world.role_arn(TRACER))
    return compare(
        world,
        *(
            Question(
                "alice",
                name in answer,
                hops,
                "s3:GetObject",
                world.object_arn(f"traces/{name}"),
                _said(name in answer),
            )
            for name in TRACES
        ),
    )


def _said(works: bool) -> str:
    return "You say that this works." if works else "You say that this fails."


def _check_how_long(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, list) or any(each not in SECONDS for each in answer):
        return not_yet(f"The answer is a list of some of these: {', '.join(map(str, SECONDS))}.")
    return compare(
        world,
        *(
            Question(
                "alice",
                seconds in answer,
                _over_hub(world, DurationSeconds=seconds),
                because=_said(seconds in answer),
            )
            for seconds in SECONDS
        ),
    )


def _check_night(world: WorkshopWorld, answer: object) -> Verdict:
    night, report = world.role_arn(NIGHT), world.object_arn(REPORT)
    two_hours = (AssumeCall(night, {"DurationSeconds": 7200}),)
    longer = (AssumeCall(night, {"DurationSeconds": 7260}),)
    return judge_trust(
        world,
        Question("alice", True, two_hours, because="The job takes two hours."),
        Question("alice", False, longer, because="A minute more was not asked for."),
        Question("alice", False, two_hours, "s3:GetObject", report, "This role needs no permissions yet."),
        Question("mallory", False, two_hours, because="The role is for Alice alone."),
        Question("outsider", False, two_hours, because="The role is for Alice alone."),
    )


def _check_profile(world: WorkshopWorld, answer: object) -> Verdict:
    sections = _sections(answer)
    if isinstance(sections, str):
        return not_yet(sections)
    who, hops, name = "", list[AssumeCall](), "reports"
    while not who:
        section = sections.pop(f"profile {name}", None)
        if section is None:
            return not_yet(f"There is no section [profile {name}], or it leads back to itself.")
        if not {"role_arn", "source_profile"} <= set(section):
            return not_yet(f"[profile {name}] needs role_arn and source_profile.")
        hops.insert(0, AssumeCall(section["role_arn"], _parameters(section)))
        name = section["source_profile"]
        who = name if name in world.profiles and f"profile {name}" not in sections else ""
    if who != "alice":
        return not_yet(f"The first call is made as {who}. It has to be made as alice.")
    if not all(_ROLE.fullmatch(each.role) for each in hops):
        return not_yet("A role_arn is not the ARN of a role.")
    report = world.object_arn(REPORT)
    return judge(
        world,
        Question(who, True, tuple(hops), "s3:GetObject", report, "The profile has to read the report."),
    )


def _sections(answer: object) -> dict[str, dict[str, str]] | str:
    """Return the sections of a config file, or what is wrong with it. Other keys could start programs."""
    if not isinstance(answer, str):
        return "The answer is the text of the sections."
    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(answer)
    except ConfigError as problem:
        return f"The AWS CLI cannot read this text: {str(problem).splitlines()[0]}"
    known = ("role_arn", "source_profile", "role_session_name", "duration_seconds", "region", "output")
    for name in parser.sections():
        if not name.startswith("profile "):
            return f"The AWS CLI does not find [{name}]: a section of the config file begins with the word profile."
        if other := sorted(set(parser[name]) - set(known)):
            return f"[{name}] has {', '.join(other)}. These are enough: {', '.join(known)}."
    return {name: dict(parser[name]) for name in parser.sections()}


def _parameters(section: dict[str, str]) -> dict[str, Any]:
    """Return the parameters of AssumeRole that the AWS CLI takes from a section."""
    name, seconds = section.get("role_session_name", ""), section.get("duration_seconds", "")
    found: dict[str, Any] = {"RoleSessionName": name} if name else {}
    return found | ({"DurationSeconds": int(seconds)} if seconds.isdecimal() else {})


_TWO_HOPS = """\
import json

hub, reader = sheet.role_arn("team-hub", "source"), sheet.role_arn("reports-reader")
who = {"Effect": "Allow", "Principal": {"AWS": %s}, "Action": "sts:AssumeRole"}
sheet.put_role("reports-reader", {"Version": "2012-10-17", "Statement": [who]})
call = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": reader}
iam, policy = sheet.client("source-admin", "iam"), json.dumps({"Version": "2012-10-17", "Statement": [call]})
iam.put_role_policy(RoleName="team-hub", PolicyName="assume-reports-reader", PolicyDocument=policy)
answer = "done"
answer"""
_STARTER = "answer = None  # replace this line by your own\nanswer"

TWO_HOPS = Exercise(
    name="two_hops",
    title="Let the hub assume the reader",
    task="""\
Alice may already assume the role `team-hub` of the **source account**. It is the door for her whole team. The role
`reports-reader` of the **destination account** can read the reports, and trusts nobody from the source account.

Connect the two, so that Alice gets in over the hub:

1. the trust policy of `reports-reader` names the role `team-hub`, and nobody else;
2. a policy on the role `team-hub` allows `sts:AssumeRole` on `reports-reader`.

The ARNs are `sheet.role_arn("team-hub", "source")` and `sheet.role_arn("reports-reader")`. Then set
`answer = "done"`. The check reads `2026/summary.csv` as Alice over both roles, and tries shorter ways, which must fail.""",
    starter=_STARTER,
    check=_check_two_hops,
    hints=(
        "It is the same as with a user: one policy on each side. Here the caller is a role, so its policy is on the role.",
        'The principal of the trust policy is {"AWS": sheet.role_arn("team-hub", "source")}: a role, with all its sessions.',
        'sheet.put_role("reports-reader", trust_policy) replaces the trust policy. '
        'sheet.client("source-admin", "iam").put_role_policy(RoleName="team-hub", PolicyName=..., PolicyDocument=...) '
        "adds the caller policy.",
    ),
    solution=_TWO_HOPS % "hub",
    wrong=WrongAnswer(_TWO_HOPS % 'sheet.user_arn("alice")', "The trust policy names"),
    others=(
        """\
import xacct_nb as xa

grant = xa.Grant(
    name="reports-readers",
    sources=[sheet.role_arn("team-hub", "source")],
    destinations=[sheet.role_arn("reports-reader")],
    permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{sheet.bucket}/*"]}],
    session_minutes=240,
    adopt=True,
)
sheet.apply_grant(grant)
answer = "done"
answer""",
        """\
import json

hub, reader = sheet.role_arn("team-hub", "source"), sheet.role_arn("reports-reader")
only = {"ArnEquals": {"aws:PrincipalArn": hub}}
who = {"Effect": "Allow", "Principal": {"AWS": sheet.source}, "Action": "sts:*", "Condition": only}
sheet.put_role("reports-reader", {"Version": "2012-10-17", "Statement": who})
iam = sheet.client("source-admin", "iam")
call = {"Effect": "Allow", "Action": "sts:Assume*", "Resource": [reader]}
made = iam.create_policy(
    PolicyName="assume-reports-reader",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": call}),
)
iam.attach_role_policy(RoleName="team-hub", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
    ),
    too_wide=_TWO_HOPS % "sheet.source",
    why=(
        "With a hub the destination trusts one role, and who belongs to the team is decided in one place. The other side of "
        "it: whoever gets into the hub gets into everything behind it."
    ),
)

CARRIED = Exercise(
    name="carried",
    title="Say what the second session still knows",
    task="""\
For the first hop, into `team-hub`, Alice gives everything that AssumeRole takes:

| parameter | value |
|---|---|
| `RoleSessionName` | `alice` |
| `SourceIdentity` | `alice` |
| `Tags` | `team=data` and `project=blue` |
| `TransitiveTagKeys` | `team` |

For the second hop, into the role `tracer` of the destination account, she gives only another session name. The bucket has
four objects. The role may read each of them under one condition on the **second** session:

| object | condition |
|---|---|
| `tag-team` | its tag `team` is `data` |
| `tag-project` | its tag `project` is `blue` |
| `source-identity` | its source identity is `alice` |
| `session-name` | its session name is `alice` |

Which of the four can she read? Set `answer` to a list of their names, such as `["session-name"]`. The check makes the
calls, and asks AWS four times.""",
    starter="answer = None  # a list of names\nanswer",
    check=_check_carried,
    hints=(
        "Each AssumeRole makes a new session. Two things are made to be carried on, so that nobody can lose his traces.",
        "A session name belongs to one session. A tag is carried on only where it was declared transitive.",
        "TransitiveTagKeys has team and not project. A source identity stays the same along the whole chain. So two of the four.",
    ),
    solution='answer = ["tag-team", "source-identity"]\nanswer',
    wrong=WrongAnswer(
        'answer = ["tag-team", "tag-project", "source-identity"]\nanswer',
        "alice as role/team-hub, then role/tracer calls s3:GetObject",
    ),
    others=(
        'answer = ["source-identity", "tag-team"]\nanswer',
        'answer = sorted({"tag-team", "source-identity", "tag-team"})\nanswer',
    ),
    too_wide="",
    why=(
        "In the log of the destination account each hop appears under its own session name, which its caller chose. A "
        "source identity cannot be changed along the chain, so it says who began."
    ),
)

HOW_LONG = Exercise(
    name="how_long",
    title="Say how long a chained session may be",
    task="""\
`reports-reader` allows sessions of **four hours**: its maximum session duration is 14400 seconds. Alice goes over `team-hub`, and
asks in the second call for `DurationSeconds` of 900, 3600, 3601 or 14400.

Which of these does AWS accept? Set `answer` to a list of numbers, such as `[900, 14400]`. The check asks AWS four times.""",
    starter="answer = None  # a list of numbers\nanswer",
    check=_check_how_long,
    hints=(
        "Two limits hold at once: that of the role, and one of AWS for calls that a session of a role makes.",
        'The documentation calls it the limit of "role chaining", and no setting of the role changes it.',
        "A chained session lasts one hour at most, which is 3600 seconds.",
    ),
    solution="answer = [900, 3600]\nanswer",
    wrong=WrongAnswer(
        "answer = [900, 3600, 3601, 14400]\nanswer", "1 hour session limit for roles assumed by role chaining"
    ),
    others=(
        "answer = [3600, 900]\nanswer",
        "answer = [each for each in (900, 3600, 3601) if each <= 3600]\nanswer",
    ),
    too_wide="",
    why=(
        "A job that works in the evening fails in the night: it takes longer than an hour, and the chain ends. People who sign in "
        "by IAM Identity Center are a session of a role already, so their first AssumeRole is chained."
    ),
)

_NIGHT = """\
import json

who = {"Effect": "Allow", "Principal": {"AWS": %s}, "Action": "sts:AssumeRole"}
sheet.put_role("night-reader", {"Version": "2012-10-17", "Statement": [who]})
%scall = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": sheet.role_arn("night-reader")}
iam, policy = sheet.client("source-admin", "iam"), json.dumps({"Version": "2012-10-17", "Statement": [call]})
iam.put_user_policy(UserName="alice", PolicyName="assume-night-reader", PolicyDocument=policy)
answer = "done"
answer"""
_LENGTH = (
    'sheet.client("destination-admin", "iam").update_role(RoleName="night-reader", MaxSessionDuration=%s)\n'
)

NIGHT_JOB = Exercise(
    name="night_job",
    title="Make a session of two hours possible",
    task="""\
Alice's job in the night takes **two hours**, so it cannot go over the hub. Create the role `night-reader` in the destination
account for it:

- Alice, and nobody else, assumes it directly, without the hub. Both sides have to allow that, as always.
- AWS accepts `DurationSeconds=7200`, and nothing longer.

The role needs no permissions yet. Then set `answer = "done"`. The check asks for two hours as Alice, for a minute more, and as
two others.""",
    starter=_STARTER,
    check=_check_night,
    hints=(
        "Three things: a trust policy that names Alice, a policy on Alice, and the longest session that the role allows.",
        "That length is a setting of the role, MaxSessionDuration. Without it, a role allows one hour.",
        'sheet.client("destination-admin", "iam").update_role(RoleName="night-reader", MaxSessionDuration=7200) sets it. '
        "create_role takes the same parameter.",
    ),
    solution=_NIGHT % ('sheet.user_arn("alice")', _LENGTH % 7200),
    wrong=WrongAnswer(
        _NIGHT % ('sheet.user_arn("alice")', ""),
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role",
    ),
    others=(
        """\
import xacct_nb as xa

answer = "done"
grant = xa.Grant(
    name="night-readers",
    sources=[sheet.user_arn("alice")],
    destinations=[sheet.role_arn("night-reader")],
    session_minutes=120,
)
sheet.apply_grant(grant)
answer""",
        """\
import json

who = {"Effect": "Allow", "Principal": {"AWS": [sheet.user_arn("alice")]}, "Action": "sts:AssumeRole"}
sheet.client("destination-admin", "iam").create_role(
    RoleName="night-reader",
    AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": who}),
    MaxSessionDuration=7200,
)
call = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": sheet.role_arn("night-reader")}
sheet.client("source-admin", "iam").put_group_policy(
    GroupName="analysts",
    PolicyName="assume-night-reader",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": call}),
)
answer = "done"
answer""",
    ),
    too_wide=_NIGHT % ('sheet.user_arn("alice")', _LENGTH % 43200),
    why=(
        "The maximum of a role counts for who assumes it directly. Keys of a session that leak work until its end, so its "
        "length should be what the work needs."
    ),
)

PROFILE = Exercise(
    name="profile",
    title="Write a profile that chains",
    task="""\
Nobody types two AssumeRole calls each hour. The AWS CLI and boto3 make them from a profile: `role_arn` is the role to assume,
`source_profile` the profile whose keys assume it. That one can be a profile with a `role_arn` itself.

Write the sections of the file `~/.aws/config` with which `aws --profile reports` reads the reports over the hub: a profile
`team-hub`, whose source profile is `alice` (it is there already), and a profile `reports`. Set `answer` to their text. An ARN
comes into it with `f"..."` and braces.

The check makes the calls that the AWS CLI makes from your profile `reports`, and reads `2026/summary.csv`.""",
    starter="""\
answer = None  # text: f\"\"\"[profile ...\"\"\"
answer""",
    check=_check_profile,
    hints=(
        "Two sections, one for each role. Each has the same two keys.",
        "The section of reports has the ARN of reports-reader, and its source_profile is team-hub, not alice.",
        'The section of the hub: [profile team-hub], role_arn = {sheet.role_arn("team-hub", "source")}, source_profile = alice. '
        "The other one is built in the same way.",
    ),
    solution='''\
answer = f"""
[profile team-hub]
role_arn = {sheet.role_arn("team-hub", "source")}
source_profile = alice

[profile reports]
role_arn = {sheet.role_arn("reports-reader")}
source_profile = team-hub
"""
answer''',
    wrong=WrongAnswer(
        '''\
answer = f"""
[profile reports]
role_arn = {sheet.role_arn("reports-reader")}
source_profile = alice
"""
answer''',
        "alice as role/reports-reader calls s3:GetObject",
    ),
    others=(
        '''\
answer = f"""
[profile reports]
source_profile = hub-of-the-team
role_arn = {sheet.role_arn("reports-reader")}
role_session_name = alice
duration_seconds = 3600

[profile hub-of-the-team]
source_profile = alice
role_arn = {sheet.role_arn("team-hub", "source")}
"""
answer''',
        """\
names = {"team-hub": ("source", "alice"), "reports-reader": ("destination", "team-hub")}
answer = "\\n".join(
    f"[profile {name.replace('-reader', '')}]\\nrole_arn={sheet.role_arn(name, side)}\\nsource_profile={before}"
    for name, (side, before) in names.items()
)
answer""",
    ),
    too_wide="",  # a profile gives nobody access
    why=(
        "With a profile the chain is renewed when it ends, without anybody noticing. A profile is no secret: it names roles, and the "
        "keys stay in another file."
    ),
)

SHEET = Sheet(
    number=4,
    name="role_chaining",
    title="From role to role",
    minutes=25,
    introduction="""\
A session of a role can assume another role. AWS calls this *role chaining*. It is common: a team has one role in its own account,
and that role leads into the accounts of others.

```text
SOURCE ACCOUNT                              DESTINATION ACCOUNT

user alice ──AssumeRole──► role team-hub ──AssumeRole──► role reports-reader ──► bucket
             first session                second session
```

The AWS console cannot show this: it always switches as the user who signed in. A chain is made by programs, by the AWS CLI or boto3.
Two rules come with it, and you will see AWS apply both: the second session lasts **one hour** at most, and it knows only
some of what the first one knew.""",
    exercises=(TWO_HOPS, CARRIED, HOW_LONG, NIGHT_JOB, PROFILE),
    closing="""\
You have chained two roles, and you know what a chain costs: an hour at most, and a new session name at each hop. The next sheet
asks for a second factor. One thing of it you can guess already: does a chain carry it on?""",
    prepare=_prepare,
    makes=(
        Made("source", "role", HUB),
        Made("destination", "role", READER),
        Made("destination", "role", TRACER),
        Made("destination", "role", NIGHT),
        Made("source", "policy", "assume-reports-reader"),
    ),
    instructor=Instructor(
        goals=(
            "connect two roles of two accounts, with a policy on each side;",
            "say what of a session its next hop carries on: source identity and transitive tags, and nothing else;",
            "read the two messages about DurationSeconds, and say which limit each of them is about;",
            "write a profile that chains.",
        ),
        timing=(
            (3, "Draw the chain. Ask the first question below."),
            (6, "Exercise 1. Everybody has written both policies before, so this goes fast."),
            (5, "Exercise 2: a vote for each of the four objects, then the check."),
            (2, "Exercise 3: a vote again."),
            (5, "Exercise 4."),
            (4, "Exercise 5, and the clean-up. Who has the AWS CLI tries the profile in a terminal."),
        ),
        pitfalls=(
            (
                "AccessDenied for Alice over the hub, with a trust policy that names Alice",
                "At the second hop the caller is the hub. The trust policy has to name the role.",
            ),
            (
                "Somebody names the session: arn:aws:sts::...:assumed-role/team-hub/alice",
                "It works for this one session name only. The ARN of the role matches all its sessions.",
            ),
            (
                "ValidationError: 1 hour session limit for roles assumed by role chaining",
                "No setting of a role changes it. Assume the role directly, or renew the session each hour.",
            ),
            (
                "ValidationError: MaxSessionDuration set for this role",
                "This one is a setting of the role: update_role with MaxSessionDuration.",
            ),
            (
                "[reports] instead of [profile reports]",
                "In the file config a section begins with the word profile, in the file credentials it does not.",
            ),
        ),
        questions=(
            (
                "At the second hop, whose permissions count?",
                "Those of the hub's session. What Alice herself may do does not count any more.",
            ),
            (
                "Why can the console not chain?",
                "It switches with the identity that signed in, also while another role is shown.",
            ),
            (
                "Who signs in by IAM Identity Center, and assumes a role: how long can that session be?",
                "One hour: the sign-in gives a session of a role already, so this is the second hop.",
            ),
            (
                "Why does AWS refuse to change the source identity in the middle of a chain?",
                "It would be no proof any more of who began.",
            ),
        ),
    ),
)
