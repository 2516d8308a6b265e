"""Graphs of access for the tests of pictures: any at all, by hypothesis, and some that people have."""

from itertools import pairwise

from hypothesis import strategies as st

from support.examples import a_grant
from xacct_nb.grants.pictures.access_graph import (
    AccessEdge,
    AccessGraph,
    AccessNode,
    graph_of_grants,
    node_of,
)

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
_words = st.sampled_from(
    ["with an external ID", "with MFA", "until 2027-01-01", "x" * 90, "only from 10.0.0.0/8 or 漢字漢字"]
)


def role_of(account: str, name: str) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


@st.composite
def graphs(draw: st.DrawFn, most: int = 14) -> AccessGraph:
    """A graph of up to so many nodes, with chains, circles, edges of a node to itself, and marks."""
    names = draw(st.lists(st.text("abcxyz-", min_size=1, max_size=64), max_size=most, unique=True))
    nodes = tuple(
        AccessNode(
            role_of(account, name), "role", name, account, draw(st.lists(_words, max_size=2).map(tuple))
        )
        for name in names
        for account in [draw(st.sampled_from(["", *ACCOUNTS]))]
    )
    if not nodes:
        return AccessGraph("nothing")
    ends = st.sampled_from([node.key for node in nodes])
    edges = st.builds(
        AccessEdge,
        ends,
        ends,
        st.lists(_words, max_size=3).map(tuple),
        st.sampled_from(["open", "half", "denied", "unread"]),
        st.sampled_from(["", "+", "-", "~"]),
    )
    return AccessGraph("any", nodes, tuple(draw(st.lists(edges, max_size=2 * most))))


def forty_nodes() -> AccessGraph:
    """Twenty-six callers of two accounts, and fourteen roles of two, under four kinds of conditions."""
    callers = [f"arn:aws:iam::{ACCOUNTS[0]}:user/caller-{number}" for number in range(13)]
    callers += [role_of(ACCOUNTS[1], f"caller-{number}") for number in range(13)]
    roles = [role_of(account, f"app-{number}") for number in range(7) for account in ACCOUNTS[1:]]
    conditions = [{}, {"external_id": "only-a-test"}, {"require_mfa": True}, {"source_ips": ["10.0.0.0/8"]}]
    grants = [
        a_grant(
            name=f"grant-{number}",
            sources=callers[3 * number : 3 * number + 5],
            destinations=roles[2 * number : 2 * number + 3],
            conditions=conditions[number % 4],
        )
        for number in range(7)
    ]
    rest = a_grant(name="rest", sources=callers, destinations=[roles[-1]])
    return graph_of_grants([*grants, rest])


def chain_of(length: int) -> AccessGraph:
    """A chain of roles, each in the next account, with a way past all of them."""
    roles = [role_of(f"{number:012d}", f"hop-{number}") for number in range(length)]
    edges = [AccessEdge(one, other) for one, other in pairwise(roles)]
    nodes = tuple(map(node_of, roles))
    return AccessGraph("chain", nodes, (*edges, AccessEdge(roles[0], roles[-1], ("with MFA",))))
