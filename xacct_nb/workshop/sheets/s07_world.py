"""The worlds of sheet 7: who wants what, a world in which it works, and the questions that are asked about it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any

from xacct_nb.workshop.exercise import Made
from xacct_nb.workshop.preparing import Statement, allow, document, make_role, trust
from xacct_nb.workshop.question import AssumeCall, Question
from xacct_nb.workshop.world import WorkshopWorld


@dataclass(frozen=True)
class Cast:
    """Who and what an exercise is about, so that no two exercises of a sheet share anything."""

    exercise: str
    user: str
    topic: str

    @property
    def role(self) -> str:
        """The role that reads the reports."""
        return f"{self.topic}-reader"

    @property
    def writer(self) -> str:
        """Another role, which trusts the user too, and which nobody may use."""
        return f"{self.topic}-writer"

    @property
    def interns(self) -> str:
        """A group of the source account."""
        return f"{self.topic}-interns"

    @property
    def intern(self) -> str:
        """A member of that group."""
        return f"{self.topic}-intern"

    def fill(self, text: str) -> str:
        """Return a text with the names of this cast."""
        names = {"user": self.user, "topic": self.topic, "role": self.role, "writer": self.writer}
        return Template(text).substitute(
            names, User=self.user.title(), interns=self.interns, intern=self.intern
        )

    def report(self, world: WorkshopWorld) -> str:
        """Return the ARN of the report."""
        return world.object_arn(f"{self.topic}/summary.csv")

    def made(self) -> Iterator[Made]:
        """Yield what the exercise makes, whichever world is drawn, and what its answers may make."""
        yield from (Made("source", "user", name) for name in (self.user, self.intern))
        yield Made("source", "group", self.interns)
        yield from (Made("destination", "role", name) for name in (self.role, self.writer))
        yield from (Made("source", "policy", f"{self.topic}-boundary{end}") for end in ("", "-2"))
        yield Made("source", "policy", f"assume-{self.role}")
        yield Made("destination", "policy", f"{self.topic}-read")


Calls = Callable[[WorkshopWorld, Cast], Mapping[str, Any]]


def _no_parameters(world: WorkshopWorld, cast: Cast) -> Mapping[str, Any]:
    return {}


def _no_questions(world: WorkshopWorld, cast: Cast) -> Sequence[Question]:
    return ()


@dataclass(frozen=True)
class BrokenAccess:
    """One way in which an access is broken. The texts name the cast as `$user`, `$role`, `$topic` and so on.

    `call` are the parameters of the job's AssumeRole, `fixed` those that it needs whatever the answer says,
    `further` the questions that only this world is asked.
    """

    name: str
    title: str
    ticket: str
    make: Callable[[WorkshopWorld, Cast], None]
    hints: tuple[str, str, str]
    solution: str
    wrong: str
    reason: str
    others: tuple[str, str]
    too_wide: str
    why: str
    call: Calls = _no_parameters
    fixed: Mapping[str, Any] = field(default_factory=dict)
    further: Callable[[WorkshopWorld, Cast], Sequence[Question]] = _no_questions


def build(
    world: WorkshopWorld,
    cast: Cast,
    *,
    caller: Sequence[Statement] = (),
    trusts: Sequence[Statement] = (),
    may: Sequence[Statement] = (),
    is_made_again: bool = False,
) -> None:
    """Make the user, the two roles and the report. Without other statements, the access works.

    With `is_made_again`, the user is deleted and created again once the roles trust it.
    """
    iam, user, role = world.admin("source", "iam"), world.user_arn(cast.user), world.role_arn(cast.role)
    if is_made_again:
        iam.create_user(UserName=cast.user)
    else:
        world.add_user(cast.user)
    reads = allow("s3:GetObject", world.object_arn(f"{cast.topic}/*"))
    make_role(world, "destination", cast.role, trusts or [trust(user)], may or [reads])
    make_writer(world, cast, [user])
    if is_made_again:
        iam.delete_user(UserName=cast.user)
        world.add_user(cast.user)
    policy = document(*(caller or [allow("sts:AssumeRole", role)]))
    iam.put_user_policy(UserName=cast.user, PolicyName=f"assume-{cast.role}", PolicyDocument=policy)
    key, body = f"{cast.topic}/summary.csv", b"week,total\n1,42\n"
    world.admin("destination", "s3").put_object(Bucket=world.bucket, Key=key, Body=body)


def make_writer(world: WorkshopWorld, cast: Cast, trusted: list[str]) -> None:
    """Make the role that nobody may use, or let it trust others."""
    iam, policy = world.admin("destination", "iam"), document(trust(trusted))
    try:
        iam.create_role(RoleName=cast.writer, AssumeRolePolicyDocument=policy)
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=cast.writer, PolicyDocument=policy)


def wanted(world: WorkshopWorld, cast: Cast, parameters: Mapping[str, Any]) -> Question:
    """Return what has to work: the job reads the report."""
    return Question(
        cast.user,
        True,
        _as_role(world, cast, parameters),
        "s3:GetObject",
        cast.report(world),
        "The job needs it.",
    )


def questions(
    world: WorkshopWorld, cast: Cast, broken: BrokenAccess, parameters: Mapping[str, Any]
) -> Iterator[Question]:
    """Yield what must work, and what must stay closed."""
    yield wanted(world, cast, parameters)
    yield from broken.further(world, cast)
    role, reads = _as_role(world, cast, parameters), "s3:GetObject"
    others = "The role reads the reports of its own topic alone."
    yield Question(cast.user, False, role, reads, world.object_arn("2026/summary.csv"), others)
    payroll = world.object_arn("2026/salaries.csv", world.other_bucket)
    yield Question(cast.user, False, role, reads, payroll, "Payroll is nobody's business here.")
    yield Question(cast.user, False, role, "s3:PutObject", cast.report(world), "Reading is not writing.")
    yield Question(cast.user, False, (), reads, cast.report(world), "The way is through the role.")
    yield Question(
        cast.user, False, (world.role_arn(cast.writer),), because="This role is not what the job needs."
    )
    for name in ("mallory", "source-admin", "outsider"):
        yield Question(name, False, role, because="The role is for one user.")


def _as_role(world: WorkshopWorld, cast: Cast, parameters: Mapping[str, Any]) -> tuple[AssumeCall, ...]:
    return (AssumeCall(world.role_arn(cast.role), parameters),)
