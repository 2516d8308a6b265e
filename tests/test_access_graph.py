"""A picture of who may assume what says the same as its grants, in lines and in words."""

import re

import pytest
from hypothesis import given

import xacct_nb as xa
from support.examples import ALICE, ROLE, a_grant
from support.graphs import chain_of, forty_nodes, graphs, role_of
from xacct_nb.errors import InvalidInput
from xacct_nb.grants.pictures.access_graph import AccessEdge, AccessGraph, AccessNode
from xacct_nb.grants.pictures.graph_svg import AccessPicture
from xacct_nb.views import html, text

EXTERNAL_ID = "only-a-test-7391"


def test_a_grant_is_a_way_from_each_source_into_each_role_with_its_conditions() -> None:
    grant = a_grant(
        sources=[ALICE, "333333333333"],
        conditions={"external_id": EXTERNAL_ID, "require_mfa": True, "source_ips": ["203.0.113.0/24"]},
    )

    lines = ("with an external ID", "with MFA", "only from 203.0.113.0/24", "for 1 hour at a time")
    assert xa.picture(grant).graph.edges == (
        AccessEdge(ALICE, ROLE, lines),
        AccessEdge("arn:aws:iam::333333333333:root", ROLE, lines),
    )


def test_a_whole_account_is_called_so_however_the_grant_names_it() -> None:
    by_id, by_arn = (
        xa.picture(a_grant(sources=[source])).graph
        for source in ("333333333333", "arn:aws:iam::333333333333:root")
    )

    assert by_id == by_arn
    assert (by_id.nodes[0].kind, by_id.nodes[0].name) == ("whole account", "333333333333")


def test_a_role_of_two_grants_is_one_node_with_what_both_allow() -> None:
    listing = {"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::reports"]}
    grants = [a_grant(name="read"), a_grant(name="list", permissions=[listing])]

    role = next(node for node in xa.picture(grants).graph.nodes if node.key == ROLE)

    assert role.lines == ("s3:GetObject on reports/*", "s3:ListBucket on reports")


def test_the_words_name_everyone_every_role_and_every_condition() -> None:
    grant = a_grant(sources=[ALICE, "arn:aws:iam::111111111111:user/bob"], conditions={"require_mfa": True})

    assert xa.picture(grant).words.splitlines() == [
        "In words: 2 principals, 1 role and 2 ways in, over 2 accounts.",
        "user/alice and user/bob of 111111111111 may assume role/reports-reader of 222222222222: "
        "with MFA, for 1 hour at a time.",
        "role/reports-reader of 222222222222: s3:GetObject on reports/*.",
    ]


def test_a_session_that_a_group_gives_is_said_to_come_by_the_group() -> None:
    grant = a_grant(attach_to="arn:aws:iam::111111111111:group/analysts")

    assert "by the group analysts" in xa.picture(grant).graph.edges[0].lines


def test_an_external_id_is_in_no_form_of_the_picture() -> None:
    picture = xa.picture(a_grant(conditions={"external_id": EXTERNAL_ID}))

    for shown in (str(picture), picture._repr_html_(), picture.svg, str(picture.graph.to_json())):
        assert EXTERNAL_ID not in shown
        assert "with an external ID" in shown


def test_a_reference_need_not_be_looked_up_for_a_picture() -> None:
    picture = xa.picture(a_grant(conditions={"external_id": "env:NOT_THERE"}))

    assert picture.graph.edges[0].lines[0] == "with an external ID"


@given(graphs())
def test_the_words_name_what_the_lines_join(graph: AccessGraph) -> None:
    words = text(AccessPicture(graph).view())

    for edge in graph.edges:
        assert all(line in words for line in edge.lines)
    for node in graph.nodes:
        assert f"role/{node.name}" in words


def test_focus_shows_what_leads_there_and_where_that_leads() -> None:
    roles = [role_of(f"{number:012d}", f"hop-{number}") for number in range(6)]
    chain = AccessGraph("chain", chain_of(6).nodes, chain_of(6).edges[:-1])

    near = xa.picture(chain, focus="hop-2", depth=1).graph

    assert [node.key for node in near.nodes] == roles[1:4]
    assert near.notes == ("3 of 6 nodes are shown: around hop-2.",)
    assert len(xa.picture(chain, focus=roles[2]).graph.nodes) == 6
    assert [node.key for node in xa.picture(chain, focus="000000000005", depth=2).graph.nodes] == roles[3:]


def test_focus_does_not_turn_back_at_a_neighbour() -> None:
    graph = xa.picture([a_grant(name="one"), a_grant(name="two", sources=["333333333333"])], "alice").graph

    assert {node.name for node in graph.nodes} == {"alice", "reports-reader"}


@pytest.mark.parametrize("focus", ["nobody", "alic", "arn:aws:iam::111111111111:user/zed"])
def test_a_focus_that_is_not_there_is_an_error_with_what_is_there(focus: str) -> None:
    with pytest.raises(InvalidInput, match=f"no '{focus}'") as problem:
        xa.picture(a_grant(), focus=focus)

    assert "alice, reports-reader" in problem.value.hint


@pytest.mark.parametrize("value", [None, "arn:aws:iam::111111111111:user/alice", [], [1], 7])
def test_what_has_no_picture_is_an_error(value: object) -> None:
    with pytest.raises(InvalidInput, match="no picture"):
        xa.picture(value)


def test_more_nodes_than_a_picture_holds_are_not_left_out_without_a_word() -> None:
    roles = [role_of("222222222222", f"app-{number}") for number in range(100)]
    picture = xa.picture(a_grant(destinations=roles))

    assert "60 of 101 nodes are shown: those with most edges." in str(picture)
    assert "focus=" in str(picture)
    assert "app-99" in str(xa.picture(a_grant(destinations=roles), focus="app-99", depth=1))


HOSTILE = "<script>alert('x')</script>\x1b[2J\x00\u202eevil\u2066\u200f\x9b"


def test_hostile_names_and_conditions_are_shown_as_text() -> None:
    nodes = (AccessNode(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,)), AccessNode("b", "role", "b"))
    picture = AccessPicture(AccessGraph(HOSTILE, nodes, (AccessEdge(HOSTILE, "b", (HOSTILE,)),), (HOSTILE,)))

    for shown in (picture.svg, picture._repr_html_(), str(picture)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200f\u202e\u2066]", shown)
    assert "<script" not in picture._repr_html_()


def test_a_picture_brings_no_script_no_id_and_no_address() -> None:
    svg = AccessPicture(forty_nodes()).svg

    assert not re.search(r"<script|<style|<a |<image|<use|href=|url\(|\bon\w+=|\bid=", svg)
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]


def test_a_picture_of_forty_nodes_is_a_third_of_a_record_at_most() -> None:
    assert len(html(AccessPicture(forty_nodes()).view())) < 35_000


def test_a_picture_has_a_name_and_a_description_for_who_does_not_see_it() -> None:
    svg = xa.picture(a_grant()).svg

    assert 'role="img"' in svg
    assert "<title>Who may assume what: reports</title><desc>In words: 1 principal, 1 role" in svg


def test_nobody_may_assume_anything_is_said() -> None:
    assert xa.picture(AccessGraph("Nothing")).words == "Nobody may assume anything here."
