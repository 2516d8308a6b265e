"""Sheet 11, the hand-over: two owners, each with one account, and the request and the answer between them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from xacct_nb.aws.answers import call_aws
from xacct_nb.aws.clock import utc
from xacct_nb.errors import InvalidHandoff, XacctError
from xacct_nb.grants.documents import DESTINATION
from xacct_nb.handoff.answer import REFUSED, HandoffAnswer
from xacct_nb.handoff.checks import check_in_time
from xacct_nb.handoff.request import HandoffRequest
from xacct_nb.redaction.redact import fingerprints_in
from xacct_nb.storage.handoff_files import parse_handoff
from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.judging import compare, judge_trust, not_yet
from xacct_nb.workshop.owner import handoff_folder
from xacct_nb.workshop.question import AssumeCall, Question
from xacct_nb.workshop.sheets.s11_requests import (
    DRAFT,
    LETTERS,
    ORDERS,
    OTHER,
    READER,
    REPORT,
    TICKET,
    TRIAL,
    file_of,
    lent,
    on_trial,
    prepare,
)
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

SALARIES = "2026/salaries.csv"
WORDS = ("accept", "objects", "people", "changed", "late")
_FINGERPRINT = "The trust policy requires the fingerprint, as the file has it. Alice sends the external ID, and AWS compares the two as text."
_CODES = {"handoff-tampered": "changed", "handoff-late": "late"}


def _questions(world: WorkshopWorld, role: str) -> Iterator[Question]:
    """Yield what the ticket says of a role, and what it does not say."""
    way, without = (AssumeCall(role, {"ExternalId": world.secret(TICKET)}),), (role,)
    for key in (REPORT, ORDERS):
        yield Question("alice", True, way, "s3:GetObject", world.object_arn(key), "The ticket says so.")
    report, draft = world.object_arn(REPORT), world.object_arn(DRAFT)
    salaries = world.object_arn(SALARIES, world.other_bucket)
    yield Question("alice", False, without, because="The external ID is required.")
    yield Question("alice", False, way, "s3:GetObject", draft, "It is not below 2026/.")
    yield Question("alice", False, way, "s3:GetObject", salaries, "It is in another bucket.")
    yield Question("alice", False, way, "s3:PutObject", report, "The ticket says read.")
    for who in ("mallory", "source-admin", "outsider"):
        yield Question(
            who, False, way, because="The ticket names Alice alone, also for who has the external ID."
        )


def _check_request(world: WorkshopWorld, answer: object) -> Verdict:
    request = _parsed(answer, HandoffRequest)
    if isinstance(request, str):
        return not_yet(request)
    if request.side != DESTINATION or request.asked.destinations != (world.role_arn(READER),):
        roles = ", ".join(request.asked.destinations)
        return not_yet(
            f"The request is to the {request.side} owner, for {roles}. Asked was for role/{READER}."
        )
    try:
        check_in_time(request, utc())
        with on_trial(world, request, TRIAL) as role:
            return judge_trust(world, *_questions(world, role))
    except XacctError as problem:
        return not_yet(f"The other owner cannot make this. {problem.what} {problem.why}")


def _parsed(answer: object, kind: type[Any]) -> Any:
    """Return the request or the answer in a text, or what is wrong with it."""
    file = "request" if kind is HandoffRequest else "answer"
    if not isinstance(answer, str):
        return f"The answer is the text of the {file} file."
    try:
        value = parse_handoff(answer)
    except InvalidHandoff as problem:
        return f"The other owner cannot use this file. {problem.what} {problem.why}"
    return value if isinstance(value, kind) else f"This is the other one of the two files, not the {file}."


def _check_requests(world: WorkshopWorld, answer: object) -> Verdict:
    if not isinstance(answer, dict) or set(answer) != set(LETTERS):
        return not_yet('The answer is a dict with the five letters, such as {"a": "accept", ...}.')
    if other := [each for each in answer.values() if each not in WORDS]:
        return not_yet(f"{other[0]!r} is none of the words {', '.join(WORDS)}.")
    opened = dict[str, HandoffRequest]()
    for letter in LETTERS:
        said, found = answer[letter], _opened(world, letter)
        if isinstance(found, HandoffRequest):
            opened[letter] = found
        if refused := _wrongly_opened(letter, said, found):
            return not_yet(refused)
    with ExitStack() as stack:
        roles = {
            letter: stack.enter_context(on_trial(world, request, f"{TRIAL}-{letter}"))
            for letter, request in opened.items()
        }
        return compare(world, *_on_the_words(world, roles, answer))


def _opened(world: WorkshopWorld, letter: str) -> HandoffRequest | InvalidHandoff:
    """Return a request as its owner can use it, or why it cannot be used."""
    try:
        text = (handoff_folder(world) / file_of(letter)).read_text(encoding="utf-8")
        request = parse_handoff(text)
        assert isinstance(request, HandoffRequest)
        check_in_time(request, utc())
    except InvalidHandoff as problem:
        return problem
    return request


def _wrongly_opened(letter: str, said: str, found: HandoffRequest | InvalidHandoff) -> str:
    """Return where the answer says something else than the package about the file itself, "" for nowhere."""
    code = "" if isinstance(found, HandoffRequest) else found.code
    if said == _CODES.get(code) or (not code and said not in _CODES.values()):
        return ""
    says = f"You say {said!r} of {file_of(letter)}"
    if isinstance(found, HandoffRequest):
        return f"{says}, and the package opens it: its digest holds, and it is in time."
    return f"{says}, and the package refuses it ({found.code}). {found.what} {found.why}"


def _on_the_words(world: WorkshopWorld, roles: Mapping[str, str], said: Any) -> Iterator[Question]:
    """Yield what AWS answers, if the participant is right, once each request is made."""
    salaries = world.object_arn(SALARIES, world.other_bucket)
    for letter, role in roles.items():
        way, because = (AssumeCall(role, {"ExternalId": world.secret(TICKET)}),), f"{letter}: {said[letter]}"
        yield Question("mallory", said[letter] == "people", way, because=because)
        if said[letter] != "people":
            wide = said[letter] == "objects"
            yield Question("alice", wide, way, "s3:GetObject", salaries, because)


def _check_answer(world: WorkshopWorld, answer: object) -> Verdict:
    role = world.role_arn(READER)
    if answer != role:
        found = _parsed(answer, HandoffAnswer)
        if isinstance(found, str):
            return not_yet(f"{found} Without a file it is the ARN of the role.")
        if found.decision == REFUSED or role not in found.roles:
            return not_yet(f"The answer file says {found.decision!r}, and does not name role/{READER}.")
    with lent(world, role):
        verdict = judge_trust(world, *_questions(world, role))
    if verdict.is_correct or not _has_fingerprint(world):
        return verdict
    return replace(verdict, points_to=(_FINGERPRINT,))


def _has_fingerprint(world: WorkshopWorld) -> bool:
    """Return whether the trust policy was copied from the file: AWS knows nothing of our fingerprints."""
    found = call_aws(lambda: world.admin("destination", "iam").get_role(RoleName=READER))
    return bool(found.value and fingerprints_in(found.value["Role"]["AssumeRolePolicyDocument"]))


def _check_complete(world: WorkshopWorld, answer: object) -> Verdict:
    other = "The ticket names one role, and this one trusts your whole account."
    verdict = judge_trust(
        world,
        *_questions(world, world.role_arn(READER)),
        Question("alice", False, (world.role_arn(OTHER),), because=other),
    )
    if not verdict.is_correct:
        return verdict
    about = {"Bucket": world.bucket, "Key": ORDERS}
    content = world.admin("destination", "s3").get_object(**about)["Body"].read().decode()
    is_read = isinstance(answer, str) and answer.strip() == content.strip()
    return verdict if is_read else not_yet(f"Alice gets in. The answer is not what {ORDERS} says.")


_STARTER = "answer = None  # replace this line by your own\nanswer"
_ASK = """\
import xacct_nb as xa

