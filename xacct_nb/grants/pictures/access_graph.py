"""Who may assume what as a graph: principals and roles, and an edge for each way in, with its conditions."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from xacct_nb.errors import InvalidArn, InvalidInput
from xacct_nb.grants.documents import trust_conditions
from xacct_nb.grants.expiry import describe_expiry
from xacct_nb.grants.grant import Grant, account_of, is_whole_account
from xacct_nb.grants.sentences import describe_arn, describe_length, describe_permission
from xacct_nb.grants.sources import is_role_pattern, permission_set_of
from xacct_nb.iam.arns import UNIQUE_ID, Arn, is_arn
from xacct_nb.iam.caller import ANONYMOUS, FEDERATED, ROOT, SERVICE, SESSION, read_caller
from xacct_nb.iam.condition_words import describe_condition
from xacct_nb.validation import Serializable

# The states of an edge: both sides allow it, one side alone does, a Deny forbids it, one side was not read.
OPEN, HALF, DENIED, UNREAD = "open", "half", "denied", "unread"
ADDED, TAKEN, CHANGED = "+", "-", "~"
NO_CONDITION = "without a condition"
ANYONE, WHOLE = "*", "whole account"
ROLES, PERMISSION_SET = "roles", "permission set"
_MOST_NODES = 60
_LISTED = 8


@dataclass(frozen=True)
class AccessNode(Serializable):
    """A principal or a role; `key` is its ARN, the name of a service, or `*`; `lines` say more of it.

    `kind` is user, role, roles (a pattern), whole account, service, provider, anyone, or another word for
    what has been named.
    """

    key: str
    kind: str
    name: str
    account: str = ""
    lines: tuple[str, ...] = ()
    mark: str = ""

    @property
    def described(self) -> str:
        """Return the node as a sentence names it."""
        if self.kind == WHOLE:
            return f"everyone whom {self.account} allows it"
        if self.key == ANYONE:
            return self.name
        return describe_arn(self.key) if is_arn(self.key) else f"{self.kind} {self.name}".strip()


@dataclass(frozen=True)
class AccessEdge(Serializable):
    """A way from a principal into a role: the state, the conditions in words, and what a plan does to it."""

    source: str
    target: str
    lines: tuple[str, ...] = ()
    state: str = OPEN
    mark: str = ""


@dataclass(frozen=True)
class AccessGraph(Serializable):
    """Nodes and edges in a fixed order; `notes` say what is not in it, or was not read."""

    title: str
    nodes: tuple[AccessNode, ...] = ()
    edges: tuple[AccessEdge, ...] = ()
    notes: tuple[str, ...] = ()

    def around(self, focus: str, depth: int = 0) -> "AccessGraph":
        """Return the graph of what leads to a node and what it leads to, `depth` steps far; 0: all steps.

        `focus` is a node's ARN, its name, or the id of an account, of which all nodes count. Raises
        InvalidInput.
        """
        chosen = self._named(focus)
        kept = chosen | _reached(chosen, [(each.source, each.target) for each in self.edges], depth)
        kept |= _reached(chosen, [(each.target, each.source) for each in self.edges], depth)
        return self._only(kept, f"around {focus}")

    def bounded(self, most: int = _MOST_NODES) -> "AccessGraph":
        """Return the graph with no more nodes than a picture can show, those with most edges first."""
        if len(self.nodes) <= most:
            return self
        ends = [end for each in self.edges for end in (each.source, each.target)]
        ranked = sorted(self.nodes, key=lambda node: -ends.count(node.key))
        kept = self._only({node.key for node in ranked[:most]}, "those with most edges")
        hint = 'Choose with focus, as in xa.picture(..., focus="NAME", depth=1).'
        return replace(kept, notes=(*kept.notes, hint))

    def _named(self, focus: str) -> set[str]:
        found = {node.key for node in self.nodes if focus in (node.key, node.name, node.account)}
        if not found or not focus:
            names = [node.name for node in self.nodes]
            more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
            raise InvalidInput(
                f"The picture has no {focus!r}.",
                why="focus is an ARN, a name or an account id in the picture.",
                hint=f"It has {', '.join(names[:_LISTED]) or 'nothing'}{more}.",
            )
        return found

    def _only(self, kept: Collection[str], which: str) -> "AccessGraph":
        nodes = tuple(node for node in self.nodes if node.key in kept)
        edges = tuple(each for each in self.edges if each.source in kept and each.target in kept)
        if len(nodes) == len(self.nodes):
            return self
        note = f"{len(nodes)} of {len(self.nodes)} nodes are shown: {which}."
        return replace(self, nodes=nodes, edges=edges, notes=(*self.notes, note))


def _reached(start: Collection[str], arcs: Iterable[tuple[str, str]], depth: int) -> set[str]:
    """Return what is reached from `start` in `depth` steps, 0 for any number of them."""
    after: dict[str, list[str]] = {}
    for one, other in arcs:
        after.setdefault(one, []).append(other)
    found, front, steps = set(start), set(start), 0
    while front and (not depth or steps < depth):
        front = {other for one in front for other in after.get(one, ())} - found
        found |= front
        steps += 1
    return found


_KINDS = {ROOT: WHOLE, SERVICE: "service", FEDERATED: "provider", ANONYMOUS: "anyone"}


def node_of(key: str, lines: tuple[str, ...] = (), mark: str = "") -> AccessNode:
    """Return the node of a principal or role, by its ARN, the name of a service or provider, or `*`."""
    account = Arn.parse(key).account if is_arn(key) else ""
    if UNIQUE_ID.fullmatch(key):
        return AccessNode(key, "deleted principal", key, "", lines, mark)
    if account and is_role_pattern(key):
        if named := permission_set_of(key):
            return AccessNode(key, PERMISSION_SET, named, account, lines, mark)
        return AccessNode(key, ROLES, Arn.parse(key).resource.removeprefix("role/"), account, lines, mark)
    try:
        kind = read_caller(key).kind
    except InvalidArn:
        return AccessNode(key, "principal", key, account, lines, mark)
    name = {ROOT: account, ANONYMOUS: "anyone in any account", SESSION: key.partition("/")[2]}.get(kind)
    return AccessNode(key, _KINDS.get(kind, kind), name or key.rpartition("/")[2], account, lines, mark)


def graph_of_grants(grants: Iterable[Grant]) -> AccessGraph:
    """Return the graph of what one grant or several give, each node once."""
    given = tuple(grants)
    lines: dict[str, tuple[str, ...]] = {}
    for grant in given:
        for source in source_keys(grant):
            lines.setdefault(source, ())
        for role in grant.destinations:
            lines[role] = tuple(dict.fromkeys((*lines.get(role, ()), *_allowed(grant))))
    names = ", ".join(dict.fromkeys(grant.name for grant in given))
    nodes = tuple(node_of(key, each) for key, each in lines.items())
    edges = dict.fromkeys(edge for grant in given for edge in _edges(grant))
    return AccessGraph(f"Who may assume what: {names}", nodes, tuple(edges))


def source_keys(grant: Grant) -> tuple[str, ...]:
    """Return the key of each source's node: its ARN, for a whole account that of its root."""
    keys = (
        f"arn:{grant.partition}:iam::{account_of(each)}:root" if is_whole_account(each) else each
        for each in grant.sources
    )
    return tuple(dict.fromkeys(keys))


def edge_lines(grant: Grant) -> tuple[str, ...]:
    """Return the conditions of the grant in words, with the group that carries the caller policy."""
    hidden = "hidden" if grant.conditions.external_id.get_secret_value() else ""
    words = describe_condition(trust_conditions(grant.conditions, hidden)) or (NO_CONDITION,)
    group = (f"by the group {Arn.parse(grant.attach_to).name}",) if grant.attach_to else ()
    ends = (describe_expiry(grant.expires),) if grant.expires else ()
    return (*words, *group, describe_length(grant.session_minutes), *ends)


def _edges(grant: Grant) -> Iterator[AccessEdge]:
    lines = edge_lines(grant)
    yield from (
        AccessEdge(source, role, lines) for source in source_keys(grant) for role in grant.destinations
    )
    if grant.self_assume:
        yield from (AccessEdge(role, role, lines) for role in grant.destinations)


def _allowed(grant: Grant) -> Iterator[str]:
    """Yield what the roles may do, one line for each permission and managed policy."""
    yield from map(describe_permission, grant.permissions)
    yield from (f"what {Arn.parse(each).name} allows" for each in grant.managed_policies)
