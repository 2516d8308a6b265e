"""The MFA devices of a sheet: each code once, and neither a code nor a seed is shown anywhere."""

import json
from pathlib import Path

import pytest

from support.workshop import checked, opened
from xacct_nb.errors import InvalidInput
from xacct_nb.views import text
from xacct_nb.workshop import mfa_device
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.sheets import sheet_named
from xacct_nb.workshop.verdict import CORRECT, NOT_YET


@pytest.fixture
def sheet(tmp_path: Path) -> OpenSheet:
    return opened(sheet_named("mfa"), tmp_path)


def test_the_device_gives_each_code_once_and_then_says_when_there_is_a_new_one(sheet: OpenSheet) -> None:
    codes = list[str]()
    with pytest.raises(InvalidInput, match="no new code just now") as refused:
        codes.extend(sheet.mfa_code("alice") for _ in range(10))

    assert "30 seconds" in str(refused.value)


def test_the_codes_of_a_device_differ(sheet: OpenSheet) -> None:
    codes = [sheet.mfa_code("alice") for _ in range(3)]

    assert len(set(codes)) == 3


def test_a_notebook_that_shows_a_code_shows_no_digit(sheet: OpenSheet) -> None:
    assert not any(letter.isdigit() for letter in repr(sheet.mfa_code("alice")))


def test_who_has_no_device_is_told_who_has_one(sheet: OpenSheet) -> None:
    with pytest.raises(InvalidInput, match="alice"):
        sheet.mfa_code("mallory")


def test_checks_show_and_keep_neither_codes_nor_seeds_and_leave_no_device(
    sheet: OpenSheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets, code_of = set[str](), mfa_device.code_of

    def noting(seed: str, step: int) -> str:
        code = code_of(seed, step)
        secrets.update((seed, code))
        return code

    monkeypatch.setattr(mfa_device, "code_of", noting)
    verdicts = [
        checked(sheet, exercise, code)
        for exercise in sheet.sheet.exercises
        for code in filter(None, (exercise.wrong.code, exercise.too_wide, exercise.solution))
    ]

    shown = [text(each.view()) + json.dumps(each.to_json()) + repr(each) for each in verdicts]
    kept = [
        path.read_text() for path in sheet.folder.iterdir() if path.name not in ("mfa.json", "credentials")
    ]
    assert {each.outcome for each in verdicts} == {CORRECT, NOT_YET}
    assert len(secrets) > 20
    assert [secret for secret in secrets if any(secret in place.split('"') for place in shown + kept)] == []
    assert [secret for secret in secrets if len(secret) > 6 and secret in "".join(shown + kept)] == []
    devices = sheet.world.admin("source", "iam").list_virtual_mfa_devices()["VirtualMFADevices"]
    assert [device["SerialNumber"] for device in devices] == [sheet.mfa_serial("alice")]


def test_the_file_of_the_devices_is_for_its_owner_alone(sheet: OpenSheet) -> None:
    assert (sheet.folder / "mfa.json").stat().st_mode & 0o777 == 0o600


def test_each_way_is_asked_also_the_one_that_begins_with_a_session(sheet: OpenSheet) -> None:
    verdict = sheet.check("ways_in", ["code"])

    assert verdict.outcome == NOT_YET
    assert [each.answered for each in verdict.asked] == ["allowed", "allowed", "AccessDenied"]


def test_a_principal_that_is_too_wide_is_named_also_where_a_code_was_given(sheet: OpenSheet) -> None:
    exercise = sheet.sheet.by_name["require_mfa"]

    verdict = checked(sheet, exercise, exercise.too_wide)

    assert sheet.source in " ".join(verdict.points_to)


def test_a_prediction_is_compared_with_what_aws_answers(sheet: OpenSheet) -> None:
    verdict = sheet.check("who_gets_in", ["code"])

    assert verdict.text.startswith("You say that this fails, and AWS allows it: alice assumes")
    assert [each.expected for each in verdict.asked] == [
        "denied, you say",
        "allowed, you say",
        "denied, you say",
    ]
