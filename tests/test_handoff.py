"""The two files of a hand-over: what they hold, and what of a file that came from anybody is refused."""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.examples import ALICE, ROLE, a_grant
from support.hostile_strings import STRINGS, Fragment, unseen
from xacct_nb.errors import InvalidGrant, InvalidHandoff, InvalidParameters, XacctError
from xacct_nb.grants.documents import DESTINATION, SIDES, SOURCE, build
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.answer import HandoffAnswer, answer_to, changed_grant, parse_answer
from xacct_nb.handoff.checks import check_answer, check_external_id, check_in_time, check_unused
from xacct_nb.handoff.request import HandoffRequest, differences, parse_request, request_for, whole_grant
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.jupyter.export import to_page
from xacct_nb.redaction.redact import fingerprint
from xacct_nb.storage.handoff_files import (
    keep_handoff,
    kept_answers,
    kept_request,
    read_handoff,
    write_handoff,
)
from xacct_nb.views import html, text

SECRET = "vendor-1234567"
TIMES = {"made": "2026-11-24T10:00:00Z", "expires": "2026-12-01T10:00:00Z"}
AT = "2026-11-25T10:00:00Z"


def a_request(side: str = DESTINATION, **fields: Any) -> HandoffRequest:
    about = {"why": "Reports", "asked_by": "ada", "nonce": "0123456789abcdef", **TIMES}
    texts = {name: fields.pop(name) for name in [*about] if name in fields}
    return request_for(build(a_grant(**fields)), side, **{**about, **texts})


def test_nothing_is_asked_of_the_owner_for_a_grant_that_has_ended() -> None:
    about = {"why": "Reports", "asked_by": "ada", "nonce": "0123456789abcdef", **TIMES}

    with pytest.raises(InvalidGrant, match="ended at 2026-11-24 10:00 UTC"):
        request_for(build(a_grant(expires="2026-11-24T10:00Z")), DESTINATION, **about)


def an_answer(request: HandoffRequest, decision: str = "made", **fields: Any) -> HandoffAnswer:
    return answer_to(request, decision, **{"at": AT, **fields})


