"""The chain of roles of a diagnosis: as it is given, as a grant has it, or as the caller's profile has it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xacct_nb.aws.diagnosis_sessions import AccountSession, DiagnosisSessions
from xacct_nb.aws.hop_sessions import open_start
from xacct_nb.changes.proof import assume_parameters
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.hops import hop_attempts
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.access_path import chain_of_grant
from xacct_nb.grants.grant import Grant
from xacct_nb.iam.arns import is_arn
from xacct_nb.storage.aws_profiles import read_chain

Given = str | Mapping[str, Any]
"""A role of a chain: its ARN, or the parameters of AssumeRole with RoleArn."""


@dataclass(frozen=True)
class Chain:
    """The attempts of a chain in their order, and the session that the first of them is made with."""

    attempts: tuple[Attempt, ...]
    start: AccountSession | None

    @property
    def is_single(self) -> bool:
        """Whether there is one hop only, which needs no walk."""
        return len(self.attempts) < 2


def given_chain(through: Iterable[Given]) -> tuple[dict[str, Any], ...]:
    """Return the parameters of each role that is assumed before the last one. Raises InvalidParameters."""
    hops = tuple(dict(each) if isinstance(each, Mapping) else {"RoleArn": each} for each in through)
    wrong = [each for each in hops if not is_arn(str(each.get("RoleArn", "")))]
    if wrong:
        raise InvalidParameters(
            "through has an item that names no role.",
            why="Each is the ARN of a role, or the parameters of AssumeRole with RoleArn.",
            hint='Write for example: through ["arn:aws:iam::111111111111:role/hub"]',
        )
    return hops


def chain_from_grant(grant: Grant) -> tuple[dict[str, Any], ...]:
    """Return the parameters for the roles of a grant that are destinations and sources at once."""
    return tuple(assume_parameters(grant, role) for role in chain_of_grant(grant)[1])


def chain_of(attempt: Attempt, through: Sequence[Mapping[str, Any]], sides: DiagnosisSessions) -> Chain:
    """Return the hops: those of the caller's profile first, then the given ones, then the attempt's own."""
    files = sides.endpoint.config_file, sides.endpoint.credentials_file
    profile = sides.caller.profile if sides.caller else sides.tried
    # Where the role's session was denied something else, the chain to it worked.
    is_read = bool(profile) and (bool(through) or not attempt.role_was_assumed)
    base, hops = read_chain(profile, *files) if is_read else ("", ())
    roles = [each["RoleArn"] for each in hops]
    # The session of a profile has its own role behind it: a question about that role begins before it.
    is_own = len(hops) > 1 and attempt.role in ("", *roles) and not through
    signed_in = None if is_own else sides.caller
    start = signed_in or open_start(base, attempt, sides.endpoint) or sides.caller
    if not start or not hops:
        return Chain(hop_attempts(attempt, _without(through, attempt.role)), start)
    whole = [*hops, *(each for each in through if each["RoleArn"] not in roles)]
    if attempt.role in ("", *roles) and not through:  # the profile's own role is in question
        whole, own = whole[:-1], dict(whole[-1])
        role = own.pop("RoleArn")
        passed = own | (attempt.parameters if attempt.role in ("", role) else {})
        attempt = attempt.model_copy(update={"role": role, "parameters": passed})
    caller = "" if attempt.caller in roles or not is_arn(attempt.caller) else attempt.caller
    return Chain(hop_attempts(attempt.model_copy(update={"caller": caller}), whole), start)


def _without(through: Sequence[Mapping[str, Any]], role: str) -> list[Mapping[str, Any]]:
    return [each for each in through if each["RoleArn"] != role]
