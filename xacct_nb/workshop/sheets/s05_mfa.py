"""Sheet 5, multi-factor authentication: required on both sides, by conditions that are easy to get wrong."""

from typing import Any

from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.judging import compare, judge, judge_trust, not_yet
from xacct_nb.workshop.mfa_device import MfaDevice, borrowed_device, enable_device
from xacct_nb.workshop.preparing import allow, document, make_role, trust
from xacct_nb.workshop.question import AssumeCall, Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

LEDGER, VAULT, HUB = "ledger-reader", "vault-reader", "team-hub"
OBJECT = "ledger/2026.txt"
WAYS = ("no-code", "code", "mallory-code")
VAULT_WAYS = ("code", "session", "chain")
_MFA = "aws:MultiFactorAuthPresent"
_WITH_CODE, _WITH_MFA_SESSION = "alice", "alice with a session"


def _prepare(world: WorkshopWorld) -> None:
    """Give Alice a device, and make three roles: two that seem to require MFA, and one that does."""
    alice, iam = world.user_arn("alice"), world.admin("source", "iam")
    world.devices.add("alice", enable_device(iam, "alice", "alice-phone"))
    hub = make_role(world, "source", HUB, [trust(alice)], [allow("sts:AssumeRole", world.role_arn(VAULT))])
    for role in (LEDGER, VAULT):
        policy = document(allow("sts:AssumeRole", world.role_arn(role)))
        iam.put_user_policy(UserName="alice", PolicyName=f"assume-{role}", PolicyDocument=policy)
    policy = document(allow("sts:AssumeRole", hub))
    iam.put_user_policy(UserName="alice", PolicyName=f"assume-{HUB}", PolicyDocument=policy)
    reads = [allow("s3:GetObject", world.object_arn("ledger/*"))]
    trap = trust(alice, BoolIfExists={_MFA: "true"})
    make_role(world, "destination", LEDGER, [trap], reads)
    make_role(world, "destination", VAULT, [trust([alice, hub], Bool={_MFA: "true"})], reads)
    text = f"The word of the ledger is {world.secret('ledger')}\n"
    world.admin("destination", "s3").put_object(Bucket=world.bucket, Key=OBJECT, Body=text.encode())


def _coded(role: str, device: MfaDevice) -> tuple[AssumeCall, ...]:
    """Return an AssumeRole with the next code of a device, which AWS accepts once."""
    code = {"SerialNumber": device.serial, "TokenCode": device.code(device.next_step)}
    return (AssumeCall(role, code),)


def _check_who_gets_in(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, list) or any(each not in WAYS for each in answer):
        return not_yet(f"The answer is a list of some of these: {', '.join(WAYS)}.")
    iam, role = world.admin("source", "iam"), world.role_arn(LEDGER)
    with borrowed_device(iam, "alice") as hers, borrowed_device(iam, "mallory") as other:
        ways: dict[str, tuple[str, tuple[AssumeCall | str, ...]]] = {
            "no-code": ("alice", (role,)),
            "code": ("alice", _coded(role, hers)),
            "mallory-code": ("mallory", _coded(role, other)),
        }
        return compare(
            world,
            *(
                Question(who, name in answer, through, because=_said(name, name in answer))
                for name, (who, through) in ways.items()
            ),
        )


def _said(name: str, works: bool) -> str:
    return f"{name}: you say that this {'works' if works else 'fails'}."


def _check_require(world: WorkshopWorld, answer: object) -> Verdict:
    iam, role = world.admin("source", "iam"), world.role_arn(LEDGER)
    with borrowed_device(iam, "alice") as hers, borrowed_device(iam, "mallory") as other:
        return judge_trust(
            world,
            Question(
                "alice", True, _coded(role, hers), "s3:GetObject", world.object_arn(OBJECT), "With a code."
            ),
            Question("alice", False, (role,), because="Without a code."),
            Question(
                "mallory", False, _coded(role, other), because="A code of her own does not make her Alice."
            ),
            Question("mallory", False, (role,), because="Without a code."),
        )


