"""What a grant that adopts takes as it is: what others wrote under another name, with the same meaning."""

from collections.abc import Iterable, Mapping
from typing import Any

from xacct_nb.grants.grant import Grant
from xacct_nb.grants.naming import ADOPTED_TAG, OWNER_TAG
from xacct_nb.grants.own_statement import TRUST_STATEMENT
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.canonical import canonical, statements_of


def without_adopted(grant: Grant, wanted: Mapping[ResourceKey, Any], state: State) -> dict[ResourceKey, Any]:
    """Return what the grant wants without what it adopts as it is; all of it unless the grant has `adopt`.

    That are the permissions policy, where the role's own inline policies say the same, and with
    `manage: trust` the statement, where the trust policy has one of the same meaning.
    """
    if not grant.adopt:
        return dict(wanted)
    return {
        key: value
        for key, value in wanted.items()
        if key in state.resources or not _is_there(grant, key, value, state)
    }


def _is_there(grant: Grant, key: ResourceKey, value: Any, state: State) -> bool:
    if key.kind == TRUST_STATEMENT:
        role = state.role(key.target)
        return role is not None and not _missing([value], statements_of(role["trust"]))
    role = state.resources.get(ResourceKey("role", key.target))
    if key.kind != "inline-policy" or role is None or not keeps_extras(grant, role["tags"]):
        return False
    others = state.of("inline-policy", key.target).values()
    return not _missing(statements_of(value), [item for each in others for item in statements_of(each)])


def keeps_extras(grant: Grant, tags: Mapping[str, str]) -> bool:
    """Return whether a plan leaves on a role or policy with these tags what is not in the grant."""
    return tags.get(OWNER_TAG) != grant.name or ADOPTED_TAG in tags


def _missing(wanted: Iterable[Any], there: Iterable[Any]) -> bool:
    """Return whether one of the statements has no equal among those that are there."""
    known = [_canonical(each) for each in there if isinstance(each, Mapping)]
    return any(_canonical(each) not in known for each in wanted)


def _canonical(statement: Any) -> Any:
    return canonical({"Statement": [statement]})
