"""Values of the workshop that show themselves, each with something in every field."""

from typing import Any

from xacct_nb.workshop.class_status import ClassStatus, ParticipantStatus, SheetStatus, StuckExercise
from xacct_nb.workshop.cleaning import CleanUp, Removal
from xacct_nb.workshop.grading.grades import ClassGrades, ExerciseGrade, NotebookGrade
from xacct_nb.workshop.hint import Hint, Solution
from xacct_nb.workshop.sheet_list import ListedSheet, SheetList
from xacct_nb.workshop.site.build import BuiltSite
from xacct_nb.workshop.verdict import CORRECT, NOT_YET, Asked, Verdict

_OPENED = SheetStatus("two_policies", "The two policies", 1, 4, "trusted_role", 2, 1, True, "at")
WORKSHOP_VALUES: tuple[Any, ...] = (
    ClassGrades(
        (
            NotebookGrade(
                "ann",
                "file",
                "two_policies",
                (ExerciseGrade("name", "title", NOT_YET, 1, "text"),),
                "clean",
                "reason",
            ),
            NotebookGrade("ben", "file", problem="problem"),
        )
    ),
    BuiltSite("folder", (("part", 1),)),
    Verdict(
        NOT_YET,
        "text",
        (Asked("question", "allowed", "AccessDenied", False, "because"),),
        "message",
        ("points to",),
        next_step="next",
    ),
    Verdict(CORRECT, why="why"),
    Hint("exercise", 1, 3, "text"),
    Hint("exercise", 3, 3, "text"),
    Solution("exercise", "code"),
    CleanUp(("111111111111",), "the sandbox", (Removal("111111111111", "role", "reader"),), ()),
    CleanUp(("111111111111",), "the sandbox", (), (Removal("111111111111", "role", "reader", "problem"),)),
    SheetList((ListedSheet(1, "two_policies", "The two policies", 20, ("caller_policy",), "needs"),)),
    ClassStatus(
        "at",
        (ParticipantStatus("ann", (_OPENED,)),),
        (StuckExercise("two_policies", "trusted_role", 1, 2, 0),),
        ("file",),
    ),
)
