"""The note on a plan whose grant ends soon."""

from dataclasses import replace
from typing import TypeVar

from xacct_nb.changes.plan import Plan
from xacct_nb.fleets.end_dates import endings
from xacct_nb.runs.run_context import CardBasis

T = TypeVar("T")


def with_near_end(value: T, basis: CardBasis, now: str) -> T:
    """Return a value that a run keeps; a plan of a grant that ends soon after `now` (UTC) says when."""
    grant = basis.sessions.given if basis.sessions is not None else None
    if not isinstance(value, Plan) or grant is None or basis.undoes is not None:
        return value
    near = endings(grant, now).near
    return replace(value, notes=(*value.notes, *(each.sentence for each in near)))