grant = xa.Grant(
    name="ticket-readers", sources=[%s], destinations=[sheet.role_arn("ticket-reader")],
    permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{sheet.bucket}/2026/*"]}]%s,
)
answer = sheet.owner("source").request(grant, why="Ticket 4711.")
answer"""
_ID = ',\n    conditions={"external_id": sheet.secret("ticket-4711")}'
_ALICE = 'sheet.user_arn("alice")'

ASK = Exercise(
    name="ask",
    title="Write the request",
    task="""\
**You are the source owner.** This is the ticket:

> **4711.** The user `alice` has to read (`s3:GetObject`) the objects below `2026/` in the bucket `sheet.bucket` of the destination account,
> by a role `ticket-reader` there. Nobody else, nothing else.

You have no rights in the destination account, so you ask its owner. On the telephone the two of you agreed on an external ID. Write it as
`sheet.secret("ticket-4711")`. The notebook then does not have it, and neither has the file.

1. State the ticket as an `xa.Grant`, with the name `ticket-readers`. Its condition is an external ID: the field `external_id` of `conditions`.
2. `sheet.owner("source").request(grant, why="Ticket 4711.")` writes the request file and returns its text. Set `answer` to it.

The check opens the text as the other owner would. It makes the role for a moment, under the name `ticket-trial`, asks AWS, and removes it. In a
terminal, `xacct-nb handoff request -f grant.yaml` writes the same file.""",
    starter=_STARTER,
    check=_check_request,
    hints=(
        "The grant has five fields: name, sources, destinations, permissions, conditions. Everything that they need is in the ticket.",
        'The source is sheet.user_arn("alice"), the destination sheet.role_arn("ticket-reader"). Objects have the ARN '
        'f"arn:aws:s3:::{sheet.bucket}/KEY", where a * stands for the rest of the key.',
        'permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{sheet.bucket}/2026/*"]}], and '
        'conditions={"external_id": sheet.secret("ticket-4711")}.',
    ),
    solution=_ASK % (_ALICE, _ID),
    wrong=WrongAnswer(_ASK % (_ALICE, ""), "The external ID is required."),
    others=(
        """\
import xacct_nb as xa

objects = [f"arn:aws:s3:::{sheet.bucket}/2026/{name}.csv" for name in ("summary", "orders")]
grant = xa.from_parameters({
    "name": "ticket-readers",
    "sources": [sheet.user_arn("alice")],
    "destinations": [sheet.role_arn("ticket-reader")],
    "permissions": [{"actions": ["s3:GetObject"], "resources": [each]} for each in objects],
    "conditions": {"external_id": sheet.secret("ticket-4711")},
    "session_minutes": 30,
})
answer = sheet.owner("source").request(grant)
answer""",
        """\
import json, os, subprocess, sys
from pathlib import Path

folder = Path(sheet.folder)
grant = {
    "name": "ticket-readers", "sources": [sheet.user_arn("alice")],
    "destinations": [sheet.role_arn("ticket-reader")], "conditions": {"external_id": "env:TICKET"},
    "permissions": [{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{sheet.bucket}/2026/*"]}],
}
(folder / "grant.yaml").write_text(json.dumps(grant))
command = [sys.executable, "-m", "xacct_nb", "handoff", "request", "-f", "grant.yaml", "-o", "mine.json"]
command += ["--allow-reference", "env:TICKET", "--records", "records"]
environment = os.environ | {"TICKET": sheet.secret("ticket-4711")}
subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
answer = (folder / "mine.json").read_text()
answer""",
    ),
    too_wide=_ASK % ("sheet.source", _ID),
    why=(
        "The other owner sees exactly what you ask for, and can make exactly that. The file has the fingerprint of the external ID, "
        "so it may go by mail; the external ID itself may not."
    ),
)

JUDGE = Exercise(
    name="judge",
    title="Say which request to accept",
    task="""\
**Change sides: you are the destination owner.** Five requests lie in your folder, all with "Ticket 4711" in them: `a.request.json` to
`e.request.json`. `sheet.owner("destination")` lists the files. Read each of them:

```python
sheet.owner("destination").read("a.request.json")
```

The first sentence says who will be able to do what. The policies are built from the request by your own package. A file that cannot be
used is refused with a code. Say one word for each letter:

| word | what it means |
|---|---|
| `accept` | it asks for what the ticket says, and no more |
| `objects` | Alice could read objects that the ticket does not name |
| `people` | others could assume the role, too |
| `changed` | somebody changed the file on its way |
| `late` | its time to be answered is over |

Set `answer` to a dict, such as `{"a": "accept", "b": "late", ...}`. The check opens the files. Of those that it can open it makes the roles for a
moment, and asks AWS who gets in and what Alice can read.""",
    starter="answer = None  # a dict: a letter and a word\nanswer",
    check=_check_requests,
    hints=(
        "Read all five. Two of them the package refuses, and the code at the beginning of the message says which word it is.",
        "Of the three others compare the first sentence with the ticket: one says more about who, one says more about what.",
        "A source of twelve digits is a whole account, and arn:aws:s3:::* is every object of every bucket. One request is left: accept it.",
    ),
    solution='answer = {"a": "objects", "b": "changed", "c": "accept", "d": "people", "e": "late"}\nanswer',
    wrong=WrongAnswer(
        'answer = {"a": "objects", "b": "accept", "c": "accept", "d": "people", "e": "late"}\nanswer',
        "You say 'accept' of b.request.json, and the package refuses it (handoff-tampered).",
    ),
    others=(
        'answer = dict(zip("abcde", ["objects", "changed", "accept", "people", "late"]))\nanswer',
        """\
words = {"objects": "a", "people": "d", "changed": "b", "late": "e", "accept": "c"}
answer = {letter: word for word, letter in words.items()}
answer""",
    ),
    too_wide="",  # it is a prediction
    why=(
        "All five name the same ticket, so the reason in a request decides nothing. A digest shows that a file was changed. Who changes "
        "a file can compute a new digest too, so two owners compare the digest on the telephone, or sign the file."
    ),
)

_BY_HAND = """\
me, role = sheet.owner("destination"), sheet.role_arn("ticket-reader")
asked = me.read("ticket-readers.request.json").documents
trust, permissions = asked.trust_policies[role], asked.permissions_policies[role]
%sanswer = sheet.put_role("ticket-reader", trust, permissions)
answer"""

ANSWER = Exercise(
    name="answer",
    title="Make your side, and answer",
    task="""\
**You are the destination owner.** The request of exercise 1 has arrived: `ticket-readers.request.json`. If you play alone and have not solved that
exercise, take the request that you accepted in exercise 2. Read it once more, then make your side, in one of these ways:

- by the package: `sheet.owner("destination").answer(FILE, ...)` with the external ID makes the role, and writes `ticket-readers.answer.json`. It returns the
  text of this file: set `answer` to it. You know the external ID from the telephone: `sheet.secret("ticket-4711")`.
- by the command of the package, in a terminal: `xacct-nb handoff answer FILE --profile destination-admin -p sandbox false --external-id env:NAME` plans, and once
  more with `--approve DIGEST` it makes the role. `sheet.owner("destination").text("ticket-readers.answer.json")` is the text of the answer.
- by another tool: `xa.hand_over(request.asked, "destination", "commands")` is a script for the AWS CLI, `"terraform"` and `"cloudformation"` are further
  forms; `request` is what `read` returns. Or use boto3. Then there is no answer file, and `answer` is the ARN of the role.

The source owner has not made their side yet, so nobody gets in. The check lends Alice the right to call AssumeRole, tries your role, and takes that
right back.""",
    starter=_STARTER,
    check=_check_answer,
    hints=(
        "One call is enough, and it needs two things: which request, and the external ID.",
        "The policies in the file have a fingerprint in place of the external ID. A role that is made from the file by hand needs the external ID itself.",
        'answer = sheet.owner("destination").answer("ticket-readers.request.json", external_id=SECRET)',
    ),
    solution="""\
me = sheet.owner("destination")
answer = me.answer("ticket-readers.request.json", external_id=sheet.secret("ticket-4711"))
answer""",
    wrong=WrongAnswer(_BY_HAND % "", "The trust policy requires the fingerprint, as the file has it."),
    others=(
        _BY_HAND
        % """\
who = trust["Statement"][0]
who["Condition"] = {"StringEquals": {"sts:ExternalId": sheet.secret("ticket-4711")}}
""",
        """\
import json
import xacct_nb as xa

me = sheet.owner("destination")
asked = me.read("ticket-readers.request.json").asked
steps = json.loads(xa.hand_over(asked, "destination", "json"))["steps"]
trust, permissions = [json.dumps(each["policy"]) for each in steps if "policy" in each]
own = "<the external ID that you agreed on>"
trust = trust.replace(own, sheet.secret("ticket-4711"))
iam = sheet.client("destination-admin", "iam")
made = iam.create_role(RoleName="ticket-reader", AssumeRolePolicyDocument=trust)
iam.put_role_policy(RoleName="ticket-reader", PolicyName="reads", PolicyDocument=permissions)
answer = made["Role"]["Arn"]
answer""",
    ),
    too_wide="""\
me = sheet.owner("destination")
more = {"accept": ["wildcard-resource"]}  # without it, the finding stops the package
answer = me.answer("a.request.json", external_id=sheet.secret("ticket-4711"), **more)
answer""",
    why=(
        "You changed your own account only, and only what the request says. Your answer has the digest of the request, so the source owner "
        "knows which of their requests it answers."
    ),
)

_USE = """\
%s
given = sheet.client("alice", "sts").assume_role(
    RoleArn=sheet.role_arn("ticket-reader"), RoleSessionName="alice", ExternalId=sheet.secret("ticket-4711")
)
s3 = sheet.session_client(given["Credentials"], "s3")
answer = s3.get_object(Bucket=sheet.bucket, Key="2026/orders.csv")["Body"].read().decode()
answer"""
_PUT = """\
import json

call = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": %s}
policy = json.dumps({"Version": "2012-10-17", "Statement": [call]})
iam = sheet.client("source-admin", "iam")
%s"""
_ON_ALICE = 'iam.put_user_policy(UserName="alice", PolicyName="ticket", PolicyDocument=policy)'
_ROLE = 'sheet.role_arn("ticket-reader")'

COMPLETE = Exercise(
    name="complete",
    title="Accept the answer, and prove the access",
    task="""\
**You are the source owner again.** The answer has come: `ticket-readers.answer.json`.

1. `sheet.owner("source").accept(FILE)` checks it: it must answer a request of yours, in time, for your grant. Then it makes your side, the caller
   policy. If the other owner told you the ARN of the role without a file, make the caller policy yourself.
2. Prove it: assume the role as Alice, with the external ID, and read `2026/orders.csv` of `sheet.bucket` with that session. Set `answer` to the text
   of the object.

`sheet.client("alice", "sts").assume_role(...)` returns a response with `Credentials`; `sheet.session_client(credentials, "s3")` is a client with
them. The check makes Alice's calls, and those that must fail.""",
    starter=_STARTER,
    check=_check_complete,
    hints=(
        "Both sides have to allow the call. The other owner has made one of them; Alice has no policy yet.",
        'sheet.owner("source").accept("ticket-readers.answer.json") makes the caller policy. Then assume_role needs RoleArn, RoleSessionName and ExternalId.',
        's3 = sheet.session_client(given["Credentials"], "s3"), and s3.get_object(Bucket=sheet.bucket, Key="2026/orders.csv")["Body"].read().decode().',
    ),
    solution=_USE % 'sheet.owner("source").accept("ticket-readers.answer.json")',
    wrong=WrongAnswer(
        """\
s3 = sheet.client("destination-admin", "s3")
answer = s3.get_object(Bucket=sheet.bucket, Key="2026/orders.csv")["Body"].read().decode()
answer""",
        "AWS denies what it has to allow: alice as role/ticket-reader",
    ),
    others=(
        _USE % (_PUT % (_ROLE, _ON_ALICE)),
        _USE
        % (
            _PUT
            % (
                f"[{_ROLE}]",
                """\
made = iam.create_policy(PolicyName="assume-ticket-reader", PolicyDocument=policy)
iam.attach_user_policy(UserName="alice", PolicyArn=made["Policy"]["Arn"])""",
            )
        ),
    ),
    too_wide=_USE % (_PUT % ('"*"', _ON_ALICE)),
    why=(
        "Each owner changed one account, and nobody needed rights in the other one. A role that exists is not yet an access: it counts once the "
        "call has worked, and once the calls that must fail have failed."
    ),
)

SHEET = Sheet(
    number=11,
    name="hand_over",
    title="The hand-over, played by two",
    minutes=25,
    introduction="""\
Nobody administers both accounts. The source account has an owner, the destination account has another one, and each of them sees and changes
their own account only. They exchange two files: a **request**, and an **answer** ([how it works](../../docs/hand-over.md)).

```text
SOURCE OWNER                                       DESTINATION OWNER

1. writes the request  ──── NAME.request.json ───► 2. reads it: accept or refuse
                                                   3. makes the role
4. makes the caller    ◄─── NAME.answer.json ─────    and writes the answer
   policy, proves it
```

`sheet.owner("source")` and `sheet.owner("destination")` are the two owners, with one folder for the files.

- **Alone** you play both, one after the other.
- **Two at one JupyterLab**: each works in a copy of this notebook, and both set the same name as `participant`. You then share the two accounts
  and the folder. One does exercises 1 and 4, the other one 2 and 3.
- **Two at two computers**, or in two browser tabs: each has accounts of their own and plays both sides there. After exercise 1, send each other the
  text of the request (`print(answer)`). Read that of the other one by `sheet.owner("destination").read(TEXT)`. You do not own the account that it asks for,
  so you can refuse it, and send the text of the refusal back: `sheet.owner("destination").refuse(TEXT, "the reason")`.""",
    exercises=(ASK, JUDGE, ANSWER, COMPLETE),
    closing="""\
You have asked, judged, answered and proven. On AWS itself the same steps are commands, with a plan to approve and a record of each side:
`xacct-nb handoff request`, `answer` and `accept` ([the hand-over](../../docs/hand-over.md)).""",
    prepare=prepare,
    makes=(
        Made("destination", "role", READER),
        Made("destination", "role", OTHER),
        Made("destination", "role", TRIAL),
        *(Made("destination", "role", f"{TRIAL}-{letter}") for letter in LETTERS),
        Made("source", "policy", "xacct-ticket-readers"),
        Made("source", "policy", "assume-ticket-reader"),
    ),
    instructor=Instructor(
        goals=(
            "ask the owner of another account for exactly what a ticket says;",
            "read a request, and say why it is accepted or refused;",
            "make one side of an access without rights in the other account;",
            "accept an answer, and prove the access by calls that work and calls that must fail.",
        ),
        timing=(
            (3, "Make pairs. Draw the two files. Ask the first question below."),
            (
                6,
                "Exercise 1, the source owner. The other one reads along, and asks what is not in the ticket.",
            ),
            (
                6,
                "Exercise 2, the destination owner. In the whole class: a vote for each letter before the check.",
            ),
            (4, "Exercise 3."),
            (6, "Exercise 4, the questions, and the clean-up: one of each pair runs it."),
        ),
        pitfalls=(
            (
                "unresolved-secret: The request needs the external ID, and has only its fingerprint",
                'It is in none of the files. Both owners have it from the telephone: external_id=sheet.secret("ticket-4711").',
            ),
            (
                "handoff-external-id: The two owners have different external IDs",
                "One of them has mistyped it. They agree on it once more, and not in the file.",
            ),
            (
                "not-accepted: The plan widens access",
                "The request asks for more than the ticket says. A destination owner who accepts the finding is answerable for it.",
            ),
            (
                "handoff-unknown: The answer is for another request",
                "The request was changed after it was answered, so it has another digest now. Answer the new one.",
            ),
            (
                "AccessDenied for Alice on AWS itself, right after accept",
                "A change of IAM takes some seconds. Run the cell once more.",
            ),
        ),
        questions=(
            (
                "The source owner could send a finished policy by mail. What does the request add?",
                "The sentence of who can do what, until when it may be answered, a digest, and the policy is built by the reader's own package.",
            ),
            (
                "Request b looks right. Why is it refused?",
                "Its content has another digest than it states. Somebody changed it, and nobody knows what else. Ask for it again.",
            ),
            (
                "Could somebody change a file so that its digest holds?",
                "Yes: compute it anew. So the owners compare the digest on another way, or sign the file with their SSH keys.",
            ),
            (
                "Who can prove the access, and when?",
                "The source owner, whose account has the callers, once both sides are made. The destination owner can only show the role.",
            ),
        ),
        pairs="""\
- **At one JupyterLab** (one computer, or one server that both open): each makes a copy of the notebook, and both set the same `participant`. The second
  one to run the cell with `open_sheet` finds the accounts of the first one. The source owner runs exercises 1 and 4, the destination owner 2 and 3. They
  tell each other when a file is there. Progress is counted for both. One `sheet.reset()` or `sheet.clean_up()` is for both, so they agree on it.
- **On a JupyterHub or in browser tabs** each participant has a sandbox of their own, and no role of one trusts a user of the other. So each plays both
  sides in their own accounts. The pair exchanges the requests of exercise 1 as text, by chat. Each reads that of the other one with
  `sheet.owner("destination").read(TEXT)`, and either tells them the first eight characters of its digest, or sends a refusal:
  `print(sheet.owner("destination").refuse(TEXT, "reason"))`. The one who asked sees the reason by `sheet.owner("source").accept(TEXT)`.
- Change the roles after exercise 2 if there is time: who has asked for too much reads more carefully.""",
    ),
)