def _check_use(world: WorkshopWorld, answer: object) -> Verdict:
    iam, role, ledger = world.admin("source", "iam"), world.role_arn(LEDGER), world.object_arn(OBJECT)
    with borrowed_device(iam, "alice") as hers:
        verdict = judge(
            world,
            Question("alice", True, _coded(role, hers), "s3:GetObject", ledger, "With a code."),
            Question("alice", False, (role,), because="Without a code."),
            Question("alice", False, (), "s3:GetObject", ledger, "Without the role."),
        )
    body = world.admin("destination", "s3").get_object(Bucket=world.bucket, Key=OBJECT)["Body"].read()
    if verdict.is_correct and not (isinstance(answer, str) and answer.strip() == body.decode().strip()):
        return not_yet(f"The answer is not what stands in {OBJECT}. Read the object with the session's keys.")
    return verdict


def _check_recent(world: WorkshopWorld, answer: object) -> Verdict:
    iam, role = world.admin("source", "iam"), world.role_arn(LEDGER)
    with borrowed_device(iam, "alice") as hers:
        return judge(
            world,
            Question("alice", True, _coded(role, hers), because="With a code of this moment."),
            _aged(role, True, 600),
            _aged(role, False, 1200),
            _aged(role, False, 43200),
            Question("alice", False, (), "sts:AssumeRole", role, "Without MFA.", simulated=True),
        )


def _aged(role: str, expected: bool, seconds: int) -> Question:
    """Return what the policies of Alice say of MFA that is so many seconds old."""
    entries = [
        {"ContextKeyName": _MFA, "ContextKeyType": "boolean", "ContextKeyValues": ["true"]},
        {
            "ContextKeyName": "aws:MultiFactorAuthAge",
            "ContextKeyType": "numeric",
            "ContextKeyValues": [str(seconds)],
        },
    ]
    ago = f"{seconds // 3600} hours" if seconds >= 3600 else f"{seconds // 60} minutes"
    because = f"With MFA of {ago} ago."
    more: dict[str, Any] = {"ContextEntries": entries}
    return Question("alice", expected, (), "sts:AssumeRole", role, because, more, simulated=True)


def _check_ways(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, list) or any(each not in VAULT_WAYS for each in answer):
        return not_yet(f"The answer is a list of some of these: {', '.join(VAULT_WAYS)}.")
    iam, vault, hub = world.admin("source", "iam"), world.role_arn(VAULT), world.role_arn(HUB, "source")
    with borrowed_device(iam, "alice") as first:
        steps = iter(range(first.next_step, first.next_step + 3))
        codes = [{"SerialNumber": first.serial, "TokenCode": first.code(step)} for step in steps]
        given = world.client("alice", "sts").get_session_token(**codes[0])["Credentials"]
        world.add_session(_WITH_MFA_SESSION, given)
        ways = {
            "code": (_WITH_CODE, (AssumeCall(vault, codes[1]),)),
            "session": (_WITH_MFA_SESSION, (AssumeCall(vault),)),
            "chain": (_WITH_CODE, (AssumeCall(hub, codes[2]), AssumeCall(vault))),
        }
        return compare(
            world,
            *(
                Question(who, name in answer, through, because=_said(name, name in answer))
                for name, (who, through) in ways.items()
            ),
        )


_STARTER = "answer = None  # replace this line by your own\nanswer"
_REQUIRE = """\
allow = {
    "Effect": "Allow",
    "Principal": {"AWS": %s},
    "Action": "sts:AssumeRole",
    "Condition": {%s},
}
sheet.put_role("ledger-reader", {"Version": "2012-10-17", "Statement": [allow]})
answer = "done"
answer"""
_BOOL = '"Bool": {"aws:MultiFactorAuthPresent": "true"}'
_DENY = """\
allow = {"Effect": "Allow", "Principal": {"AWS": sheet.user_arn("alice")}, "Action": "sts:AssumeRole"}
deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
deny["Condition"] = {"%s": {"aws:MultiFactorAuthPresent": "false"}}
sheet.put_role("ledger-reader", {"Version": "2012-10-17", "Statement": [allow, deny]})
answer = "done"
answer"""

