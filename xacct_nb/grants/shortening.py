"""An earlier end than the grant's own: by `until` an approver may shorten the access, never lengthen it."""

from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.expiry import moment_of
from xacct_nb.grants.grant import Grant


def shorten(grant: Grant, until: str) -> Grant:
    """Return the grant with its end at `until` (a date or a moment); as it is where that is "" or its end.

    Raises InvalidParameters where the grant itself ends earlier.
    """
    if not until or (grant.expires and moment_of(grant.expires) == moment_of(until)):
        return grant
    if grant.expires and moment_of(grant.expires) < moment_of(until):
        raise too_late(until, f"the end of the grant {grant.name!r} itself, {moment_of(grant.expires)}")
    shorter = grant.model_copy(update={"expires": until})
    shorter._declared_end = grant.expires
    return shorter


def too_late(until: str, than: str) -> InvalidParameters:
    """Return the error of a date after the end that was declared."""
    return InvalidParameters(
        f"until: {moment_of(until)} is later than {than}.",
        why="Who approves may only shorten the access: the file says how long it may last.",
        hint="Give an earlier date, or leave until out. To let it last longer, change expires in the file.",
    )


def describe_shortening(grant: Grant) -> tuple[str, ...]:
    """Return from which end to which one the access was shortened, nothing where it was not."""
    if grant.declared_end is None:
        return ()
    before = f"at {moment_of(grant.declared_end)}" if grant.declared_end else "never"
    return (f"{grant.name!r} ends at {moment_of(grant.expires)} instead of {before}",)
