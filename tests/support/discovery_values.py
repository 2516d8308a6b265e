"""Values of a discovery that show themselves, each with something in every field."""

from typing import Any

from pydantic import SecretStr

from support.examples import a_grant
from xacct_nb.fleets.discovery import DeclaredGrants, Discovery, ReadAccount
from xacct_nb.fleets.discovery_candidates import STAYS, Gap
from xacct_nb.fleets.discovery_grants import DiscoveredGrant
from xacct_nb.fleets.discovery_reach import AccessMatrix, RoleChains, WideTrusts
from xacct_nb.grants.pictures.access_graph import AccessGraph, graph_of_grants
from xacct_nb.runs.discovery import WrittenGrants

_GRAPH = AccessGraph(
    "title", graph_of_grants([a_grant()]).nodes, graph_of_grants([a_grant()]).edges, ("note",)
)
_DECLARED = DeclaredGrants(
    (
        DiscoveredGrant("reports", (a_grant(),), True, ("change",), SecretStr("secret:0123456789abcdef")),
        DiscoveredGrant("others", (a_grant(),), False),
    ),
    (Gap("role", "why"), Gap("role", "why", STAYS)),
)
DISCOVERY_VALUES: tuple[Any, ...] = (
    _DECLARED,
    Discovery((ReadAccount("account", 1, 2, "problem"),), _GRAPH, _DECLARED, 3),
    AccessMatrix((("from", "into", 1, 2),), "caption"),
    RoleChains(((("who",), ("one", "two")),)),
    WideTrusts((("role", "who", "why", "conditions"),)),
    WrittenGrants((("file", 1),)),
)