WHO_GETS_IN = Exercise(
    name="who_gets_in",
    title="Say whom the colleague's role lets in",
    task="""\
A colleague made the role `ledger-reader`, and says that it requires MFA. Its trust policy is:

```json
{
  "Effect": "Allow",
  "Principal": {"AWS": "the ARN of alice"},
  "Action": "sts:AssumeRole",
  "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}
}
```

Both users below may call AssumeRole, and both have a device. Whose call succeeds?

| name | who calls |
|---|---|
| `no-code` | Alice with her access key, without a code |
| `code` | Alice with her access key and a code of her device |
| `mallory-code` | Mallory with her access key and a code of her own device |

Set `answer` to a list of names, such as `["mallory-code"]`. The check asks AWS three times.""",
    starter="answer = None  # a list of names\nanswer",
    check=_check_who_gets_in,
    hints=(
        "Read the operator aloud: Bool, if the key exists. Who calls without that key?",
        'A call with an access key alone is not a call with MFA "false". The key aws:MultiFactorAuthPresent is missing in it.',
        "With IfExists a condition holds where its key is missing. So two of the three get in, and Mallory is not one of them.",
    ),
    solution='answer = ["no-code", "code"]\nanswer',
    wrong=WrongAnswer('answer = ["code"]\nanswer', "no-code: you say that this fails."),
    others=(
        'answer = ["code", "no-code"]\nanswer',
        'answer = [way for way in ("no-code", "code")]\nanswer',
    ),
    too_wide="",  # it is a prediction
    why=(
        "This is the most common mistake with MFA in policies. The policy looks strict, and lets in exactly the access "
        "keys that it was written against."
    ),
)

REQUIRE_MFA = Exercise(
    name="require_mfa",
    title="Require MFA",
    task="""\
Mend the trust policy of `ledger-reader`, so that the role lets in Alice **with a code**, and nobody else: not Alice without
a code, and not Mallory with a code of her own device.

`sheet.put_role("ledger-reader", trust_policy)` replaces the trust policy. Then set `answer = "done"`. The check uses
devices of its own, which it enables for Alice and for Mallory and deletes again.""",
    starter=_STARTER,
    check=_check_require,
    hints=(
        "The condition has to fail where the key is missing. Which operator does that?",
        'Every operator without IfExists fails where its key is missing; so does Bool with "true".',
        'The statement is the one of exercise 1, with the Condition {"Bool": {"aws:MultiFactorAuthPresent": "true"}}.',
    ),
    solution=_REQUIRE % ('sheet.user_arn("alice")', _BOOL),
    wrong=WrongAnswer(_DENY % "Bool", "AWS allows what it has to deny: alice assumes role/ledger-reader"),
    others=(
        _DENY % "BoolIfExists",
        """\
import xacct_nb as xa

grant = xa.Grant(
    name="ledger-readers",
    sources=[sheet.user_arn("alice")],
    destinations=[sheet.role_arn("ledger-reader")],
    permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{sheet.bucket}/ledger/*"]}],
    conditions={"require_mfa": True},
    adopt=True,
)
sheet.apply_grant(grant)
answer = "done"
answer""",
        _REQUIRE % ('sheet.user_arn("alice")', '"Null": {"aws:MultiFactorAuthAge": "false"}'),
    ),
    too_wide=_REQUIRE % ("sheet.source", _BOOL),
    why=(
        "An access key that leaks is worth little where the code is missing. The condition says that somebody gave a second factor, "
        "not who: the principal still has to name who may come."
    ),
)

