"""Asks AWS a question: assumes the roles one after the other, then makes the call, all for real."""

import json
from collections.abc import Callable, Mapping

from xacct_nb.aws.answers import Answer, call_aws, call_sample
from xacct_nb.aws.clients import AwsClient
from xacct_nb.changes.proof import ALLOWED, DENIED
from xacct_nb.changes.sample_calls import sample_call
from xacct_nb.iam.arns import Arn
from xacct_nb.workshop.question import AssumeCall, Question, Reply
from xacct_nb.workshop.world import WorkshopWorld

SESSION_NAME = "workshop-check"
# Errors by which AWS refuses a request because of who makes it or how, not because something is missing.
_REFUSED = (
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidParameterValue",
    "MultiFactorAuthentication", "SignatureDoesNotMatch", "ValidationError",
)  # fmt: skip

Clients = Callable[[str], AwsClient]


class Questioner:
    """Puts questions to AWS. A role is assumed once for all questions that take the same way to it."""

    def __init__(self, world: WorkshopWorld) -> None:
        self.world = world
        self._assumed = dict[str, tuple[Answer, Clients]]()

    def ask(self, question: Question) -> Reply:
        """Return AWS's answer to a question."""
        if question.simulated:
            return _simulated(self.world, question)
        for number in range(len(question.calls)):
            answer = self.assume(question.who, question.calls[: number + 1])
            if answer.verdict != ALLOWED:
                return _reply(question, answer, number)
        if not question.action:
            return Reply(question, True)
        return _reply(question, self._act(question), None)

    def assume(self, who: str, calls: tuple[AssumeCall, ...]) -> Answer:
        """Return AWS's answer to the last AssumeRole; those before it were allowed."""
        way = _way(who, calls)
        if way not in self._assumed:
            sts = self.clients(who, calls[:-1])("sts")
            given = {"RoleSessionName": SESSION_NAME, **calls[-1].parameters}
            answer = call_aws(lambda: sts.assume_role(RoleArn=calls[-1].role, **given))
            self._assumed[way] = answer, _clients_of(self.world, answer)
        return self._assumed[way][0]

    def clients(self, who: str, calls: tuple[AssumeCall, ...]) -> Clients:
        """Return the clients of a user, or of the session of the last role that it assumed."""
        if not calls:
            return lambda service: self.world.client(who, service)
        return self._assumed[_way(who, calls)][1]

    def _act(self, question: Question) -> Answer:
        clients = self.clients(question.who, question.calls)
        if question.action in _WRITES:
            return _WRITES[question.action](self.world, clients, question)
        sample = None if question.parameters else sample_call(question.action, (question.resource,))
        if sample is not None:
            return call_sample(sample, clients, lambda bucket, prefix, key: key)
        service, _, operation = question.action.partition(":")
        call = getattr(clients(service), _python_name(operation))
        return call_aws(lambda: call(**question.parameters))


def ask(world: WorkshopWorld, question: Question) -> Reply:
    """Return AWS's answer to one question."""
    return Questioner(world).ask(question)


def _reply(question: Question, answer: Answer, at: int | None) -> Reply:
    if answer.verdict == ALLOWED:
        return Reply(question, True)
    allowed = False if answer.verdict == DENIED or answer.code in _REFUSED else None
    return Reply(question, allowed, answer.code, answer.message or answer.detail, at)


def _simulated(world: WorkshopWorld, question: Question) -> Reply:
    """Return what IAM's policy simulator says of a user of the source account."""
    iam = world.admin("source", "iam")
    answer = call_aws(
        lambda: iam.simulate_principal_policy(
            PolicySourceArn=world.user_arn(question.who),
            ActionNames=[question.action],
            ResourceArns=[question.resource],
            **question.parameters,
        )
    )
    if answer.verdict != ALLOWED:
        return _reply(question, answer, None)
    decision = str(answer.value["EvaluationResults"][0]["EvalDecision"])
    return Reply(question, decision == "allowed", "" if decision == "allowed" else decision)


def _clients_of(world: WorkshopWorld, answer: Answer) -> Clients:
    return lambda service: world.session_client(answer.value["Credentials"], service)


def _way(who: str, calls: tuple[AssumeCall, ...]) -> str:
    return json.dumps(
        [who, *([each.role, dict(each.parameters)] for each in calls)], sort_keys=True, default=str
    )


def _python_name(operation: str) -> str:
    """Return boto3's name of an operation, such as get_object for GetObject."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")


def _object_of(resource: str) -> dict[str, str]:
    bucket, _, key = Arn.parse(resource).resource.partition("/")
    return {"Bucket": bucket, "Key": key}


def _put(world: WorkshopWorld, clients: Clients, question: Question) -> Answer:
    """Write an object; what was there is put back."""
    s3, about = world.admin("destination", "s3"), _object_of(question.resource)
    before = call_aws(lambda: s3.get_object(**about))
    kept = before.value["Body"].read() if before.value else None
    answer = call_aws(lambda: clients("s3").put_object(**about, Body=b"workshop"))
    if answer.verdict == ALLOWED:
        call_aws(lambda: s3.delete_object(**about) if kept is None else s3.put_object(**about, Body=kept))
    return answer


def _delete(world: WorkshopWorld, clients: Clients, question: Question) -> Answer:
    """Delete an object, one that is made for it where there is none; what was there is put back."""
    s3, about = world.admin("destination", "s3"), _object_of(question.resource)
    before = call_aws(lambda: s3.get_object(**about))
    kept = before.value["Body"].read() if before.value else None
    if kept is None:
        call_aws(lambda: s3.put_object(**about, Body=b"workshop"))
    answer = call_aws(lambda: clients("s3").delete_object(**about))
    if kept is None:
        call_aws(lambda: s3.delete_object(**about))
    elif answer.verdict == ALLOWED:
        call_aws(lambda: s3.put_object(**about, Body=kept))
    return answer


_WRITES: Mapping[str, Callable[[WorkshopWorld, Clients, Question], Answer]] = {
    "s3:PutObject": _put,
    "s3:DeleteObject": _delete,
}
