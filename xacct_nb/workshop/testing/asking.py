"""What a test asks: by a real call of AWS, by IAM's policy simulator, or of policies as they are given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xacct_nb.changes.proof import ALLOWED
from xacct_nb.errors import InvalidInput, XacctError
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.sandbox.server.accounts import SIDES
from xacct_nb.workshop.calling import Questioner, decision_of, is_callable, simulate
from xacct_nb.workshop.pointing import points_to
from xacct_nb.workshop.question import AssumeCall, Question, name_of
from xacct_nb.workshop.testing.two_accounts import TwoAccounts

_ASSUME = "sts:AssumeRole"
# The parameters of AssumeRole, by the condition keys that they become.
_PARAMETERS = {
    "sts:externalid": "ExternalId",
    "sts:rolesessionname": "RoleSessionName",
    "sts:sourceidentity": "SourceIdentity",
}


def _nothing() -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, repr=False)
class AccessAnswer:
    """An answer: true where it is allowed. `by` is what was asked: a call of AWS, or the evaluation.

    `code` and `message` are AWS's own. `find_reasons` finds where the answer comes from.
    """

    allowed: bool
    text: str
    by: str
    code: str = ""
    message: str = ""
    find_reasons: Callable[[], tuple[str, ...]] = field(default=_nothing, compare=False)

    def __bool__(self) -> bool:
        return self.allowed

    def __repr__(self) -> str:
        verdict = "allowed" if self.allowed else self.code or "denied"
        return f"<{self.text}: {verdict} ({self.by})>"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return where the answer comes from, as the accounts are now."""
        try:
            return self.find_reasons()
        except XacctError as problem:
            return (problem.what,)

    def explanation(self) -> str:
        """Return the answer, AWS's message and the reasons, a line each."""
        said = [f"AWS: {self.message}"] if self.message else []
        return "\n  ".join([repr(self), *said, *self.reasons])


def ask_aws(
    world: TwoAccounts, principal: str, action: str, resource: str, *, through: str = "", **context: Any
) -> AccessAnswer:
    """Ask by a real call where there is one, else by SimulatePrincipalPolicy.

    `principal` is a profile, or the ARN of a user; for a role's ARN the simulator is asked. `through` is the
    ARN of a role to assume first. Raises InvalidInput for a question that can be asked in neither way.
    """
    who = world.profile_of(principal)
    given = _assume_parameters(context) if action == _ASSUME or through else {}
    if who and given is not None:
        calls = (AssumeCall(through, given),) if through else ()
        if action == _ASSUME:
            last = AssumeCall(resource, given)
            return _by_call(world, Question(who, True, (*calls, last)), "AssumeRole")
        if (not context or through) and is_callable(action, resource):
            by = f"{action.partition(':')[2]}, a real call"
            return _by_call(world, Question(who, True, calls, action, resource), by)
    if action == _ASSUME or through:
        raise _not_askable(principal, action, context)
    return _simulated(world, principal, who, action, resource, context)


def ask_evaluation(principal: str, action: str, resource: str, **policies: Any) -> AccessAnswer:
    """Evaluate a request by policies as they are given; the arguments are those of `evaluate`."""
    decision = evaluate(principal, action, resource, **policies)
    text = f"{name_of(principal)} calls {action} on {name_of(resource)}"
    code = "" if decision.allowed else decision.result
    return AccessAnswer(decision.allowed, text, "evaluated", code, find_reasons=lambda: decision.reasons)


def _by_call(world: TwoAccounts, question: Question, by: str) -> AccessAnswer:
    caller = Questioner(world)
    reply = caller.ask(question)
    if reply.allowed is None:
        raise InvalidInput(
            f"AWS could not be asked: {question.text}.",
            why=f"{reply.code}: {reply.message}",
            hint="Create what the question names within the test, then ask again.",
        )
    return AccessAnswer(
        reply.allowed, question.text, by, reply.code, reply.message, lambda: points_to(caller, reply)
    )


def _simulated(
    world: TwoAccounts, principal: str, who: str, action: str, resource: str, context: Mapping[str, Any]
) -> AccessAnswer:
    arn = str(world.client(who, "sts").get_caller_identity()["Arn"]) if who else principal
    side = next((side for side in SIDES if Arn.parse(arn).account == world.account(side)), None)
    if side is None:
        raise InvalidInput(
            f"{principal} is no principal of this world.",
            why=f"Its accounts are {world.source} and {world.destination}.",
            hint="Name a profile, or the ARN of a user or a role: aws_world.user_arn, aws_world.role_arn.",
        )
    entries = [_entry(key, value) for key, value in context.items()]
    answer = simulate(world.admin(side, "iam"), arn, action, resource, ContextEntries=entries)
    if answer.verdict != ALLOWED:
        raise InvalidInput(
            f"The simulator could not be asked about {principal}.",
            why=f"{answer.code}: {answer.message or answer.detail}",
            hint="Correct the action, the resource or the condition keys.",
        )
    found, decision = answer.value["EvaluationResults"][0], decision_of(answer)
    text = f"the policies of {name_of(principal)}: {action} on {name_of(resource)}"
    statements = tuple(f"Matched: {each['SourcePolicyId']}" for each in found.get("MatchedStatements", ()))
    is_allowed = decision == "allowed"
    code = "" if is_allowed else decision
    return AccessAnswer(is_allowed, text, "SimulatePrincipalPolicy", code, find_reasons=lambda: statements)


def _entry(key: str, value: Any) -> dict[str, Any]:
    values = value if isinstance(value, list | tuple) else [value]
    texts = [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
    return {"ContextKeyName": key, "ContextKeyValues": texts, "ContextKeyType": "stringList"}


def _assume_parameters(context: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the parameters of AssumeRole; None where a condition key can be none of its parameters."""
    given = {_PARAMETERS.get(name.lower(), name): value for name, value in context.items()}
    return None if any(":" in name for name in given) else given


def _not_askable(principal: str, action: str, context: Mapping[str, Any]) -> InvalidInput:
    return InvalidInput(
        f"There is no call that asks for {action} as {principal} with {', '.join(context) or 'these roles'}.",
        why="A real call needs a user of this world, and cannot choose keys such as aws:SourceIp.",
        hint="Evaluate the policies instead: decides(principal, action, resource, context={...}, ...).",
    )