USE_A_CODE = Exercise(
    name="use_a_code",
    title="Get in with a code",
    task="""\
Alice's device `alice-phone` is enabled. Here you hold it: `sheet.mfa_serial("alice")` is its serial number, and
`sheet.mfa_code("alice")` its next code. The codes are real ones, as an app on a telephone shows them.

Assume `ledger-reader` as Alice, with `SerialNumber` and `TokenCode`. With the keys of that session, read the object
`ledger/2026.txt` of the bucket `sheet.bucket`. Set `answer` to its text.

`sheet.session_client(response["Credentials"], "s3")` is a boto3 client with the keys of a session.

Codes and keys are secrets: do not show them. AWS accepts each code once. If the device has no new one, wait for 30 seconds.""",
    starter="answer = None  # the text of the object\nanswer",
    check=_check_use,
    hints=(
        'Alice makes the call: sheet.client("alice", "sts").assume_role(RoleArn=..., RoleSessionName="alice", ...).',
        "The response has Credentials: AccessKeyId, SecretAccessKey and SessionToken. A client of S3 needs all three.",
        'sheet.session_client(response["Credentials"], "s3").get_object(Bucket=sheet.bucket, '
        'Key="ledger/2026.txt")["Body"].read().decode() is the text.',
    ),
    solution="""\
role = sheet.role_arn("ledger-reader")
response = sheet.client("alice", "sts").assume_role(
    RoleArn=role,
    RoleSessionName="alice",
    SerialNumber=sheet.mfa_serial("alice"),
    TokenCode=sheet.mfa_code("alice"),
)
s3 = sheet.session_client(response["Credentials"], "s3")
answer = s3.get_object(Bucket=sheet.bucket, Key="ledger/2026.txt")["Body"].read().decode()
answer""",
    wrong=WrongAnswer(
        """\
sts = sheet.client("alice", "sts")
serial, code = sheet.mfa_serial("alice"), sheet.mfa_code("alice")
role = sheet.role_arn("ledger-reader")
response = sts.assume_role(RoleArn=role, RoleSessionName="alice", SerialNumber=serial, TokenCode=code)
answer = response["AssumedRoleUser"]["Arn"]
answer""",
        "The answer is not what stands in ledger/2026.txt",
    ),
    others=(
        """\
import boto3

role, code = sheet.role_arn("ledger-reader"), sheet.mfa_code("alice")
given = sheet.client("alice", "sts").assume_role(
    RoleArn=role, RoleSessionName="alice", SerialNumber=sheet.mfa_serial("alice"), TokenCode=code
)["Credentials"]
s3 = boto3.client(
    "s3",
    region_name="us-east-1",
    endpoint_url=sheet.sandbox.endpoint,
    aws_access_key_id=given["AccessKeyId"],
    aws_secret_access_key=given["SecretAccessKey"],
    aws_session_token=given["SessionToken"],
)
answer = s3.get_object(Bucket=sheet.bucket, Key="ledger/2026.txt")["Body"].read().decode().strip()
answer""",
        """\
sts, serial = sheet.client("alice", "sts"), sheet.mfa_serial("alice")
with_mfa = sts.get_session_token(SerialNumber=serial, TokenCode=sheet.mfa_code("alice"))["Credentials"]
sts = sheet.session_client(with_mfa, "sts")
response = sts.assume_role(RoleArn=sheet.role_arn("ledger-reader"), RoleSessionName="alice")
s3 = sheet.session_client(response["Credentials"], "s3")
answer = s3.get_object(Bucket=sheet.bucket, Key="ledger/2026.txt")["Body"].read().decode()
answer""",
    ),
    too_wide="",  # nothing is changed
    why=(
        "In a profile the key mfa_serial does the same, and the AWS CLI asks for the code. A program that runs alone has nobody to "
        "ask, so a role that requires MFA is for people."
    ),
)

_RECENT = """\
import json

role, recent = sheet.role_arn("ledger-reader"), {"NumericLessThan": {"aws:MultiFactorAuthAge": "%s"}}
allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role, "Condition": recent}
policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
iam = sheet.client("source-admin", "iam")
iam.put_user_policy(UserName="alice", PolicyName="%s", PolicyDocument=policy)
answer = "done"
answer"""

