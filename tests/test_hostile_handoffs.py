"""Hand-over files of somebody who means harm: each ends in its own message, and none counts as an answer."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from support.examples import ALICE, ROLE, a_grant
from support.hostile_strings import STRINGS, unseen
from support.ssh_keys import a_key, needs_ssh_keygen, public
from xacct_nb.errors import InvalidHandoff, InvalidParameters, XacctError
from xacct_nb.grants.documents import DESTINATION, SOURCE, build
from xacct_nb.handoff.answer import HandoffAnswer, answer_to, parse_answer
from xacct_nb.handoff.checks import check_answer, check_in_time, check_scope
from xacct_nb.handoff.request import HandoffRequest, parse_request, request_for, whole_grant
from xacct_nb.handoff.signed_file import SignedFile
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.runs.handoff.state import handoff_state
from xacct_nb.storage.handoff_files import (
    check_place,
    keep_handoff,
    keep_received,
    kept_request,
    made_request,
    write_handoff,
    write_page,
)
from xacct_nb.storage.handoff_signatures import describe_signature, sign_handoff
from xacct_nb.storage.signatures import sign_text

MADE, AT, EXPIRES = "2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z", "2026-12-01T10:00:00Z"
POLICY = "arn:aws:iam::111111111111:policy/xacct-reports-1"
OTHER_ROLE = ROLE.replace("reports-reader", "Admin")


def asked(side: str = DESTINATION, **fields: Any) -> HandoffRequest:
    about = {"made": MADE, "expires": EXPIRES, "nonce": "0123456789abcdef"}
    return request_for(build(a_grant(**fields)), side, **about)


def answered(request: HandoffRequest, decision: str = "made", **fields: Any) -> HandoffAnswer:
    return answer_to(request, decision, **{"at": AT, **fields})


def forged(value: SignedFile, **fields: Any) -> dict[str, Any]:
    """The content of a file with other fields, and the digest that fits them."""
    content = {**value.content, **fields}
    return {**content, "digest": hashlib.sha256(canonical_json(content).encode()).hexdigest()}


def code_of(act: Any) -> str:
    try:
        act()
    except XacctError as problem:
        return problem.code
    return ""


@pytest.mark.parametrize(
    "moment",
    [
        "9999-99-99T99:99:99Z", "2026-02-30T10:00:00Z", "2026-11-25T24:00:00Z", "2026-11-25T10:00:60Z",
        "0000-01-01T00:00:00Z", "2026-1-1T1:01:01Z", "2026-11-25T10:00:00Z\n", "", "now",
        "\uff12\uff10\uff12\uff16-11-25T10:00:00Z",
    ],
)  # fmt: skip
class TestATimeThatIsNone:
    @pytest.mark.parametrize("field", ["made", "expires"])
    def test_makes_a_request_invalid(self, moment: str, field: str) -> None:
        with pytest.raises(InvalidHandoff, match="as a time") as problem:
            parse_request(forged(asked(), **{field: moment}))
        assert problem.value.code == "invalid-handoff"

    def test_makes_an_answer_invalid(self, moment: str) -> None:
        assert code_of(lambda: parse_answer(forged(answered(asked()), at=moment))) == "invalid-handoff"


class TestAnAnswerThatNames:
    @pytest.mark.parametrize(
        ("side", "target"),
        [
            (DESTINATION, OTHER_ROLE),
            (DESTINATION, "arn:aws:iam::222222222222:user/alice"),
            (DESTINATION, ALICE),
            (DESTINATION, "arn:aws:s3:::reports"),
            (DESTINATION, "arn:aws:iam::111111111111:policy/x"),
            (SOURCE, "arn:aws:iam::111111111111:user/mallory"),
            (SOURCE, "arn:aws:iam::222222222222:policy/x"),
            (SOURCE, "nothing"),
        ],
    )
    def test_somebody_else_s_resource_is_tampered(self, side: str, target: str) -> None:
        request = asked(side)
        answer = parse_answer(
            forged(answered(request), made=[{"kind": "role", "target": target, "name": ""}])
        )

        assert code_of(lambda: check_answer(request, answer, (), "")) == "handoff-tampered"

    @pytest.mark.parametrize(
        ("side", "target"), [(DESTINATION, ROLE), (SOURCE, ALICE), (SOURCE, POLICY)], ids=str
    )
    def test_what_the_grant_has_is_fine(self, side: str, target: str) -> None:
        request = asked(side)
        answer = answered(request, made=[{"kind": "role", "target": target}])

        assert code_of(lambda: check_answer(request, answer, (), "")) == ""

    def test_the_role_of_a_changed_grant_is_that_of_its_own_grant(self) -> None:
        request = asked()
        grant = whole_grant(a_grant(destinations=[OTHER_ROLE]))
        codes = [
            code_of(lambda: check_scope(request, answered(request, "changed", grant=grant, made=made)))  # noqa: B023
            for made in ([{"kind": "role", "target": each}] for each in (OTHER_ROLE, ROLE))
        ]

        assert codes == ["", "handoff-tampered"]

    def test_a_caller_of_another_account_is_tampered(self) -> None:
        request = asked()
        answer = answered(request, by="arn:aws:sts::333333333333:assumed-role/Admin/eve")

        assert code_of(lambda: check_answer(request, answer, (), "")) == "handoff-tampered"


class TestTheState:
    @pytest.mark.parametrize(
        "fields",
        [
            {"made": [{"kind": "role", "target": OTHER_ROLE}]},
            {"by": "arn:aws:iam::333333333333:user/eve"},
            {"at": "2026-12-01T10:00:01Z"},
            {"decision": "changed", "grant": {"name": "other"}},
        ],
        ids=["stranger", "by", "late", "another grant"],
    )
    def test_is_not_moved_by_an_answer_that_is_refused(self, tmp_path: Path, fields: dict[str, Any]) -> None:
        request = asked()
        keep_handoff(tmp_path, request)
        answer = answered(request, fields.pop("decision", "made"), **fields)
        keep_handoff(tmp_path, answer)

        assert handoff_state(tmp_path, request, AT).state == "open"
        assert handoff_state(tmp_path, request, AT, [answer]).state == "open"
        assert handoff_state(tmp_path, request, "2026-12-01T10:00:01Z").state == "late"

    def test_is_that_of_the_newest_answer(self, tmp_path: Path) -> None:
        request = asked()
        for answer in (answered(request, "refused"), answered(request, at="2026-11-26T10:00:00Z")):
            keep_handoff(tmp_path, answer)

        assert handoff_state(tmp_path, request, AT).state == "answered"


class TestARequestThatWasSent:
    def test_is_not_one_that_was_made_here(self, tmp_path: Path) -> None:
        request = asked()
        keep_received(tmp_path, request)
        assert (made_request(tmp_path, request.digest), kept_request(tmp_path, request.digest)) == (
            None,
            request,
        )

        keep_handoff(tmp_path, request)
        assert made_request(tmp_path, request.digest) == request

    def test_takes_the_place_of_what_was_written_over_it(self, tmp_path: Path) -> None:
        request = asked()
        keep_received(tmp_path, request)
        kept = next((tmp_path / "handoffs").iterdir())
        kept.write_text("{}")
        keep_received(tmp_path, request)

        assert kept_request(tmp_path, request.digest) == request


class TestWhatIsShown:
    @pytest.mark.parametrize("name", ["ansi", "override", "return", "separators"])
    def test_of_a_stranger_s_fields_has_no_control_characters(self, name: str) -> None:
        hostile = STRINGS[name]
        request = parse_request(forged(asked(), why=hostile, asked_by=hostile))
        made = [{"kind": hostile, "target": ROLE, "name": hostile}]
        about = {"reason": hostile, "by": hostile, "record": hostile, "objects": (hostile,), "made": made}
        answer = parse_answer(forged(answered(request), **about, differences=(hostile,)))

        assert unseen(str(request)) == unseen(str(answer)) == []

    def test_gives_a_field_of_one_line_no_second_one(self) -> None:
        fake = f"x\n{'digest':<21}{'0' * 64}"
        request = parse_request(forged(asked(), asked_by=fake))
        answer = parse_answer(forged(answered(request), by=fake, record=fake, objects=(fake,)))

        for value in (request, answer):
            assert not [line for line in str(value).split("\n") if line.split() == ["digest", "0" * 64]]

    def test_tells_one_owner_of_several_accounts_what_is_asked_of_them(self) -> None:
        roles = [ROLE, "arn:aws:iam::333333333333:role/reports-reader"]

        assert "with a destination profile of each" in str(asked(destinations=roles))
        assert "profile of each" not in str(asked())


class TestTheFile:
    @pytest.mark.parametrize(
        "name", ["mine.txt", "mine.html", "folder", "other.answer.json", "link.json", "notes.json", "x" * 300]
    )
    def test_takes_no_other_file_s_place(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "folder").mkdir()
        for mine in ("mine.txt", "mine.html", "notes.html"):
            (tmp_path / mine).write_text("mine")
        write_handoff(answered(asked()), tmp_path / "other.answer.json")
        (tmp_path / "link.json").symlink_to("mine.txt")
        before = {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()}

        with pytest.raises(InvalidParameters, match="cannot be written"):
            write_handoff(asked(), tmp_path / name)
        assert {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()} == before

    def test_may_be_made_again_with_its_page(self, tmp_path: Path) -> None:
        from xacct_nb.jupyter.export import to_page

        file = write_handoff(asked(), tmp_path / "a.json")
        write_page(to_page("Request", "<p>x</p>"), tmp_path / "a.html")

        assert check_place(file, HandoffRequest) == file


@needs_ssh_keygen
class TestASignature:
    @pytest.fixture
    def key(self, tmp_path: Path) -> Path:
        return a_key(tmp_path, "ada")

    @pytest.fixture
    def signers(self, tmp_path: Path, key: Path) -> Path:
        file = tmp_path / "signers"
        file.write_text(f"ada@example.com {public(key)}\n")
        return file

    def test_of_another_purpose_is_named_as_such(self, key: Path, signers: Path) -> None:
        request = asked()
        other = request.model_copy(update={"signature": sign_text(request.text, key, "git")})

        for known in ("", str(signers)):
            with pytest.raises(InvalidHandoff, match="another purpose") as problem:
                describe_signature(other, known)
            assert (problem.value.code, "'git'" in problem.value.why) == ("handoff-signature", True)

    @pytest.mark.parametrize(
        "options", ['namespaces="git"', 'valid-before="20200101"', "cert-authority"], ids=str
    )
    def test_that_the_signers_do_not_allow_is_refused(self, key: Path, signers: Path, options: str) -> None:
        signed = sign_handoff(asked(), str(key))
        assert "signed by ada@example.com" in describe_signature(signed, str(signers))
        signers.write_text(f"ada@example.com {options} {public(key)}\n")

        assert code_of(lambda: describe_signature(signed, str(signers))) == "handoff-signature"

    def test_that_is_cut_off_anywhere_is_refused(self, key: Path, signers: Path) -> None:
        request = asked()
        first, *lines, last = sign_handoff(request, str(key)).signature.strip().split("\n")
        blob = base64.b64decode("".join(lines))
        ends = [*range(0, 90), *range(90, len(blob), 23)]
        codes = {
            code_of(
                lambda: describe_signature(
                    request.model_copy(
                        update={
                            "signature": f"{first}\n{base64.b64encode(blob[:end]).decode()}\n{last}\n"  # noqa: B023
                        }
                    ),
                    str(signers),
                )
            )
            for end in ends
        }

        assert codes == {"handoff-signature"}

    @pytest.mark.parametrize("name", ["~no-such-user/x", "", "/"])
    def test_with_a_file_that_is_none_is_one_message(self, name: str) -> None:
        signed = asked().model_copy(update={"signature": "none"})

        assert code_of(lambda: describe_signature(signed, name)) == "handoff-signature"
        assert code_of(lambda: sign_handoff(asked(), name)) == ("invalid-key" if name else "")


def test_what_was_asked_is_late_by_the_second() -> None:
    request = parse_request(json.loads(json.dumps(asked().to_json())))

    assert code_of(lambda: check_in_time(request, EXPIRES)) == ""
    assert code_of(lambda: check_in_time(request, "2026-12-01T10:00:01Z")) == "handoff-late"
