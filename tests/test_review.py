"""A review of access: who is asked what, which answers are refused, and what becomes of the others."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from support.examples import ALICE, READ, ROLE
from support.review_values import ANSWER_BY, NOW, REVIEW, a_sheet, a_subject, an_item, answers_to
from support.ssh_keys import a_key, fingerprint, needs_ssh_keygen, public
from xacct_nb.changes.narrowing import NarrowedItem, Narrowing, narrow
from xacct_nb.changes.usage import PrincipalUsage, ServiceUsage, Usage
from xacct_nb.errors import InvalidParameters
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.plan import FleetPlan
from xacct_nb.grants.approvers import parse_approvers
from xacct_nb.jupyter.review_page import to_review_page
from xacct_nb.records.review.answers import (
    END,
    KEEP,
    NARROW,
    REVIEW_NAMESPACE,
    ItemAnswer,
    ReviewAnswers,
    campaign_of,
    empty_answers,
    parse_answers,
)
from xacct_nb.records.review.decisions import (
    WAITS,
    ReviewDecision,
    decide,
    end_day,
    revised_fleet,
    revised_grant,
)
from xacct_nb.records.review.item import in_order, item_of
from xacct_nb.records.review.recorded import RecordedReview
from xacct_nb.records.review.sheet import ReviewSheet, parse_reviewers, sheets_of
from xacct_nb.records.review.subject import GrantPast, LiveState, check_reviewers, responsible
from xacct_nb.records.review.use import use_lines
from xacct_nb.runs.review.live_reading import fleet_states
from xacct_nb.storage.review_files import describe_signature_of, is_changed, write_new
from xacct_nb.storage.signatures import sign_text
from xacct_nb.storage.yaml_file import parse_mapping

TODAY = "2026-11-29"
BOB = ALICE.replace("alice", "bob")
PROVEN = GrantPast("by ada", "proof", True)


def codes(**fields: Any) -> list[str]:
    return [each.code for each in an_item(**fields).concerns]


class TestWhoIsAsked:
    def test_the_reviewer_of_everything_has_what_no_other_one_has(self) -> None:
        reviewers = {"alice": ("*",), "bob": ("reports",), "carol": ("333333333333",)}

        assert responsible(reviewers, ["reports"], ["222222222222"]) == ("bob",)
        assert responsible(reviewers, ["others"], ["333333333333"]) == ("carol",)
        assert responsible(reviewers, ["others"], ["222222222222"]) == ("alice",)

    def test_a_grant_that_nobody_has_stops_the_review(self) -> None:
        with pytest.raises(InvalidParameters, match="No reviewer has others"):
            check_reviewers({"bob": ("reports",)}, [a_subject(), a_subject("others", reviewers=())])

    def test_a_name_that_is_not_under_review_stops_it_too(self) -> None:
        with pytest.raises(InvalidParameters, match=r"'reprots'.*not under review"):
            check_reviewers({"alice": ("*", "reprots")}, [a_subject()])

    @pytest.mark.parametrize("name", ["", "../alice", "a b", "a" * 65, "<b>", ".hidden"])
    def test_a_reviewer_whose_name_names_no_file_is_refused(self, name: str) -> None:
        with pytest.raises(InvalidParameters, match="is no reviewer"):
            parse_reviewers({name: ["*"]}, ())

    @pytest.mark.parametrize("has", ["*", [], [1], {"*": ""}])
    def test_a_reviewer_without_a_list_is_refused(self, has: object) -> None:
        with pytest.raises(InvalidParameters, match="is no reviewer"):
            parse_reviewers({"alice": has}, ())

    def test_a_reviewer_whose_answers_would_need_a_signature_and_who_has_no_key_is_refused(self) -> None:
        keys = parse_approvers([f"ssh-ed25519 {KEY} ada@example.com"])

        assert parse_reviewers({"ada": ["*"]}, keys) == {"ada": ("*",)}
        with pytest.raises(InvalidParameters, match="no key of approvers is mallory's"):
            parse_reviewers({"mallory": ["*"]}, keys)


class TestWhatIsShown:
    def test_the_most_pressing_is_first(self) -> None:
        quiet = an_item("quiet", past=PROVEN, expires="2027-12-31")
        ended = an_item("ended", past=PROVEN, expires="2026-11-01")
        unproven = an_item("unproven", expires="2027-12-31")

        assert [each.key for each in in_order([quiet, unproven, ended])] == ["ended", "unproven", "quiet"]

    def test_an_end_that_is_near_is_told_from_one_that_is_past(self) -> None:
        assert "ends-soon" in codes(expires="2026-12-10")
        assert "ended" in codes(expires="2026-11-28")
        assert "no-end" in codes()

    def test_a_whole_account_and_a_missing_external_id_are_concerns(self) -> None:
        secret = {"external_id": "hunter2-hunter2"}

        assert {"wide-trust", "no-external-id"} <= {*codes(sources=["111111111111"])}
        assert "no-external-id" not in codes(conditions=secret)
        assert "no-external-id" not in codes(conditions={"organization_id": "o-a1b2c3d4e5"})

    def test_an_external_id_is_shown_as_its_fingerprint(self) -> None:
        item = an_item(conditions={"external_id": "hunter2-hunter2"})

        assert "hunter2" not in json.dumps(item.to_json()) + to_review_page(a_sheet(item))
        assert "external ID secret:" in dict(item.facts)["Conditions"]

    def test_what_could_not_be_read_and_what_differs_is_said(self) -> None:
        item = an_item(live=LiveState(("+ role reader",), ("No session is in account 2.",)))

        assert {"differs", "not-read"} <= {each.code for each in item.concerns}
        assert dict(item.facts)["Live state"] == (
            "Not read: No session is in account 2.\nDiffers: + role reader"
        )

    def test_narrow_is_not_offered_where_nothing_would_be_left(self) -> None:
        only = an_item(sources=[ALICE], permissions=[READ])

        assert only.parts == ()
        assert "cannot be narrowed" in to_review_page(a_sheet(only))

    def test_what_is_not_used_is_proposed_with_the_reason(self) -> None:
        unused = NarrowedItem("permissions.1", "s3:PutObject", "dropped", (), "unused", "Not since May.")
        part = next(
            each
            for each in an_item(live=LiveState(narrowing=Narrowing("reports", (unused,)))).parts
            if each.is_proposed
        )

        assert (part.key, part.because) == ("permissions.1 s3:PutObject", "Not since May.")

    def test_where_nothing_is_used_its_end_is_proposed_and_no_part_of_it(self) -> None:
        item = an_item(live=LiveState(narrowing=Narrowing("reports", (), ends=True)))

        assert "unused" in [each.code for each in item.concerns]
        assert [each for each in item.parts if each.is_proposed] == []

    def test_the_use_is_told_of_each_role_and_source_with_what_is_not_known(self) -> None:
        services = (ServiceUsage("s3", "2026-11-01T00:00:00Z"), ServiceUsage("sqs"))
        role = PrincipalUsage(ROLE, NOW, "2026-05-01T00:00:00Z", services)
        usage = Usage((role,), (PrincipalUsage(ALICE, unknown=("No session is there.",)),))
        lines = use_lines(usage, narrow(a_subject(sources=[ALICE]).grant, usage))

        assert lines[0].endswith("last attempts at s3 on 2026-11-01; never since 2026-05-01: sqs.")
        assert "No session is there." in lines[1]
        assert lines[-1] == "Not known: No session is there."

    def test_the_use_of_many_roles_is_told_as_one(self) -> None:
        used = (ServiceUsage("s3", "2026-11-01T00:00:00Z"), ServiceUsage("sqs"))
        roles = [
            PrincipalUsage(f"arn:aws:iam::{number}22222222222:role/reader", NOW, NOW, services)
            for number, services in enumerate([used, used[1:], used[1:], None])
        ]
        (line, *_) = use_lines(Usage(tuple(roles)), Narrowing("reports", ()))

        assert line == (
            "3 of 4 roles are known. Last attempts at s3 on 2026-11-01; never by any of them: sqs."
        )


class TestTheDigest:
    def test_it_is_of_all_that_is_shown_and_of_the_reviewer(self) -> None:
        sheet = a_sheet()
        others = [
            a_sheet(replace(sheet.items[0], access=("another sentence",))),
            replace(sheet, reviewer="bob"),
            replace(sheet, campaign="another"),
            replace(sheet, answer_by="2027-01-01T00:00:00Z"),
            replace(sheet, items=()),
        ]

        assert len({sheet.digest, *(each.digest for each in others)}) == 6
        assert sheet.digest == a_sheet().digest

    def test_it_is_the_same_from_the_record(self) -> None:
        read = RecordedReview.from_json(json.loads(json.dumps(REVIEW.to_json())))

        assert [each.digest for each in read.sheets] == [each.digest for each in REVIEW.sheets]

    def test_each_reviewer_is_asked_about_their_own_grants(self) -> None:
        items = [an_item("one", ("alice", "bob")), an_item("two", ("bob",))]
        found = sheets_of("campaign", ANSWER_BY, items)

        assert {each.reviewer: [item.key for item in each.items] for each in found} == {
            "alice": ["one"],
            "bob": ["one", "two"],
        }


def parsed(sheet: ReviewSheet, fields: dict[str, Any], now: str = NOW) -> ReviewAnswers:
    return parse_answers("alice.answers.yaml", fields, sheet, now)


def refused(sheet: ReviewSheet, fields: dict[str, Any], now: str = NOW) -> str:
    with pytest.raises(InvalidParameters) as caught:
        parsed(sheet, fields, now)
    return caught.value.code


class TestAnswers:
    def test_whole_answers_in_time_are_taken(self) -> None:
        answer = {"decision": "narrow", "drop": ["permissions.1 s3:PutObject"], "comment": "no more"}

        assert parsed(a_sheet(), answers_to(a_sheet(), reports=answer)).answers == (
            ItemAnswer("reports", NARROW, drop=("permissions.1 s3:PutObject",), comment="no more"),
        )

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"review": "0" * 64}, "review-other-digest"),
            ({"answers": {}}, "review-missing-item"),
            ({"answers": {"reports": {"decision": ""}}}, "review-missing-item"),
            ({"answers": {"reports": {"decision": "perhaps"}}}, "review-answer"),
            ({"answers": {"reports": {"decision": "keep"}, "other": {"decision": "keep"}}},
             "review-unknown-item"),
            ({"answers": {"reports": {"decision": "keep", "until": "x"}}}, "review-answer"),
            ({"answers": {"reports": {"decision": "keep", "drop": "sources"}}}, "review-answer"),
            ({"answers": {"reports": {"decision": "keep", "comment": "x" * 4001}}}, "review-answer"),
        ],
    )  # fmt: skip
    def test_what_is_no_answer_to_this_is_refused(self, change: dict[str, Any], code: str) -> None:
        assert refused(a_sheet(), answers_to(a_sheet()) | change) == code

    def test_late_answers_are_refused(self) -> None:
        assert refused(a_sheet(), answers_to(a_sheet()), "2026-12-13T12:00:01Z") == "review-late"

    @pytest.mark.parametrize(
        "answer",
        [
            {"decision": "keep", "drop": [f"sources {BOB}"]},
            {"decision": "end", "expires": "2026-12-24"},
            {"decision": "keep", "expires": "Christmas"},
            {"decision": "keep", "expires": "2026-11-28"},
            {"decision": "keep", "expires": "2027-01-01"},
            {"decision": "narrow"},
            {"decision": "narrow", "drop": ["permissions.9 s3:PutObject"]},
            {"decision": "narrow", "drop": [f"sources {ALICE}", f"sources {BOB}"]},
            {"decision": "narrow", "drop": ["permissions.0 s3:GetObject", "permissions.1 s3:PutObject"]},
        ],
    )
    def test_an_answer_that_contradicts_itself_or_widens_is_refused(self, answer: dict[str, Any]) -> None:
        sheet = a_sheet(an_item(expires="2026-12-31"))

        assert refused(sheet, answers_to(sheet, reports=answer)) == "review-answer"

    def test_some_accounts_of_a_fleet_can_only_be_kept_or_ended(self) -> None:
        sheet = a_sheet(an_item(fleet="fleet", is_whole=False))

        assert refused(sheet, answers_to(sheet, reports={"decision": "keep", "expires": "2026-12-24"}))
        assert refused(sheet, answers_to(sheet, reports={"decision": "narrow", "drop": [f"sources {BOB}"]}))
        assert parsed(sheet, answers_to(sheet, reports="end")).answers[0].decision == END

    @pytest.mark.parametrize("fields", [{}, {"review": 1, "campaign": "", "reviewer": "", "answers": {}}])
    def test_another_file_is_refused(self, fields: dict[str, Any]) -> None:
        with pytest.raises(InvalidParameters, match="is no file of answers"):
            campaign_of("grant.yaml", fields)

    def test_the_file_for_an_editor_has_everything_but_the_decisions(self) -> None:
        fields = parse_mapping(empty_answers(a_sheet()))

        assert campaign_of("alice.answers.yaml", fields) == ("campaign", "alice")
        assert refused(a_sheet(), fields) == "review-missing-item"
        assert f"# sources {BOB}" in empty_answers(a_sheet())


def said_by(reviewer: str, decision: str, **more: Any) -> ReviewAnswers:
    return ReviewAnswers(reviewer, "digest", (ItemAnswer("reports", decision, **more),))


class TestDecisions:
    def test_the_strictest_answer_counts_and_the_earliest_end(self) -> None:
        item = an_item(reviewers=("alice", "bob"))
        until = [said_by("alice", KEEP, expires="2026-12-24"), said_by("bob", KEEP, expires="2026-12-06")]

        assert decide([item], until)[0].expires == "2026-12-06"
        assert decide([item], [said_by("alice", KEEP), said_by("bob", END)])[0].decision == END

    @pytest.mark.parametrize(
        "halves",
        [
            (f"sources {ALICE}", f"sources {ALICE.replace('alice', 'bob')}"),
            ("permissions.0 s3:GetObject", "permissions.1 s3:PutObject"),
        ],
    )
    def test_what_two_reviewers_leave_of_nothing_together_ends(self, halves: tuple[str, str]) -> None:
        item = an_item(reviewers=("alice", "bob"))
        answers = [
            ReviewAnswers(who, "", (ItemAnswer("reports", NARROW, drop=(half,)),))
            for who, half in zip(item.reviewers, halves, strict=True)
        ]
        (one,) = decide([item], answers)

        assert (one.decision, one.drop) == (END, ())
        assert one.answered == ("alice: narrow", "bob: narrow")

    def test_an_end_is_never_later_than_the_end_that_the_grant_had(self) -> None:
        subject = a_subject(expires="2026-11-01")
        ended = revised_grant(subject.grant, item_of(subject, NOW), ReviewDecision("reports", END), TODAY)

        assert ended.expires == "2026-11-01"

    def test_an_end_is_past_by_the_clock_of_aws_too(self) -> None:
        assert end_day(datetime(2026, 11, 29, 0, 30, tzinfo=UTC)) == "2026-11-28"
        assert end_day(datetime(2026, 11, 29, 1, 0, tzinfo=UTC)) == "2026-11-29"

    def test_where_a_reviewer_has_not_answered_nothing_is_decided(self) -> None:
        item = an_item(reviewers=("alice", "bob"))
        (decision,) = decide([item], [said_by("alice", END)])

        assert (decision.decision, decision.missing, decision.changes) == (WAITS, ("bob",), False)

    def test_a_grant_that_is_kept_is_not_revised(self) -> None:
        (decision,) = decide([an_item()], [said_by("alice", KEEP)])

        assert not decision.changes

    def test_an_end_is_the_day_of_the_answers(self) -> None:
        subject = a_subject(expires="2027-01-01")
        ended = revised_grant(subject.grant, item_of(subject, NOW), ReviewDecision("reports", END), TODAY)

        assert ended == subject.grant.model_copy(update={"expires": TODAY})

    def test_a_smaller_grant_lacks_what_was_dropped_and_nothing_else(self) -> None:
        subject = a_subject()
        drop = (f"sources {BOB}", "permissions.1 s3:PutObject")
        decision = ReviewDecision("reports", NARROW, drop=drop)
        smaller = revised_grant(subject.grant, item_of(subject, NOW), decision, TODAY)

        assert smaller.sources == (ALICE,)
        assert [each.actions for each in smaller.permissions] == [("s3:GetObject",)]
        assert smaller.destinations == subject.grant.destinations

    def test_of_a_pattern_stays_what_is_used(self) -> None:
        used = NarrowedItem("permissions.0", "s3:*", "narrowed", ("s3:GetObject",), "used", "Some are used.")
        whole = {"actions": ["s3:*"], "resources": ["*"]}
        subject = a_subject(permissions=[whole], live=LiveState(narrowing=Narrowing("reports", (used,))))
        decision = ReviewDecision("reports", NARROW, drop=("permissions.0 s3:*",))
        smaller = revised_grant(subject.grant, item_of(subject, NOW), decision, TODAY)

        assert [each.actions for each in smaller.permissions] == [("s3:GetObject",)]


FLEET = Fleet(
    name="all",
    grants=[
        {
            "name": "readers",
            "sources": [ALICE],
            "accounts": ["222222222222", "333333333333"],
            "role": "reader",
            "permissions": [READ],
        }
    ],
)


def fleet_item(*accounts: str, is_whole: bool = False) -> Any:
    item = an_item("readers", fleet="all", is_whole=is_whole)
    return replace(item, key=accounts[0], accounts=accounts)


class TestFleets:
    def test_an_account_that_loses_a_grant_leaves_the_fleet_and_has_one_of_its_own(self) -> None:
        decided = [
            (fleet_item("222222222222"), ReviewDecision("222222222222", KEEP)),
            (fleet_item("333333333333"), ReviewDecision("333333333333", END)),
        ]
        (_, rest, _), (ending, ended, keys) = revised_fleet(FLEET, decided, TODAY)

        assert rest["grants"][0]["except_accounts"] == ["333333333333"]
        assert "expires" not in rest["grants"][0]
        assert (ending, keys) == ("-ended", ("333333333333",))
        assert ended["grants"][0]["accounts"] == ["333333333333"]
        assert ended["grants"][0]["expires"] == TODAY
        assert Fleet(**ended).grants[0].template.principals == ()

    def test_a_grant_that_ends_in_all_accounts_ends_in_the_fleet(self) -> None:
        decided = [
            (fleet_item(account), ReviewDecision(account, END))
            for account in ("222222222222", "333333333333")
        ]
        ((ending, fields, keys),) = revised_fleet(FLEET, decided, TODAY)

        assert (ending, keys) == ("", ("222222222222", "333333333333"))
        assert Fleet(**fields).grants[0].template.expires == TODAY
        assert fields["grants"][0]["accounts"] == ["222222222222", "333333333333"]

    def test_a_policy_of_each_account_is_dropped_from_all_of_them(self) -> None:
        own, aws = "arn:aws:iam::{account}:policy/own", "arn:aws:iam::aws:policy/SecurityAudit"
        fleet = Fleet(name="all", grants=[{**FLEET.to_json()["grants"][0], "managed_policies": [own, aws]}])
        grant = fleet.grants[0].in_account("222222222222")
        subject = replace(a_subject("readers"), grant=grant, accounts=("222222222222", "333333333333"))
        drop = (f"managed_policies {own.replace('{account}', '222222222222')}",)
        ((_, fields, _),) = revised_fleet(
            fleet, [(item_of(subject, NOW), ReviewDecision("readers", NARROW, drop=drop))], TODAY
        )

        assert fields["grants"][0]["managed_policies"] == [aws]

    def test_accounts_that_others_own_stay_theirs(self) -> None:
        owners = {"partner-a": ["222222222222"], "partner-b": ["333333333333"]}
        fleet = Fleet(**FLEET.to_json(), owners=owners)
        decided = [
            (fleet_item("222222222222"), ReviewDecision("222222222222", KEEP)),
            (fleet_item("333333333333"), ReviewDecision("333333333333", END)),
        ]
        (_, rest, _), (_, ended, _) = revised_fleet(fleet, decided, TODAY)

        assert Fleet(**rest).owner_of("222222222222") == "partner-a"
        assert ended["owners"] == {"partner-b": ["333333333333"]}

    def test_an_account_that_was_not_read_is_not_called_as_declared(self) -> None:
        ((_, state),) = fleet_states(FleetPlan("all", ()), "readers", ("333333333333",), LiveState())

        assert state.unread == ("The account is another owner's: what is there was not read.",)

    def test_a_fleet_of_which_everything_is_kept_is_not_written(self) -> None:
        decided = [(fleet_item("222222222222", is_whole=True), ReviewDecision("222222222222", KEEP))]

        assert list(revised_fleet(FLEET, decided, TODAY)) == []


KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
ANSWERS = b"review: x\n"


@needs_ssh_keygen
class TestSignatures:
    @pytest.fixture
    def alice(self, tmp_path: Path) -> Path:
        return a_key(tmp_path, "alice@example.com")

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "alice.answers.yaml"
        file.write_bytes(ANSWERS)
        return file

    @pytest.fixture
    def said(self, file: Path) -> Callable[..., str]:
        def describe(*keys: Path, signature: str = "", content: bytes = ANSWERS) -> str:
            if signature:
                file.with_name(f"{file.name}.sig").write_text(signature)
            approvers = parse_approvers(map(public, keys))
            return describe_signature_of(str(file), content, "alice", [approvers, ()])

        return describe

    def test_one_that_ssh_keygen_made_by_hand_is_the_reviewers(
        self, alice: Path, said: Callable[..., str]
    ) -> None:
        made = sign_text("review: x", alice, REVIEW_NAMESPACE)

        assert said(alice, signature=made) == f"signed by alice, key {fingerprint(alice)}"

    def test_without_approvers_the_key_is_named_and_not_known(
        self, alice: Path, said: Callable[..., str]
    ) -> None:
        assert said() == "not signed"
        assert "whose owner is not known" in said(signature=sign_text("review: x", alice, REVIEW_NAMESPACE))

    def test_answers_that_are_not_signed_are_refused_where_there_are_approvers(
        self, alice: Path, said: Callable[..., str]
    ) -> None:
        with pytest.raises(InvalidParameters, match="are not signed"):
            said(alice)

    @pytest.mark.parametrize("known", [True, False])
    def test_one_of_another_file_is_refused(self, alice: Path, said: Callable[..., str], known: bool) -> None:
        made = sign_text("review: x", alice, REVIEW_NAMESPACE)

        with pytest.raises(InvalidParameters, match="is not valid"):
            said(*[alice] * known, signature=made, content=b"review: y\n")

    def test_one_for_another_purpose_is_refused(self, alice: Path, said: Callable[..., str]) -> None:
        with pytest.raises(InvalidParameters, match="made for 'xacct-nb-approval'"):
            said(alice, signature=sign_text("review: x", alice, "xacct-nb-approval"))

    def test_one_by_somebody_elses_key_is_refused(
        self, alice: Path, said: Callable[..., str], tmp_path: Path
    ) -> None:
        bob = a_key(tmp_path, "bob")
        made = sign_text("review: x", bob, REVIEW_NAMESPACE)

        with pytest.raises(InvalidParameters, match="is none of the approvers"):
            said(alice, signature=made)
        with pytest.raises(InvalidParameters, match=r"is bob's, and these are the answers of alice"):
            said(alice, bob, signature=made)

    def test_what_is_no_signature_is_refused(self, alice: Path, said: Callable[..., str]) -> None:
        with pytest.raises(InvalidParameters, match="is not valid"):
            said(alice, signature="-----BEGIN SSH SIGNATURE-----\n")


class TestFiles:
    def test_no_file_is_written_over_a_changed_one(self, tmp_path: Path) -> None:
        file = write_new(tmp_path / "alice.html", "page")

        assert write_new(file, "page") == file
        with pytest.raises(Exception, match="cannot be written"):
            write_new(file, "another page")
        assert file.read_text() == "page"

    def test_a_page_that_was_changed_is_found(self, tmp_path: Path) -> None:
        file = write_new(tmp_path / "alice.html", "page")

        assert is_changed(file, "0" * 64)
        assert not is_changed(tmp_path / "none.html", "0" * 64)


class TestThePage:
    @pytest.mark.parametrize(
        "words", ["<script>alert(1)</script>", "</script><h1>forged</h1>", '" onload="x']
    )
    def test_whatever_a_grant_says_stands_there_as_text(self, words: str) -> None:
        item = replace(an_item(), access=(words,), facts=((words, words),), origin=words, key=words)
        page = to_review_page(a_sheet(item))

        assert words not in page
        assert unescape(page).count(words) >= 4
        assert page.count("<script") == 2

    def test_it_lets_nothing_in_but_its_own_script_and_style(self) -> None:
        page = unescape(to_review_page(a_sheet()))

        assert "default-src 'none'" in page
        assert "'unsafe-inline'" not in page
        assert "http://" not in page
        assert "https://" not in page