RECENT_MFA = Exercise(
    name="recent_mfa",
    title="Require that it is recent",
    task="""\
A code can also be given once in the morning: GetSessionToken with a code makes a session that counts as MFA for up to 36 hours.
For the ledger that is too long.

Alice's own side decides that as well. Her inline policy `assume-ledger-reader` allows the call at any time. Change her
rights in the **source account**, so that she may assume `ledger-reader` only if her MFA is **less than 15 minutes** old. The
condition key is `aws:MultiFactorAuthAge`, in seconds.

Then set `answer = "done"`. Nobody has to wait: the check asks IAM's policy simulator about other ages.""",
    starter=_STARTER,
    check=_check_recent,
    hints=(
        "A second policy makes nothing narrower. Is there still a statement that allows the call without the condition?",
        'The operator is NumericLessThan, with the value "900". Where there is no MFA, the key is missing, and it fails.',
        'put_user_policy with UserName="alice" and PolicyName="assume-ledger-reader" replaces the policy that is there.',
    ),
    solution=_RECENT % ("900", "assume-ledger-reader"),
    wrong=WrongAnswer(
        _RECENT % ("900", "only-recent"),
        "AWS allows what it has to deny: the policies of alice alone: sts:AssumeRole",
    ),
    others=(
        """\
import json

deny = {
    "Effect": "Deny",
    "Action": "sts:AssumeRole",
    "Resource": sheet.role_arn("ledger-reader"),
    "Condition": {"NumericGreaterThanEqualsIfExists": {"aws:MultiFactorAuthAge": "900"}},
}
policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
sheet.client("source-admin", "iam").put_user_policy(
    UserName="alice", PolicyName="not-later", PolicyDocument=policy
)
answer = "done"
answer""",
        """\
import json

allow = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Resource": sheet.role_arn("ledger-reader"),
    "Condition": {"NumericLessThanEquals": {"aws:MultiFactorAuthAge": "899"}},
}
iam = sheet.client("source-admin", "iam")
iam.delete_user_policy(UserName="alice", PolicyName="assume-ledger-reader")
made = iam.create_policy(
    PolicyName="assume-ledger-reader",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
)
iam.attach_group_policy(GroupName="analysts", PolicyArn=made["Policy"]["Arn"])
answer = "done"
answer""",
    ),
    too_wide=_RECENT % ("3600", "assume-ledger-reader"),
    why=(
        "Statements that allow add up: a condition in one of them takes nothing from another one. What was allowed before has to be "
        "replaced, or denied."
    ),
)

WAYS_IN = Exercise(
    name="ways_in",
    title="Say which ways carry MFA",
    task="""\
The role `vault-reader` of the destination account trusts Alice and the role `team-hub` of the source account, both with
`{"Bool": {"aws:MultiFactorAuthPresent": "true"}}`. Three ways lead to it, and on each of them Alice gives a code:

| name | what she does |
|---|---|
| `code` | AssumeRole on `vault-reader` with a code |
| `session` | GetSessionToken with a code; then, with the keys of that session, AssumeRole on `vault-reader` without one |
| `chain` | AssumeRole on `team-hub` with a code; then, with the keys of that session, AssumeRole on `vault-reader` |

Which of them does AWS accept? Set `answer` to a list of names, such as `["chain"]`. The check goes all three ways.""",
    starter="answer = None  # a list of names\nanswer",
    check=_check_ways,
    hints=(
        "AWS looks at the last call. Who makes it: a user, or the session of a role?",
        "A session of GetSessionToken is still the user, and knows that a code was given.",
        "A session of AssumeRole does not carry MFA into its own calls. So one of the three fails.",
    ),
    solution='answer = ["code", "session"]\nanswer',
    wrong=WrongAnswer('answer = ["code", "session", "chain"]\nanswer', "chain: you say that this works."),
    others=('answer = ["session", "code"]\nanswer', 'answer = sorted(["code", "session"])\nanswer'),
    too_wide="",  # it is a prediction
    why=(
        "MFA belongs at the first hop, where a person is. A role behind a hub cannot require it: whoever tries, locks everybody "
        "out, and then often takes the condition away altogether."
    ),
)

