"""The owners of a fleet's accounts that one has no rights in: how far the request to each is."""

from collections.abc import Iterable
from dataclasses import dataclass

from xacct_nb.views import Table

MAKE = "xacct-nb handoff request -f FLEET_FILE"


@dataclass(frozen=True)
class OwnersPart:
    """What one owner has to do with a fleet.

    `request` is the name of the file that asks them, `digest` its digest, "" where none was made. `why` says
    how far it is, and `hint` what to do. `made` are the roles of accepted answers, `objects` are S3 objects
    for their proof.
    """

    fleet: str
    owner: str
    digest: str = ""
    why: str = "They were not asked yet."
    hint: str = f"Write the requests: {MAKE}"
    made: frozenset[str] = frozenset()
    objects: tuple[str, ...] = ()

    @property
    def request(self) -> str:
        """Return the name of the owner's request file."""
        return request_name(self.fleet, self.owner)

    @property
    def reason(self) -> str:
        """Return whose the account is, the request's file, and how far it is."""
        asked = f", asked by {self.request} ({self.digest[:8]})" if self.digest else ""
        return f"It is {self.owner}'s account{asked}. {self.why}"


def request_name(fleet: str, owner: str) -> str:
    """Return the name of the file that asks an owner for their part of a fleet."""
    return f"{fleet}-{owner}.request.json"


def handed_over_table(parts: Iterable[OwnersPart]) -> Table:
    """Return each owner with the file of their request, and how far it is."""
    rows = sorted({(each.owner, each.request, each.why, each.hint) for each in parts})
    return Table(("owner", "request", "state", "next"), tuple(rows), caption="Handed over to their owners")