def sealed_anew(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a file with the digest that fits it, as an attacker writes it."""
    rest = {name: each for name, each in content.items() if name not in ("digest", "signature")}
    return {**content, "digest": hashlib.sha256(canonical_json(rest).encode()).hexdigest()}


def code_of(act: Callable[[], object]) -> str:
    """The code of the error that an act ends with, "" for none."""
    try:
        act()
    except XacctError as problem:
        return problem.code
    return ""


class TestTheRequest:
    @pytest.mark.parametrize("side", SIDES)
    def test_goes_to_a_file_and_back(self, side: str) -> None:
        request = a_request(side)

        assert parse_request(json.loads(json.dumps(request.to_json()))) == request

    def test_names_the_sentence_the_policies_and_the_digest(self) -> None:
        request = a_request()
        trust = request.to_json()["policies"]["trust_policies"][ROLE]

        assert request.sentences == (
            "user/alice of 111111111111 will be able to s3:GetObject on reports/* "
            "through role/reports-reader of 222222222222, for 1 hour at a time.",
        )
        assert trust["Statement"][0]["Principal"] == {"AWS": ALICE}
        assert set(request.policies) == {"trust_policies", "permissions_policies"}
        assert request.to_json()["digest"] == request.digest

    def test_to_the_source_owner_has_the_caller_policy_alone(self) -> None:
        request = a_request(SOURCE)

        assert set(request.policies) == {"caller_policies"}
        assert request.accounts == ("111111111111",)
        assert request.other_side == DESTINATION

    @pytest.mark.parametrize("side", SIDES)
    def test_has_no_external_id_but_its_fingerprint(self, side: str) -> None:
        request = a_request(side, conditions={"external_id": SECRET})
        written = json.dumps(request.to_json()) + text(request.view()) + html(request.view())

        assert SECRET not in written
        assert request.external_id == fingerprint(SECRET)
        assert request.asked.to_json()["conditions"]["external_id"] == fingerprint(SECRET)

    def test_leaves_to_each_owner_what_they_accept_and_take_over(self) -> None:
        request = a_request(sources=["111111111111"], accept=["whole-account-trust"], adopt=True)

        assert not {"accept", "adopt"} & set(request.grant)
        assert (request.asked.accept, request.asked.adopt) == ((), False)

    def test_two_requests_for_the_same_are_two(self) -> None:
        assert a_request().digest != a_request(nonce="fedcba9876543210").digest

    def test_asks_nothing_of_the_owner_of_a_whole_account_that_is_trusted(self) -> None:
        with pytest.raises(InvalidHandoff, match="nothing to ask of the owner of the source account"):
            a_request(SOURCE, sources=["111111111111"])


class TestAChangedRequest:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("why",), "Something else"),
            (("expires",), "2036-12-01T10:00:00Z"),
            (("side",), "source"),
            (("grant", "session_minutes"), 720),
            (("grant", "sources"), ["arn:aws:iam::333333333333:user/eve"]),
            (("policies", "permissions_policies", ROLE, "Statement", 0, "Action"), ["s3:*"]),
            (("nonce",), "f" * 32),
        ],
        ids=lambda each: str(each)[:30],
    )
    def test_is_tampered(self, path: tuple[Any, ...], value: Any) -> None:
        content: Any = copy.deepcopy(a_request().to_json())
        place = content
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

        assert code_of(lambda: parse_request(content)) == "handoff-tampered"

    def test_is_tampered_also_with_a_digest_that_fits_where_the_policies_are_not_the_grant_s(self) -> None:
        content = copy.deepcopy(a_request().to_json())
        content["grant"]["permissions"] = [{"actions": ["s3:*"], "resources": ["*"]}]

        assert code_of(lambda: parse_request(sealed_anew(content))) == "handoff-tampered"

    def test_shows_what_its_grant_gives_whatever_its_sentences_say(self) -> None:
        content = a_request(permissions=[{"actions": ["*"], "resources": ["*"]}]).to_json()
        content["sentences"] = ["alice will be able to read one report."]
        shown = str(parse_request(sealed_anew(content)))

        assert "do everything on every resource" in shown
        assert "one report" not in shown
        assert "wildcard-action" in shown

    @pytest.mark.parametrize(
        "more",
        [
            {"accept": ["whole-account-trust"]},
            {"adopt": True},
            {"approve": "f" * 64},
            {"sandbox": False},
            {"records": "/tmp"},
            {"destination_profiles": ["root"]},
            {"conditions": {"external_id": "env:AWS_SECRET_ACCESS_KEY"}},
            {"conditions": {"external_id": "file:~/.aws/credentials"}},
            {"conditions": {"external_id": SECRET}},
        ],
        ids=str,
    )
    def test_steers_no_run(self, more: dict[str, Any]) -> None:
        content = a_request().to_json()
        content["grant"] = {**content["grant"], **more}

        assert code_of(lambda: parse_request(sealed_anew(content))) == "invalid-handoff"

    @pytest.mark.parametrize("name", ["approve", "records", "external_id", "run", "__class__"])
    def test_has_no_further_fields(self, name: str) -> None:
        content = {**a_request().to_json(), name: "x"}

        assert code_of(lambda: parse_request(sealed_anew(content))) == "invalid-handoff"

    @given(
        st.sampled_from(sorted(a_request().to_json())),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
    def test_of_wrong_types_is_one_message(self, name: str, value: Any) -> None:
        content = {**a_request().to_json(), name: value}
        usual = {**a_request().to_json(), "signature": ""}

        if value != usual[name] and name not in ("why", "sentences", "findings", "asked_by", "digest"):
            assert code_of(lambda: parse_request(sealed_anew(content))).startswith(("handoff-", "invalid-"))
        else:
            code_of(lambda: parse_request(content))


class TestAFile:
    def test_is_written_with_its_digest_and_read_again(self, tmp_path: Path) -> None:
        request = a_request()
        path = write_handoff(request, tmp_path / "new" / "reports.request.json")

        assert read_handoff(path) == request
        assert json.loads(path.read_text())["digest"] == request.digest

    def test_takes_the_place_of_a_hand_over_file_only(self, tmp_path: Path) -> None:
        mine = tmp_path / "thesis.json"
        mine.write_text("{}")

        with pytest.raises(InvalidParameters, match="cannot be written"):
            write_handoff(a_request(), mine)
        assert mine.read_text() == "{}"

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff\xfe",
            b'{"schema": "xacct-nb/handoff-request/2"}',
            b'{"schema": ["xacct-nb/handoff-answer/1"]}',
            b'{"schema": NaN}',
            b'{"schema": "a", "schema": "b"}',
            b'{"schema": "\\ud800"}',
            b"[" * 100_000,
            b'{"a":' * 40 + b"1" + b"}" * 40,
            b'{"schema": "xacct-nb/handoff-request/1", "why": "' + b"x" * 600_000 + b'"}',
        ],
        ids=lambda each: repr(each[:30]),
    )
    def test_that_is_none_is_one_message(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "file.json"
        path.write_bytes(content)

        assert code_of(lambda: read_handoff(path)) == "invalid-handoff"

    def test_that_is_a_folder_missing_or_a_pipe_is_one_message(self, tmp_path: Path) -> None:
        places = (tmp_path, tmp_path / "missing", Path("~nobody-of-this-name/file"), Path("/dev/full"))

        assert {code_of(lambda: read_handoff(each)) for each in places} == {"invalid-handoff"}  # noqa: B023

    def test_that_was_kept_is_found_by_its_digest(self, tmp_path: Path) -> None:
        request = a_request()
        answers = [an_answer(request), an_answer(request, "refused", at="2026-11-26T10:00:00Z")]
        for each in (request, *reversed(answers), an_answer(a_request(nonce="f" * 16))):
            keep_handoff(tmp_path, each)

        assert kept_request(tmp_path, request.digest) == request
        assert kept_request(tmp_path, "0" * 64) is None
        assert list(kept_answers(tmp_path, request.digest)) == answers

    def test_that_was_kept_and_changed_is_not_found(self, tmp_path: Path) -> None:
        request = a_request()
        keep_handoff(tmp_path, request)
        kept = next((tmp_path / "handoffs").iterdir())
        kept.write_text(kept.read_text().replace("Reports", "Salaries"))

        assert kept_request(tmp_path, request.digest) is None


class TestThePage:
    @pytest.mark.parametrize("name", STRINGS)
    def test_escapes_what_a_stranger_wrote(self, name: str) -> None:
        hostile = STRINGS[name].encode(errors="backslashreplace").decode()
        request = a_request(why=hostile, asked_by=hostile[:200])
        answer = an_answer(request, "refused", reason=hostile, by=hostile, record=hostile[:200])
        for value in (request, answer):
            assert Fragment(html(value.view())).strange == []
            assert unseen(text(value.view())) == []

    def test_has_no_link_and_runs_nothing(self) -> None:
        request = a_request(why="https://evil.example/pay and javascript:alert(1)")
        page = to_page("Hand-over", html(request.view()))

        assert "<a " not in html(request.view())
        assert 'content="default-src &#39;none&#39;' in page

    def test_shows_a_part_of_very_many_sentences(self) -> None:
        roles = [f"arn:aws:iam::222222222222:role/reader-{number}" for number in range(60)]
        shown = str(a_request(destinations=roles))

        assert "And 20 more" in shown


class TestTheAnswer:
    def test_goes_to_a_file_and_back(self) -> None:
        request = a_request()
        answer = an_answer(request, made=[{"kind": "role", "target": ROLE}], record="r", by=ALICE)

        assert parse_answer(json.loads(json.dumps(answer.to_json()))) == answer
        assert answer.roles == (ROLE,)

    def test_that_was_changed_is_tampered(self) -> None:
        content = {**an_answer(a_request(), "refused", reason="no").to_json(), "decision": "made"}

        assert code_of(lambda: parse_answer(content)) == "handoff-tampered"

    def test_for_what_was_asked_is_fine(self) -> None:
        request = a_request()

        assert code_of(lambda: check_answer(request, an_answer(request), (), "")) == ""

    def test_that_refuses_says_why(self) -> None:
        request = a_request()

        with pytest.raises(InvalidHandoff, match="refused") as refused:
            check_answer(request, an_answer(request, "refused", reason="Not this bucket"), (), "")
        assert (refused.value.code, refused.value.why) == ("handoff-refused", "Not this bucket")

    def test_that_is_late_replayed_or_of_another_owner_is_told_apart(self) -> None:
        request = a_request()
        late = an_answer(request, at="2026-12-01T10:00:01Z")
        foreign = an_answer(request, made=[{"kind": "role", "target": "arn:aws:iam::333333333333:role/x"}])
        nothing = an_answer(request, made=[{"kind": "role", "target": "no ARN"}])
        other = an_answer(a_request(SOURCE)).model_copy(update={"request": request.digest})
        codes = [
            code_of(lambda: check_answer(request, each, closed, ""))  # noqa: B023
            for each, closed in (
                (late, ()),
                (an_answer(request), ["r"]),
                (foreign, ()),
                (nothing, ()),
                (other, ()),
            )
        ]

        assert codes == ["handoff-late", "handoff-replayed", *["handoff-tampered"] * 3]

    def test_in_the_last_second_is_in_time(self) -> None:
        request = a_request()

        assert code_of(lambda: check_answer(request, an_answer(request, at=TIMES["expires"]), (), "")) == ""
        assert code_of(lambda: check_in_time(request, TIMES["expires"])) == ""
        assert code_of(lambda: check_in_time(request, "2026-12-01T10:00:01Z")) == "handoff-late"


class TestAChangedGrant:
    def test_must_be_agreed_to_by_the_digest_of_the_answer(self) -> None:
        request = a_request()
        grant = changed_grant(request, {"session_minutes": 30})
        answer = an_answer(request, "changed", grant=whole_grant(grant))

        with pytest.raises(InvalidHandoff, match="something else") as changed:
            check_answer(request, answer, (), "")
        assert changed.value.code == "handoff-changed"
        assert "session_minutes: asked 60, given 30." in changed.value.why
        assert f"--agree {answer.digest}" in changed.value.hint
        assert code_of(lambda: check_answer(request, answer, (), answer.digest)) == ""

    def test_keeps_the_conditions_that_are_not_named(self) -> None:
        request = a_request(conditions={"external_id": SECRET, "require_mfa": True})
        grant = changed_grant(request, {"conditions": {"source_ips": ["203.0.113.0/24"]}})

        assert grant.conditions.require_mfa
        assert differences(request.asked, grant)[0].startswith("conditions: asked")
        assert code_of(lambda: check_external_id(grant, request.external_id)) == ""

    def test_may_leave_out_what_was_asked(self) -> None:
        policy = "arn:aws:iam::aws:policy/ReadOnlyAccess"
        request = a_request(managed_policies=[policy])
        grant = changed_grant(request, {"managed_policies": []})
        answer = an_answer(request, "changed", grant=whole_grant(grant))

        assert parse_answer(json.loads(json.dumps(answer.to_json()))).granted(request) == grant

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": "another"},
            {"sources": ["arn:aws:iam::333333333333:user/eve"]},
            {"destinations": ["arn:aws:iam::333333333333:role/x"]},
            {"conditions": {"external_id": ""}},
            {"conditions": {"external_id": fingerprint("another-id")}},
            {"conditions": "none"},
            {"accept": ["whole-account-trust"]},
            {"adopt": True},
            {"no_such_field": 1},
            {"session_minutes": "30"},
        ],
        ids=str,
    )
    def test_between_others_or_of_no_grant_is_refused(self, fields: dict[str, Any]) -> None:
        request = a_request(conditions={"external_id": SECRET})

        assert code_of(lambda: changed_grant(request, fields)) == "invalid-handoff"
        content = an_answer(request, "changed", grant={"session_minutes": 30}).to_json()
        answer = parse_answer(sealed_anew({**content, "grant": fields}))
        assert code_of(lambda: answer.granted(request)) == "invalid-handoff"

    def test_is_told_of_by_its_decision(self) -> None:
        content = an_answer(a_request()).to_json()

        assert (
            code_of(lambda: parse_answer(sealed_anew({**content, "decision": "changed"})))
            == "handoff-tampered"
        )
        assert (
            code_of(lambda: parse_answer(sealed_anew({**content, "grant": {"name": "x"}})))
            == "handoff-tampered"
        )


class TestARequestThatWasUsed:
    def test_may_be_answered_again_where_nothing_is_to_change(self) -> None:
        assert code_of(lambda: check_unused(a_request(), {"r": "made"}, changes=False)) == ""

    def test_is_replayed_where_something_would_change_again(self) -> None:
        assert code_of(lambda: check_unused(a_request(), {"r": "made"}, changes=True)) == "handoff-replayed"

    @pytest.mark.parametrize("changes", [True, False])
    def test_is_replayed_where_it_was_refused(self, changes: bool) -> None:
        assert (
            code_of(lambda: check_unused(a_request(), {"r": "refused"}, changes=changes))
            == "handoff-replayed"
        )

    def test_and_was_only_planned_is_new(self) -> None:
        assert code_of(lambda: check_unused(a_request(), {"r": ""}, changes=True)) == ""


def test_two_external_ids_are_compared_by_their_fingerprints() -> None:
    grant: Grant = a_grant(conditions={"external_id": SECRET})

    assert code_of(lambda: check_external_id(grant, fingerprint(SECRET))) == ""
    with pytest.raises(InvalidHandoff) as differs:
        check_external_id(grant, fingerprint("vendor-7654321"))
    assert differs.value.code == "handoff-external-id"
    assert SECRET not in str(differs.value)


def test_the_codes_are_those_of_the_page() -> None:
    page = (Path(__file__).parents[1] / "docs" / "hand-over.md").read_text()
    kinds = ["tampered", "signature", "late", "replayed", "unknown", "refused", "changed", "external-id"]

    assert [f"`handoff-{kind}`" for kind in kinds if f"| `handoff-{kind}` |" not in page] == []