SHEET = Sheet(
    number=5,
    name="mfa",
    title="A second factor",
    minutes=25,
    introduction="""\
An access key is something that one can copy. *Multi-factor authentication*, MFA, asks for a second thing: a code of six
digits from a device, a new one every 30 seconds. A policy can require it by a condition on `aws:MultiFactorAuthPresent`.

| the call is made with | `aws:MultiFactorAuthPresent` | `aws:MultiFactorAuthAge` |
|---|---|---|
| an access key of a user | **missing** | missing |
| AssumeRole by a user, with a code | true | 0 |
| a session of GetSessionToken with a code | true | seconds since then |
| a session of a role | missing | missing |

The word in the first row is what this sheet is about. *Missing* is not *false*, and the operators of conditions treat it
in different ways.""",
    exercises=(WHO_GETS_IN, REQUIRE_MFA, USE_A_CODE, RECENT_MFA, WAYS_IN),
    closing="""\
You have required a second factor on both sides, used one, and seen where it gets lost. The next sheet is AWS's own tutorial: a
whole team, and a deny that wins over an allow.""",
    prepare=_prepare,
    needs_sandbox=(
        "AWS accepts each MFA code once, and a change of IAM has its effect after some seconds. The checks would have to ask again, "
        "and have no further code."
    ),
    makes=(
        Made("destination", "role", LEDGER),
        Made("destination", "role", VAULT),
        Made("source", "role", HUB),
        Made("source", "policy", "assume-ledger-reader"),
        Made("source", "policy", "xacct-ledger-readers"),
    ),
    instructor=Instructor(
        goals=(
            "say in which calls aws:MultiFactorAuthPresent is true, and in which it is missing;",
            "require MFA by Bool, and say what BoolIfExists does instead;",
            "assume a role with a code;",
            "require that MFA is recent, and see that a second policy makes nothing narrower;",
            "say why a role behind another role cannot require MFA.",
        ),
        timing=(
            (3, "Show the table of the notebook, and let the class say what missing means."),
            (4, "Exercise 1: vote first. Most say that only the code gets in."),
            (5, "Exercise 2."),
            (5, "Exercise 3. Who has an authenticator app may enable a device of his own, see below."),
            (5, "Exercise 4."),
            (3, "Exercise 5: vote, check. Then the clean-up."),
        ),
        pitfalls=(
            (
                'A Deny with Bool and "false", and Alice still gets in without a code',
                "The key is missing, not false, so the Deny does not match. BoolIfExists is right in a Deny, and wrong in an Allow.",
            ),
            (
                "MultiFactorAuthentication failed with invalid MFA one time pass code",
                "The code was used already, or is too old. Each code works once: wait for the next one.",
            ),
            (
                "MultiFactorAuthentication failed, unable to validate MFA code",
                "The serial number is not that of a device of this user. A role's session cannot give a code at all.",
            ),
            (
                "Exercise 4: the new policy is there, and the check still says that AWS allows it",
                "The old policy allows the call at any age. Allow statements add up.",
            ),
            (
                "AccessDenied for the read in exercise 3",
                "The client of S3 has Alice's own keys, or lacks the session token.",
            ),
        ),
        questions=(
            (
                "Why can a role not require MFA of its own sessions?",
                "The code is given by the user at AssumeRole. The session's own calls carry nothing of it.",
            ),
            (
                "May the code be on the screen of the class?",
                "A used code is worthless. The seed, shown once as a QR code when a device is made, is not.",
            ),
            (
                "Can I use my own telephone?",
                "Yes, for a device that you create with create_virtual_mfa_device: the sandbox checks real codes. Enable it with two "
                "codes in a row. A user may have several devices.",
            ),
            (
                "Who signs in by IAM Identity Center with MFA: is aws:MultiFactorAuthPresent true?",
                "No. That session is one of a role. Require MFA at the sign-in instead.",
            ),
        ),
    ),
)
