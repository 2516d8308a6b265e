"""The picture of who may assume what: of a grant, of several, of a plan, of what was read in the accounts."""

from collections.abc import Iterable
from typing import Any

from xacct_nb.changes.plan import Plan
from xacct_nb.changes.plan_graph import plan_graph, state_graph
from xacct_nb.errors import InvalidInput
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.pictures.access_graph import AccessGraph, graph_of_grants
from xacct_nb.grants.pictures.graph_svg import AccessPicture
from xacct_nb.grants.state import State


def picture(value: Any, focus: str = "", depth: int = 0, grant: Grant | None = None) -> AccessPicture:
    """Return the picture of who may assume what.

    `value` is a Grant, several of them, a Plan, a State, or what `xa.read_access` returned. `focus` is an
    ARN, a name or an account id: the picture shows what leads there and where that leads, `depth` steps far
    (0: all). The `grant` of a plan says what the plan leaves as it is. Raises InvalidInput.
    """
    found = plan_picture(grant, value) if isinstance(value, Plan) else AccessPicture(_graph(value))
    return found.around(focus, depth) if focus else found


def plan_picture(grant: Grant | None, plan: Plan) -> AccessPicture:
    """Return the picture of who may assume what after a plan, with what it adds, takes away and changes.

    None for a plan of which the grant is not known, such as a rollback: the picture then shows what the plan
    says alone, as it is for one that removes what was made for a grant that has ended.
    """
    return AccessPicture(plan_graph(None if plan.ended else grant, plan))


def _graph(value: Any) -> AccessGraph:
    if isinstance(value, AccessGraph):
        return value
    if isinstance(value, State):
        return state_graph(value)
    if isinstance(value, Grant):
        return graph_of_grants([value])
    given = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else []
    if given and all(isinstance(each, Grant) for each in given):
        return graph_of_grants(given)
    raise InvalidInput(
        f"There is no picture of a value of type {type(value).__name__}.",
        why="A picture is made of grants, of a plan, or of what was read in the accounts.",
        hint="Call xa.picture(grant), or xa.picture(xa.read_access(sessions)).",
    )
