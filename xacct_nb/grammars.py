"""Which elements each kind of policy may have, and what stands in the way of those that it may not."""

from dataclasses import dataclass
from typing import NoReturn

ALLOW, DENY = "Allow", "Deny"
NEW, OLD = "2012-10-17", "2008-10-17"
IDENTITY, TRUST, RESOURCE = "identity", "trust", "resource"
SERVICE_CONTROL, RESOURCE_CONTROL = "service control", "resource control"


@dataclass(frozen=True, slots=True)
class Kind:
    """Which elements a kind of policy may have, and where AWS's documentation says so."""

    name: str
    source: str
    refused: frozenset[str] = frozenset()
    versions: tuple[str, ...] = (NEW, OLD)
    principal: bool = False
    resource: bool = True
    free_sid: bool = False
    identifier: bool = True


_NO_PRINCIPAL = frozenset({"Principal", "NotPrincipal"})
_NO_RESOURCE = frozenset({"Resource", "NotResource"})
KINDS = {
    kind.name: kind
    for kind in (
        Kind(IDENTITY, "reference_policies_grammar", _NO_PRINCIPAL, identifier=False),
        Kind(TRUST, "id_roles_update-role-trust-policy", _NO_RESOURCE, principal=True, resource=False),
        Kind(
            RESOURCE, "reference_policies_elements_principal", principal=True, resource=False, free_sid=True
        ),
        Kind(SERVICE_CONTROL, "orgs_manage_policies_scps_syntax", _NO_PRINCIPAL, (NEW,)),
        Kind(
            RESOURCE_CONTROL,
            "orgs_manage_policies_rcps_syntax",
            frozenset({"NotPrincipal", "NotAction"}),
            (NEW,),
            principal=True,
        ),
    )
}


class Refused(Exception):
    """What stands in a document that AWS would refuse: the place, and the reason."""


def refuse(place: str, reason: str) -> NoReturn:
    """Raises Refused."""
    raise Refused(place, reason)
