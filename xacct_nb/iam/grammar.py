"""The elements that each kind of policy may have, and the reasons for which AWS refuses others."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

# A policy or a statement as JSON. Its values may be anything until `policy.parse` has checked them.
Document = Mapping[str, Any]
ALLOW, DENY = "Allow", "Deny"
NEW, OLD = "2012-10-17", "2008-10-17"
IDENTITY, TRUST, RESOURCE = "identity", "trust", "resource"
SERVICE_CONTROL, RESOURCE_CONTROL = "service control", "resource control"
_PRINCIPAL = frozenset({"Principal", "NotPrincipal"})
_RESOURCE = frozenset({"Resource", "NotResource"})
_NEGATIONS = frozenset({"NotPrincipal", "NotAction"})
_ELEMENTS = _PRINCIPAL | _RESOURCE | {"Sid", "Effect", "Action", "NotAction", "Condition"}


@dataclass(frozen=True, slots=True, eq=False)
class PolicyGrammar:
    """The elements that a kind of policy may have, and the page of AWS's documentation (`source`).

    A Principal is required unless it is refused, a Resource where `resource` is true; `free_sid` allows any
    character in a Sid.
    """

    name: str
    source: str
    refused: frozenset[str] = frozenset()
    versions: tuple[str, ...] = (NEW, OLD)
    resource: bool = True
    free_sid: bool = False


GRAMMARS = {
    grammar.name: grammar
    for grammar in (
        PolicyGrammar(IDENTITY, "reference_policies_grammar", _PRINCIPAL),
        PolicyGrammar(
            TRUST, "id_roles_update-role-trust-policy", _RESOURCE | {"NotPrincipal"}, resource=False
        ),
        PolicyGrammar(RESOURCE, "reference_policies_elements_principal", resource=False, free_sid=True),
        PolicyGrammar(SERVICE_CONTROL, "orgs_manage_policies_scps_syntax", _PRINCIPAL, (NEW,)),
        PolicyGrammar(RESOURCE_CONTROL, "orgs_manage_policies_rcps_syntax", _NEGATIONS, (NEW,)),
    )
}


# Where AWS has words of its own for an element that a kind of policy cannot have.
_AWS_REASONS = {
    (TRUST, "NotPrincipal"): 'AWS refuses it: "AssumeRole policy must not contain NotPrincipal field"'
}


class Refused(Exception):
    """Raised for a document that AWS would refuse, with the path of the element and the reason."""


def refuse(path: str, reason: str) -> NoReturn:
    """Raise Refused."""
    raise Refused(path, reason)


@lru_cache(maxsize=1024)
def layout(elements: tuple[str, ...], grammar: PolicyGrammar) -> tuple[str, str, str]:
    """Return which of Action or NotAction, Resource or NotResource, Principal or NotPrincipal are present.

    "" where there is none and none is required. Source: reference_policies_grammar. Raises Refused.
    """
    for element in elements:
        if element not in _ELEMENTS:
            refuse(str(element), "there is no such element")
        if element in grammar.refused:
            default = f"a {grammar.name} policy cannot have it"
            refuse(element, _AWS_REASONS.get((grammar.name, element), default))
    if "Effect" not in elements:
        refuse("Effect", "it is missing")
    return (
        _one_of("Action", elements, needed=True),
        _one_of("Resource", elements, needed=grammar.resource),
        _one_of("Principal", elements, needed="Principal" not in grammar.refused),
    )


def _one_of(element: str, elements: tuple[str, ...], needed: bool) -> str:
    present = [each for each in (element, f"Not{element}") if each in elements]
    if len(present) > 1:
        refuse(present[1], f"it cannot be combined with {element}")
    if needed and not present:
        refuse(element, "it is missing")
    return present[0] if present else ""
