"""A class at work: folders with the progress of its participants, as their kernels write it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from xacct_nb.workshop.exercise import Exercise, Instructor, Made, Sheet, WrongAnswer
from xacct_nb.workshop.judging import judge
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

NAMES = ("ask", "allow", "narrow", "revoke")


def _check(world: WorkshopWorld, answer: object) -> Verdict:
    return judge(world, Question("alice", True, (world.role_arn("visitor"),), because="Alice has to get in."))


def an_exercise(name: str) -> Exercise:
    return Exercise(
        name,
        f"Exercise {name}",
        "Let Alice into the role `visitor`.",
        "answer = None\nanswer",
        _check,
        ("One", "Two", "Three"),
        "answer = 1\nanswer",
        WrongAnswer("answer = 2\nanswer", "denied"),
        (),
        "",
        "It matters.",
    )


def a_sheet(number: int = 1, name: str = "doors", *makes: Made, **more: Any) -> Sheet:
    """A sheet of four exercises, for what is not about the workshop's own sheets."""
    exercises = tuple(map(an_exercise, NAMES))
    instructor = Instructor((), (), (), ())
    return Sheet(
        number, name, f"Sheet {name}", 20, "Begin.", exercises, "End.", instructor, makes=makes, **more
    )


def seconds_ago(seconds: int) -> str:
    return f"{datetime.now(UTC) - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def progress_of(seen: str = "", **exercises: dict[str, Any]) -> dict[str, Any]:
    return {"participant": "", "sheet": "", "seen": seen or seconds_ago(0), "exercises": exercises}


def write_progress(folder: Path, participant: str, sheet: str, progress: Any) -> Path:
    """Write a progress, or any text, as that of a participant."""
    path = folder / participant / sheet / "progress.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(progress if isinstance(progress, str) else json.dumps(progress))
    return path


def let_alice_in(world: Any) -> None:
    """Do what the exercises of `a_sheet` ask for: the role `visitor`, and Alice's right to assume it."""
    role = world.role_arn("visitor")
    trust = {"Effect": "Allow", "Principal": {"AWS": world.user_arn("alice")}, "Action": "sts:AssumeRole"}
    caller = {"Effect": "Allow", "Resource": role, "Action": "sts:AssumeRole"}
    iam = world.client("destination-admin", "iam")
    iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=_policy(trust))
    iam = world.client("source-admin", "iam")
    iam.put_user_policy(UserName="alice", PolicyName="visitor", PolicyDocument=_policy(caller))


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
