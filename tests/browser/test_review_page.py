"""A review of access in a real browser: a page filled in, signed, planned, and the access ended by it."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from support.browser_page import cut_off, press, serious, tab_to
from support.desk import Desk
from support.in_process_sandbox import in_process_sandbox
from support.review_values import a_sheet, an_item
from support.ssh_keys import a_key, needs_ssh_keygen, public
from xacct_nb.changes.narrowing import NarrowedItem, Narrowing
from xacct_nb.jupyter.review_page import to_review_page
from xacct_nb.records.model import Record
from xacct_nb.records.review.recorded import RecordedReview
from xacct_nb.records.review.subject import LiveState

sandbox = in_process_sandbox
pytestmark = [pytest.mark.browser, needs_ssh_keygen]

SAVE = "Save my answers"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a reviewer with two grants; of one, AWS reports what is used."""
    unused = NarrowedItem("permissions.1", "s3:PutObject", "dropped", (), "unused", "No attempt since May.")
    known = LiveState(narrowing=Narrowing("readers", (unused,)))
    sheet = a_sheet(an_item("readers", live=known, expires="2027-12-31"), an_item("vendor"))
    file = tmp_path_factory.mktemp("review") / "alice.html"
    file.write_text(to_review_page(sheet), encoding="utf-8")
    return file


@pytest.fixture
def opened(file: Path, page: Page) -> Page:
    asked = list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    expect(page.locator("#count")).to_have_text("0 of 2 decided")
    assert asked == [file.as_uri()]
    return page


def saved(page: Page, folder: Path) -> Path:
    """Save the answers, and return the file that the browser made."""
    with page.expect_download() as download:
        page.get_by_role("button", name=SAVE).click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


def test_nothing_is_saved_before_everything_is_decided(opened: Page) -> None:
    opened.get_by_role("button", name=SAVE).click()

    expect(opened.get_by_role("alert")).to_contain_text("vendor has no decision yet")
    expect(opened.get_by_label("Keep").first).to_be_focused()
    assert not opened.locator("#saved").is_visible()


def test_a_smaller_grant_begins_with_what_is_not_used(opened: Page, tmp_path: Path) -> None:
    opened.get_by_label("Narrow").first.check()
    opened.get_by_label("Comment").first.fill('said "yes": # no \x7f \u2028 end')
    opened.get_by_label("End", exact=True).nth(1).check()
    answers = yaml.safe_load(saved(opened, tmp_path).read_text())["answers"]

    assert answers["readers"] == {
        "decision": "narrow",
        "expires": "",
        "drop": ["permissions.1 s3:PutObject"],
        "comment": 'said "yes": # no \x7f \u2028 end',
    }
    assert answers["vendor"]["decision"] == "end"


def test_an_end_date_can_only_be_earlier(opened: Page, tmp_path: Path) -> None:
    opened.get_by_label("Keep").nth(1).check()
    opened.get_by_label("Keep").first.check()
    opened.get_by_label("Ends already on").first.fill("2028-01-01")
    opened.get_by_role("button", name=SAVE).click()
    expect(opened.get_by_role("alert")).to_contain_text("not earlier than its own")
    opened.get_by_label("Ends already on").first.fill("2027-06-30")
    answers = yaml.safe_load(saved(opened, tmp_path).read_text())["answers"]

    assert answers["readers"]["expires"] == "2027-06-30"


def test_the_keyboard_is_enough(opened: Page, tmp_path: Path) -> None:
    tab_to(opened, opened.get_by_label("Keep").first)
    press(opened, "Space", "ArrowRight", "ArrowRight")
    tab_to(opened, opened.get_by_label("Keep").nth(1))
    press(opened, "Space")
    tab_to(opened, opened.get_by_role("button", name=SAVE))
    with opened.expect_download() as download:
        press(opened, "Enter")
    answers = yaml.safe_load(Path(download.value.path()).read_text())["answers"]

    assert [each["decision"] for each in answers.values()] == ["end", "keep"]
    expect(opened.get_by_role("heading", name="What is next")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 500])
def test_it_is_readable_and_fits(opened: Page, scheme: str, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    opened.get_by_label("Narrow").first.check()

    assert serious(opened) == []
    assert cut_off(opened, "body, section, fieldset, dl") == []


def test_without_its_script_it_can_be_read(file: Path, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())

    assert "alice.answers.yaml" in page.locator("noscript").inner_text()
    assert page.get_by_text("No attempt since May.").is_visible()
    assert not page.get_by_role("button", name=SAVE).is_visible()
    context.close()


@pytest.fixture
def desk(desk: Desk) -> Desk:
    return replace(desk, in_process=True)


def review_of(record: Record) -> RecordedReview:
    assert record.review
    return RecordedReview.from_json(record.review)


def test_what_a_reviewer_ends_is_gone_once_its_plan_is_approved(
    desk: Desk, page: Page, tmp_path: Path
) -> None:
    profiles = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
    file, alice = tmp_path / "grant.yaml", a_key(tmp_path, "alice@example.com")
    file.write_text(yaml.safe_dump(desk.grant().to_json()))
    desk.applied()
    asked = desk.run(
        "review_access", review=[str(file)], reviewers={"alice": ["*"]}, approvers=[public(alice)], **profiles
    ).record
    page.goto((tmp_path / "review" / asked.id / "alice.html").as_uri())
    page.get_by_label("End", exact=True).check()
    answers = saved(page, tmp_path)
    words = ["ssh-keygen", "-Y", "sign", "-n", "xacct-nb-review", "-f", str(alice), str(answers)]
    subprocess.run(words, check=True, capture_output=True)
    decided = desk.run("review_access", answers=[str(answers)], **profiles).record
    (revised,) = review_of(decided).plans
    fields = yaml.safe_load(Path(revised.file).read_text())
    assert revised.plan
    ended = desk.run(**{**profiles, **fields, "approve": revised.plan.digest}).record

    assert [each.status for each in (asked, decided)] == ["succeeded", "succeeded"]
    assert review_of(decided).answers[0].signed.startswith("signed by alice, key SHA256:")
    assert f"--approve {revised.plan.digest}" in revised.command
    assert {each.sign for each in revised.plan.changes} == {"-"}
    assert ended.status == "succeeded", ended.error
    assert desk.state() == []
    assert desk.is_whole()
