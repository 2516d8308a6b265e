"""Those whose denials prove something: who cannot call at all is denied by everything."""

from collections.abc import Iterable, Iterator

from xacct_nb.aws.answers import Answer, call_aws
from xacct_nb.workshop.calling import decision_of, simulate
from xacct_nb.workshop.question import Question, name_of
from xacct_nb.workshop.world import OUTSIDER, WorkshopWorld

ANYBODY = "mallory"
"""The user of the source account whose own policies allow AssumeRole on every role."""


def who_cannot_call(world: WorkshopWorld, questions: Iterable[Question]) -> str:
    """Return that `ANYBODY` or the administrator of the third account has no valid key, "" if they have."""
    for question in _to_be_denied(world, questions, (ANYBODY, OUTSIDER)):
        if not call_aws(world.client(question.who, "sts").get_caller_identity).value:
            return f"{question.who} cannot call AWS any more, so this denial says nothing: {question.text}."
    return ""


def who_is_held_back(world: WorkshopWorld, questions: Iterable[Question]) -> str:
    """Return that `ANYBODY` may not assume a role by her own policies, "" if she may."""
    for question in _to_be_denied(world, questions, (ANYBODY,)):
        for call in question.calls[:1]:
            user = world.user_arn(ANYBODY)
            answer = simulate(world.admin("source", "iam"), user, "sts:AssumeRole", call.role)
            if answer.value and _is_own_denial(answer):
                return (
                    f"The policies of {ANYBODY} do not allow sts:AssumeRole on {name_of(call.role)} any "
                    f"more, so this denial says nothing about the role: {question.text}."
                )
    return ""


def _to_be_denied(
    world: WorkshopWorld, questions: Iterable[Question], who: tuple[str, ...]
) -> Iterator[Question]:
    """Yield what these must be denied; what asks somebody who is not there was left out."""
    for each in questions:
        if each.who in who and each.who in world.callers and not each.expected and not each.simulated:
            yield each


def _is_own_denial(answer: Answer) -> bool:
    """Return whether the user's own policies deny it, and not the organization's."""
    organization = answer.value["EvaluationResults"][0].get("OrganizationsDecisionDetail", {})
    return decision_of(answer) != "allowed" and organization.get("AllowedByOrganizations", True)
