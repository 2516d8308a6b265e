"""Sheet 7, break and fix: ten ways in which an access is broken; each participant gets four of them, by a seed."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from xacct_nb.workshop.exercise import SEED, Exercise, Instructor, Sheet, WrongAnswer
from xacct_nb.workshop.judging import judge_trust, not_yet
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.sheets.s07_causes import CAUSES
from xacct_nb.workshop.sheets.s07_world import BrokenAccess, Cast, questions, wanted
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

CASTS = (
    Cast("first", "anna", "sales"),
    Cast("second", "ben", "stock"),
    Cast("third", "carla", "orders"),
    Cast("fourth", "dora", "audit"),
)
_PARAMETERS: Mapping[str, type] = {"ExternalId": str, "RoleSessionName": str, "DurationSeconds": int}
_TASK = """\
**$User** has a job that reads `$topic/summary.csv` in `sheet.bucket`, as the role `$role` of the destination account. It fails. The cell
below says what is wanted, and what AWS answers.

Find out why. `sheet.diagnose("$user", sheet.role_arn("$role"))` helps, with the parameters of the call, such as `ExternalId="..."`. If it is
the reading that fails, add `action="s3:GetObject", resource=f"arn:aws:s3:::{sheet.bucket}/$topic/summary.csv"`.

Then mend that, and open nothing else. Set `answer = "done"`. If it is the call that has to change, set `answer` to the parameters of
AssumeRole that it passes from now on, such as `{"RoleSessionName": "..."}`.

The check makes the call of the job, and tries what must stay closed: other objects, writing, the role `$writer`, and other users."""


def _exercise(cast: Cast, broken: BrokenAccess, **named: str) -> Exercise:
    fill = cast.fill
    first, second, third = map(fill, broken.hints)
    told: dict[str, str] = {
        "name": cast.exercise,
        "title": fill("$User's job, and the report on $topic"),
        **named,
    }
    return Exercise(
        **told,
        task=fill(_TASK),
        starter="answer = None  # replace this line by your own\nanswer",
        check=partial(_check, cast, broken),
        hints=(first, second, third),
        solution=fill(broken.solution),
        wrong=WrongAnswer(fill(broken.wrong), broken.reason),
        others=tuple(map(fill, broken.others)),
        too_wide=fill(broken.too_wide),
        why=fill(broken.why),
        ticket=partial(_ticket, cast, broken),
    )


def _ticket(cast: Cast, broken: BrokenAccess, world: WorkshopWorld) -> tuple[str, Question]:
    return cast.fill(broken.ticket), wanted(world, cast, broken.call(world, cast))


def _check(cast: Cast, broken: BrokenAccess, world: WorkshopWorld, answer: object) -> Verdict:
    given = answer if isinstance(answer, dict) else {}
    if problem := _problem(given):
        return not_yet(problem)
    parameters = {**(given or broken.call(world, cast)), **broken.fixed}
    return judge_trust(world, *questions(world, cast, broken, parameters))


def _problem(given: Mapping[str, Any]) -> str:
    """Return what is wrong with the parameters of a call."""
    for name, value in given.items():
        if name not in _PARAMETERS:
            return f"The parameters that the job can pass are {', '.join(_PARAMETERS)}, and not {name[:40]}."
        if type(value) is not _PARAMETERS[name] or value == "":
            return f"{name} has to be {'a text' if _PARAMETERS[name] is str else 'a whole number'}."
    return ""


def _make_all(pairs: Sequence[tuple[Cast, BrokenAccess]], world: WorkshopWorld) -> None:
    for cast, broken in pairs:
        broken.make(world, cast)


def drawn(seed: int) -> tuple[tuple[Cast, BrokenAccess], ...]:
    """Return what is broken for whom: four of the ten, the easier ones first."""
    numbers = sorted(random.Random(seed).sample(range(len(CAUSES)), len(CASTS)))
    return tuple(zip(CASTS, (CAUSES[number] for number in numbers), strict=True))


def _sheet(seed: int) -> Sheet:
    pairs = drawn(seed)
    exercises = tuple(_exercise(cast, broken) for cast, broken in pairs)
    return replace(_FRAME, exercises=exercises, prepare=partial(_make_all, pairs))


def _case(broken: BrokenAccess) -> Sheet:
    """Return a sheet of one exercise."""
    exercise = _exercise(CASTS[0], broken, name=broken.name, title=broken.title)
    return replace(_FRAME, exercises=(exercise,), prepare=partial(_make_all, [(CASTS[0], broken)]))


_FRAME = Sheet(
    number=7,
    name="break_and_fix",
    title="Break and fix",
    minutes=25,
    introduction="""\
Four jobs read reports through a role of the destination account. All four are broken, each for another reason. You get four of ten
broken worlds; a neighbour may have others.

AWS says little about a denial, and that on purpose. So go through both sides: the caller's policies, groups and boundary; the trust
policy, with its conditions; then what the role may do. Mend what is broken, and nothing more. It is easy to make a call work by opening
the role to everybody, and the check notices.

Your name decides which four you get. `sheet.reset(seed=5)`, or the parameter `seed`, draws others.""",
    exercises=(),
    closing="""\
You have found four causes from the answers of AWS alone. With the same notebook and another `seed` you get others:
`sheet.reset(seed=5)`, then run the cells from *Begin* again.""",
    makes=tuple(made for cast in CASTS for made in cast.made()),
    instructor=Instructor(
        goals=(
            "go from AWS's answer to the cause: which call failed, and on which side;",
            "tell an explicit deny, a missing allow, a boundary and a condition apart;",
            "mend the cause, and show that nothing else was opened.",
        ),
        timing=(
            (3, "Draw both sides, and list with the class what can be wrong on each."),
            (5, "Exercise 1. Let them read the message before anybody changes a policy."),
            (5, "Exercise 2."),
            (5, "Exercise 3. Neighbours have other causes: let them compare how they found them."),
            (5, "Exercise 4."),
            (2, "Collect the causes of the class on the board. Then the clean-up."),
        ),
        pitfalls=(
            (
                "Somebody adds one more allow to the user",
                "That helps only where an allow is missing. What does the diagnosis name?",
            ),
            (
                "It works, and the check says that AWS allows what it has to deny",
                "Something was opened beside. Its table names the call.",
            ),
            (
                "AWS's message is the same for two different causes",
                "For AssumeRole AWS rarely names the policy. Read both sides, or ask sheet.diagnose.",
            ),
            (
                "A neighbour's solution does not work",
                "It is another world. The same seed gives the same: seed = 5 in the parameters.",
            ),
            (
                "The accounts are in a muddle",
                "sheet.reset() begins again with two new accounts, and the same four causes.",
            ),
        ),
        questions=(
            (
                "Which causes can the administrator of the source account mend alone?",
                "The caller policy, the group, the boundary, the tag, and what the job passes.",
            ),
            (
                "Which message is not AccessDenied, and why?",
                "That about DurationSeconds: it is a limit of the role, no question of who calls.",
            ),
            (
                "Why does a role not trust a user who was made again with the same name?",
                "The trust policy has the unique id of the deleted user.",
            ),
            (
                "Why is it no mend to trust the whole account?",
                "Everybody whom that account's administrators allow gets in, now and later.",
            ),
        ),
    ),
)
SHEET = replace(_sheet(SEED), drawn=_sheet, cases=tuple(map(_case, CAUSES)))
