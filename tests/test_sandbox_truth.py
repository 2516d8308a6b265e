"""The sandbox answers as AWS does: every question in tests/cases/sandbox, asked by boto3 over HTTP."""

import pytest

from support.questions import Question, Room, fits, outcome, questions
from xacct_nb.sandbox.server.state import Sandbox

ALL = list(questions())


@pytest.mark.parametrize("question", ALL, ids=lambda question: question.title)
def test_the_sandbox_answers_as_aws_does(sandbox: Sandbox, question: Question) -> None:
    room = Room(sandbox)
    for step in question.setup:
        room.do(step)
    code, message, answer = outcome(room, question.ask)

    if question.expect == "allowed":
        assert (code, message) == ("allowed", "")
        assert fits(room.filled("", question.answer), answer)
    else:
        assert code == question.expect["code"]
        assert room.filled("", question.expect.get("message", "")) in message


def test_there_are_80_questions_at_least_and_each_is_asked_once() -> None:
    titles = [question.title for question in ALL]

    assert len(titles) >= 80
    assert len(set(titles)) == len(titles)


def test_every_answer_says_where_it_is_written() -> None:
    assert [question.title for question in ALL if not question.source] == []
