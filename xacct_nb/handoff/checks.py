"""What makes a request or an answer unusable, each with a code of its own: late, replayed, refused, ..."""

from collections.abc import Collection, Mapping
from typing import NoReturn, Protocol

from xacct_nb.grants.documents import DESTINATION
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.handoff.answer import CHANGED, REFUSED, HandoffAnswer
from xacct_nb.handoff.request import HandoffRequest, differences
from xacct_nb.handoff.signed_file import moment_of, unusable
from xacct_nb.iam.arns import Arn, is_arn
from xacct_nb.redaction.invisible import on_one_line

_NEW = "Ask the owner for a new request, or make one: xacct-nb handoff request -f GRANT"


class Expiring(Protocol):
    """A request of any kind: until when it may be answered."""

    @property
    def expires(self) -> str:
        """Return the last moment (UTC)."""


def check_in_time(request: Expiring, now: str) -> None:
    """Check that a request may still be answered at this time (UTC). Raises InvalidHandoff."""
    if moment_of(now) > moment_of(request.expires):
        raise unusable(
            "late",
            f"The request is too late: it was to be answered until {request.expires}.",
            why=f"It is {now}, and what it asks may not be wanted any more.",
            hint=_NEW,
        )


def check_unused(request: Expiring, answered: Mapping[str, str], *, changes: bool) -> None:
    """Check that a request was not answered before, where answering it again would change something.

    `answered` has the decision of each earlier answer, by its record. Raises InvalidHandoff.
    """
    final = {record: decision for record, decision in answered.items() if decision}
    if final and (changes or REFUSED in final.values()):
        record, decision = next(iter(final.items()))
        raise unusable(
            "replayed",
            "The request was used before.",
            why=f"{record} answered it: {decision}. What was made then was changed or undone since."
            if decision != REFUSED
            else f"{record} refused it.",
            hint=_NEW,
        )


def check_external_id(grant: Grant, fingerprint: str) -> None:
    """Check that the external ID of a grant has the fingerprint of the request. Raises InvalidHandoff."""
    own = grant.to_json()["conditions"]["external_id"]
    if own != fingerprint:
        raise unusable(
            "external-id",
            "The two owners have different external IDs.",
            why=f"That of the request has the fingerprint {fingerprint}, and the one found here has {own}.",
            hint="Compare the external ID with the other owner on another way than this file.",
        )


def unknown_request(answer: HandoffAnswer) -> NoReturn:
    """Raise the error of an answer whose request is not here."""
    raise unusable(
        "unknown",
        "The answer is for another request.",
        why=f"It answers {answer.request}, which was not made in this records folder.",
        hint="Name the folder in which the request was made: --records DIR",
    )


def check_answer(
    request: HandoffRequest, answer: HandoffAnswer, closed: Collection[str], agreed: str
) -> None:
    """Check that an answer is in time and new, is of the owner who was asked, and gives what was asked.

    `closed` are the records in which an answer to this request was accepted and the proof held. `agreed` is
    the digest of a changed answer that the first owner agrees to. Raises InvalidHandoff.
    """
    check_scope(request, answer)
    if closed:
        raise unusable(
            "replayed",
            "The answer was used before.",
            why=f"The request is closed: {', '.join(closed)} proved the access.",
            hint="For another change, make a new request: xacct-nb handoff request -f GRANT",
        )
    _check_decision(request, answer, agreed)


def is_too_late(request: Expiring, answer: HandoffAnswer) -> bool:
    """Return whether an answer was made after the time that the request allows."""
    return moment_of(answer.at) > moment_of(request.expires)


def check_scope(request: HandoffRequest, answer: HandoffAnswer) -> None:
    """Check that an answer is of the owner who was asked, and names what its grant has in their accounts.

    Raises InvalidHandoff.
    """
    grant = answer.granted(request)
    known = grant.destinations if request.side == DESTINATION else (*grant.principals, grant.attach_to)
    foreign = [each.target for each in answer.made if not _is_of(each.target, known, request.accounts)]
    if is_arn(answer.by) and account_of(answer.by) not in request.accounts:
        foreign.append(answer.by)
    named = on_one_line(", ".join(foreign[:3] or (f"{answer.side} account", *answer.accounts)))
    if answer.side != request.side or answer.accounts != request.accounts or foreign:
        raise unusable(
            "tampered",
            "The answer is not one of the owner who was asked.",
            why=f"Asked was {request.side} account {', '.join(request.accounts)}, and it names {named}.",
            hint="Ask the other owner for the answer again, and compare its digest with them.",
        )


def _check_decision(request: HandoffRequest, answer: HandoffAnswer, agreed: str) -> None:
    if is_too_late(request, answer):
        raise unusable(
            "late",
            f"The answer is too late: it was made at {answer.at}.",
            why=f"The request was to be answered until {request.expires}.",
            hint="Make a new request: xacct-nb handoff request -f GRANT",
        )
    if answer.decision == REFUSED:
        raise unusable(
            "refused",
            "The other owner refused the request.",
            why=answer.reason or "They gave no reason.",
            hint="Agree with them on another grant, and make a new request.",
        )
    if answer.decision == CHANGED and agreed != answer.digest:
        changed = " ".join(differences(request.asked, answer.granted(request)))
        raise unusable(
            "changed",
            "The other owner made something else than was asked.",
            why=" ".join(filter(None, (changed, answer.reason))),
            hint=f"To go on with it, agree to exactly this answer: --agree {answer.digest}",
        )


def _is_of(target: str, known: Collection[str], accounts: Collection[str]) -> bool:
    """Return whether a resource is a user, role or group of the grant, or a policy in these accounts."""
    if target in known:
        return True
    return is_arn(target) and account_of(target) in accounts and Arn.parse(target).kind == "policy"
