"""Judges an answer by what AWS answers: who can do what now, and who cannot."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.polling import Wait
from xacct_nb.errors import XacctError
from xacct_nb.workshop.calling import Questioner
from xacct_nb.workshop.pointing import points_to
from xacct_nb.workshop.question import Question, Reply
from xacct_nb.workshop.verdict import CORRECT, NOT_YET, Verdict, row_of
from xacct_nb.workshop.witnesses import who_cannot_call, who_is_held_back
from xacct_nb.workshop.world import WorkshopWorld

_WRONG = {
    True: "AWS denies what it has to allow: {}.",
    False: "AWS allows what it has to deny: {}.",
}
_OTHER = {
    True: "You say that this works, and AWS denies it: {}.",
    False: "You say that this fails, and AWS allows it: {}.",
}
_NO_ANSWER = "AWS could not be asked: {}."
_BEGIN_AGAIN = "sheet.reset() makes the accounts again, as they were at the beginning."


def judge(world: WorkshopWorld, *questions: Question) -> Verdict:
    """Return correct if AWS answers every question as expected; else not yet, by the first that differs.

    The verdict has every answer, AWS's message, and what the first wrong answer points to. What asks the
    administrator of a third account is left out where there is no such account. A denial of somebody who
    cannot call any more does not count.
    """
    return _proven(world, _verdict(world, questions, _WRONG), questions, who_cannot_call)


def judge_trust(world: WorkshopWorld, *questions: Question) -> Verdict:
    """Judge roles, which alone have to deny: the policies of `ANYBODY` still allow AssumeRole on each."""
    return _proven(world, judge(world, *questions), questions, who_is_held_back)


def _proven(
    world: WorkshopWorld,
    found: Verdict,
    questions: tuple[Question, ...],
    unproven: Callable[[WorkshopWorld, Iterable[Question]], str],
) -> Verdict:
    """Return a verdict that is correct only if the denials prove something."""
    nothing = unproven(world, questions) if found.is_correct else ""
    return Verdict(NOT_YET, f"{nothing} {_BEGIN_AGAIN}", found.asked) if nothing else found


def compare(world: WorkshopWorld, *questions: Question) -> Verdict:
    """Return the verdict on a prediction: `expected` is what the participant says that AWS will answer."""
    return _verdict(world, questions, _OTHER)


def _verdict(world: WorkshopWorld, questions: tuple[Question, ...], wording: Mapping[bool, str]) -> Verdict:
    caller, replies = _ask_all(world, [each for each in questions if each.who in world.callers])
    said = ", you say" if wording is _OTHER else ""
    rows = (row_of(reply) for reply in replies)
    asked = tuple(replace(row, expected=f"{row.expected}{said}") for row in rows)
    wrong = next((reply for reply in replies if not reply.as_expected), None)
    if wrong is None:
        return Verdict(CORRECT, asked=asked)
    return Verdict(NOT_YET, _sentence(wrong, wording), asked, wrong.message, _points_to(caller, wrong))


def _ask_all(world: WorkshopWorld, questions: list[Question]) -> tuple[Questioner, list[Reply]]:
    """Ask until every answer is as expected, or a change would have had its effect."""
    wait = Wait("the last change has its effect", world.patience)
    while True:
        caller = Questioner(world)
        replies = [caller.ask(question) for question in questions]
        if all(reply.as_expected for reply in replies) or not wait.pause():
            wait.close()
            return caller, replies


def not_yet(text: str) -> Verdict:
    """Return the verdict on an answer that AWS cannot be asked about, or that is not what AWS answers."""
    return Verdict(NOT_YET, text)


def _sentence(reply: Reply, wording: Mapping[bool, str]) -> str:
    if reply.allowed is None:
        return _NO_ANSWER.format(reply.question.text)
    return wording[reply.question.expected].format(reply.question.text)


def _points_to(caller: Questioner, reply: Reply) -> tuple[str, ...]:
    """Return what the answer points to; what cannot be read must not hide the answer itself."""
    try:
        with translate_errors("The diagnosis"):
            return points_to(caller, reply)
    except XacctError as problem:
        return (problem.what,)
