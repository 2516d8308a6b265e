"""Asks AWS a question: assumes the roles one after the other, then makes the call, all for real."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from xacct_nb.aws.answers import Answer, call_aws, call_sample
from xacct_nb.aws.clients import AwsClient
from xacct_nb.changes.proof import ALLOWED, DENIED
from xacct_nb.changes.sample_calls import sample_call
from xacct_nb.iam.arns import Arn
from xacct_nb.sandbox.server.accounts import Side
from xacct_nb.workshop.question import AssumeCall, Question, Reply
from xacct_nb.workshop.world import WorkshopWorld

SESSION_NAME = "workshop-check"
# Errors by which AWS refuses a request because of who makes it or how, not because something is missing.
_REFUSED = (
    "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId",
    "InvalidParameterValue", "MultiFactorAuthentication", "SignatureDoesNotMatch", "ValidationError",
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
        client = clients(service)
        names = {operation: name for name, operation in client.meta.method_to_api_mapping.items()}
        return call_aws(lambda: getattr(client, names[operation])(**question.parameters))


def is_callable(action: str, resource: str) -> bool:
    """Return whether a call is known that needs this action on this resource, and leaves all as it was."""
    return action in _WRITES or sample_call(action, (resource,)) is not None


def ask(world: WorkshopWorld, question: Question) -> Reply:
    """Return AWS's answer to one question."""
    return Questioner(world).ask(question)


def _reply(question: Question, answer: Answer, at: int | None) -> Reply:
    if answer.verdict == ALLOWED:
        return Reply(question, True)
    allowed = False if answer.verdict == DENIED or answer.code in _REFUSED else None
    return Reply(question, allowed, answer.code, answer.message or answer.detail, at)


def _simulated(world: WorkshopWorld, question: Question) -> Reply:
    """Return what IAM's policy simulator says of the last role, or of a user of the source account."""
    principal = question.calls[-1].role if question.calls else world.user_arn(question.who)
    side: Side = "destination" if Arn.parse(principal).account == world.destination else "source"
    iam = world.admin(side, "iam")
    answer = simulate(iam, principal, question.action, question.resource, **question.parameters)
    if answer.verdict != ALLOWED:
        return _reply(question, answer, None)
    decision = decision_of(answer)
    return Reply(question, decision == "allowed", "" if decision == "allowed" else decision)


def simulate(iam: AwsClient, principal: str, action: str, resource: str, **more: Any) -> Answer:
    """Return the answer of IAM's policy simulator about one action; `decision_of` reads it."""
    return call_aws(
        lambda: iam.simulate_principal_policy(
            PolicySourceArn=principal, ActionNames=[action], ResourceArns=[resource], **more
        )
    )


def decision_of(simulated: Answer) -> str:
    """Return the simulator's decision: allowed, implicitDeny or explicitDeny."""
    return str(simulated.value["EvaluationResults"][0]["EvalDecision"])


def _clients_of(world: WorkshopWorld, answer: Answer) -> Clients:
    return lambda service: world.session_client(answer.value["Credentials"], service)


def _way(who: str, calls: tuple[AssumeCall, ...]) -> str:
    return json.dumps(
        [who, *([each.role, dict(each.parameters)] for each in calls)], sort_keys=True, default=str
    )


def _object_of(resource: str) -> dict[str, str]:
    bucket, _, key = Arn.parse(resource).resource.partition("/")
    return {"Bucket": bucket, "Key": key}


@contextmanager
def _as_before(s3: AwsClient, about: Mapping[str, str]) -> Iterator[bool]:
    """Leave an object after the block as it was before it; yield whether it is there."""
    before = call_aws(lambda: s3.get_object(**about))
    content = before.value["Body"].read() if before.value else None
    try:
        yield content is not None
    finally:
        call_aws(
            lambda: s3.delete_object(**about) if content is None else s3.put_object(**about, Body=content)
        )


def _put(world: WorkshopWorld, clients: Clients, question: Question) -> Answer:
    """Write an object."""
    about = _object_of(question.resource)
    with _as_before(world.admin("destination", "s3"), about):
        return call_aws(lambda: clients("s3").put_object(**about, Body=b"workshop"))


def _delete(world: WorkshopWorld, clients: Clients, question: Question) -> Answer:
    """Delete an object, one that is made for it where there is none."""
    s3, about = world.admin("destination", "s3"), _object_of(question.resource)
    with _as_before(s3, about) as is_there:
        if not is_there:
            call_aws(lambda: s3.put_object(**about, Body=b"workshop"))
        return call_aws(lambda: clients("s3").delete_object(**about))


_WRITES: Mapping[str, Callable[[WorkshopWorld, Clients, Question], Answer]] = {
    "s3:PutObject": _put,
    "s3:DeleteObject": _delete,
}
