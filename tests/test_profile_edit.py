"""The profile of a grant in the user's AWS config: all else stays to the byte, and it can be taken back."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as some

from support.examples import ROLE, a_grant, applied, endpoint_of, grant_in, sessions_in
from xacct_nb.cli.main import main
from xacct_nb.errors import InvalidGrant, InvalidInput, InvalidParameters, MissingProfile, StalePlan
from xacct_nb.grants.grant import Grant, resolve
from xacct_nb.runs.profile_edits import ProfileEdit, profile_edit, undo_edit
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.storage import config_text
from xacct_nb.storage.config_files import read_config
from xacct_nb.storage.profile_text import check_rest

HUB = "arn:aws:iam::111111111111:role/hub"
SECRET = "an-external-ID:of/the.owner"
KEYS = "[me]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = not-a-real-key\n"
NEW = f"[profile reports]\nrole_arn = {ROLE}\nsource_profile = me\nregion = us-east-1\n"
ODD_FILES = {
    "none at all": None,
    "empty": b"",
    "no final newline": b"[default]\nregion = eu-west-1",
    "two line ends at the end": b"[default]\nregion = eu-west-1\n\n",
    "CRLF": b"[default]\r\nregion = eu-west-1\r\n# mine\r\n",
    "CR": b"[default]\rregion = eu-west-1\r",
    "mixed ends": b"[default]\r\nregion = eu-west-1\n; mine\r\noutput=json",
    "comments and odd spaces": b"# top\n\n[profile x]   ; tail\n  region=eu-west-1  \n\toutput : text\n# end",
    "nested settings": b"[profile x]\ns3 =\n    max_queue_size = 100\n    addressing_style = path\n",
    "a byte order mark": b"\xef\xbb\xbf[default]\nregion = eu-west-1\n",
    "sections twice": b"[profile x]\nregion = eu-west-1\n[profile x]\noutput = json\n",
    "a setting twice": b"[profile x]\nregion = eu-west-1\nregion = eu-west-2\n",
    "bytes that are no UTF-8": b"[default]\n# M\xfcller\nregion = eu-west-1\n",
    "other kinds of sections": b"[sso-session corp]\nsso_region = eu-west-1\n[plugins]\nx = y\n[mine]\n",
    "an empty line with spaces at the end": b"[default]\nregion = eu-west-1\n   ",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with keys of the profile `me`; no AWS config yet."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(KEYS)
    return tmp_path


def the_edit(grant: Grant | None = None, **options: Any) -> ProfileEdit:
    return profile_edit(grant or a_grant(), **{"source_profile": "me", **options})


def config_of(home: Path, content: bytes | None = b"") -> Path:
    path = home / ".aws" / "config"
    if content is not None:
        path.write_bytes(content)
    return path


def with_secret(**fields: Any) -> Grant:
    """A grant whose external ID was given by reference."""
    grant = a_grant(conditions={"external_id": "env:VENDOR_EXTERNAL_ID"}, **fields)
    return resolve(grant, lambda reference: SECRET)


@pytest.mark.parametrize("content", ODD_FILES.values(), ids=ODD_FILES)
def test_all_else_stays_to_the_byte_and_comes_back_to_the_byte(home: Path, content: bytes | None) -> None:
    path = config_of(home, content)

    written = the_edit().write()
    after = path.read_bytes()
    again = the_edit()
    written.undo()
    back = path.read_bytes() if path.exists() else None

    assert after.startswith(content or b"")
    assert config_text.find_profiles(after, "reports")[0].values["role_arn"] == ROLE
    assert not again.is_needed
    assert back == content
    assert list(path.parent.glob("config.*")) == []


@pytest.mark.parametrize("content", ODD_FILES.values(), ids=ODD_FILES)
def test_the_newest_write_can_be_taken_back_later(home: Path, content: bytes | None) -> None:
    path = config_of(home, content)
    the_edit().write()

    undo_edit(a_grant())

    assert (path.read_bytes() if path.exists() else None) == content


def test_a_new_file_has_the_section_and_is_its_owners_alone(home: Path) -> None:
    the_edit().write()
    path = config_of(home, None)

    assert path.read_text() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_and_the_mode_stay_and_the_backup_has_the_old_file(home: Path) -> None:
    real = home / "dotfiles" / "aws-config"
    real.parent.mkdir()
    real.write_text("[default]\nregion = eu-west-1\n")
    real.chmod(0o640)
    (home / ".aws" / "config").symlink_to(Path("..") / "dotfiles" / "aws-config")

    done = the_edit().write()

    assert (home / ".aws" / "config").is_symlink()
    assert real.read_text() == f"[default]\nregion = eu-west-1\n\n{NEW}"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert done.backup is not None
    assert done.backup.parent == real.parent
    assert done.backup.read_text() == "[default]\nregion = eu-west-1\n"


def test_a_section_of_ones_own_is_edited_in_place(home: Path) -> None:
    before = (
        f"[profile reports]\n  # my own\n  ROLE_ARN : {ROLE}\n  source_profile=\n    other\n"
        "  region = eu-central-1\n  duration_seconds = 43200\n  s3 =\n    addressing_style = path\n\n"
        "# about the next\n[profile next]\noutput = json\n"
    )
    path = config_of(home, before.encode())

    the_edit().write()

    assert path.read_text() == before.replace("source_profile=\n    other", "source_profile= me").replace(
        "43200", "3600"
    )
    undo_edit(a_grant())
    assert path.read_text() == before


def test_what_is_missing_in_a_section_is_added_as_deep_as_its_last_setting(home: Path) -> None:
    before = f"[profile reports]\n    role_arn = {ROLE}\n    output = json\n# next\n[profile next]\n"
    path = config_of(home, before.encode())

    the_edit().write()

    assert "    output = json\n    source_profile = me\n    region = us-east-1\n# next\n" in path.read_text()


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ("[profile reports]\nsso_session = corp\n", "It has sso_session"),
        ("[profile reports]\ncredential_process = /bin/x\n", "It has credential_process"),
        (f"[profile reports]\nrole_arn = {HUB}\nsource_profile = me\n", f"It assumes another role: {HUB}"),
        ('[profile reports]\n[profile "reports"]\n', "It is in the lines 1 and 2"),
    ],
)
def test_a_profile_that_does_something_else_is_not_touched(home: Path, section: str, why: str) -> None:
    path = config_of(home, section.encode())

    with pytest.raises(InvalidInput, match="The profile 'reports' exists already") as raised:
        the_edit()

    assert why in raised.value.why
    assert path.read_text() == section
    assert the_edit(name="reports-2").sections[0].name == "reports-2"


def test_a_profile_with_keys_in_the_credentials_file_is_not_touched(home: Path) -> None:
    (home / ".aws" / "credentials").write_text(KEYS + KEYS.replace("[me]", "[reports]"))

    with pytest.raises(InvalidInput, match="exists already"):
        the_edit()


def test_a_file_that_nobody_can_read_is_not_touched(home: Path) -> None:
    path = config_of(home, b"[default]\nregion = eu-west-1\nthis is no setting\n")

    with pytest.raises(InvalidInput, match="cannot be edited") as raised:
        the_edit()

    assert "line 3" in raised.value.why
    assert path.read_bytes().endswith(b"no setting\n")


def test_a_source_profile_in_a_file_that_cannot_be_read_is_said_to_be_there(home: Path) -> None:
    config_of(home, b"\xef\xbb\xbf[profile corp]\nsso_session = s\n")

    with pytest.raises(MissingProfile) as raised:
        the_edit(source_profile="corp")

    assert "config cannot be read: line 1" in raised.value.why


def test_a_text_that_changes_another_profile_is_not_written(home: Path) -> None:
    path = config_of(home, b"[profile x]\nregion = eu-west-1\n")
    edit = the_edit()
    spoilt = edit.after.replace(b"eu-west-1\n", b"eu-west-1\n  more\n")

    check_rest(read_config(str(path)), edit.after, edit.sections)
    with pytest.raises(InvalidInput, match="without another profile changing its meaning"):
        check_rest(read_config(str(path)), spoilt, edit.sections)


def test_what_boto3_refuses_in_the_file_is_said(home: Path) -> None:
    config_of(home, ODD_FILES["sections twice"])
    twice = str(the_edit())
    config_of(home, ODD_FILES["a byte order mark"])
    marked = str(the_edit())

    assert "cannot read this file: line 3 repeats the section 'profile x'" in twice
    assert "cannot read this file: it begins with a byte order mark (BOM)" in marked


def test_a_file_that_was_changed_since_the_difference_is_not_written(home: Path) -> None:
    path = config_of(home, b"[default]\n")
    edit = the_edit()
    path.write_bytes(b"[default]\nregion = eu-west-1\n")

    with pytest.raises(StalePlan, match="was changed since"):
        edit.write()

    assert path.read_bytes() == b"[default]\nregion = eu-west-1\n"


def test_what_others_added_since_stays_when_the_profile_is_taken_back(home: Path) -> None:
    path = config_of(home, b"[default]\nregion = eu-west-1")
    the_edit().write()
    path.write_bytes(path.read_bytes() + b"\n[profile later]\noutput = json\n")

    undo_edit(a_grant())

    assert path.read_bytes() == b"[default]\nregion = eu-west-1\n\n\n[profile later]\noutput = json\n"


def test_a_profile_that_was_changed_by_hand_since_is_not_taken_back(home: Path) -> None:
    path = config_of(home, None)
    the_edit().write()
    path.write_text(path.read_text() + "output = json\n")

    with pytest.raises(InvalidInput, match="was changed by hand"):
        undo_edit(a_grant())
    with pytest.raises(InvalidInput, match="has no profile 'another'"):
        undo_edit(a_grant(), name="another")


def test_an_external_id_is_written_only_if_it_was_given_by_reference_and_asked_for(home: Path) -> None:
    path = config_of(home, b"[default]\n")
    path.chmod(0o644)
    given_itself = a_grant(conditions={"external_id": SECRET})

    plain, full = the_edit(with_secret()), the_edit(with_secret(), with_external_ids=True)
    shown = f"{full!r}{full._repr_html_()}{full.to_json()}{plain!r}"
    with pytest.raises(InvalidGrant, match="cannot be written into a profile") as raised:
        the_edit(given_itself, with_external_ids=True)
    full.write()

    assert SECRET.encode() not in plain.after
    assert "# external_id = the external ID that the role's owner gave you" in plain.after.decode()
    assert f"external_id = {SECRET}\n" in path.read_text()
    assert SECRET not in shown + str(raised.value) + str(full.sections)
    assert "external_id = secret:" in shown
    assert "Other users of this machine can read the external ID there" in shown


def test_each_hop_has_a_section_and_an_external_id_of_its_own(home: Path) -> None:
    first = a_grant(name="relay", destinations=[HUB], permissions=[], conditions={"external_id": "env:FIRST"})
    first = resolve(first, lambda reference: "first-external-id")
    second = with_secret(sources=[HUB], session_minutes=240)
    edit = the_edit(second, through=[first], with_external_ids=True)

    assert edit.after.decode() == (
        f"[profile reports-hub]\nrole_arn = {HUB}\nsource_profile = me\nregion = us-east-1\n"
        "external_id = first-external-id\n\n"
        f"[profile reports]\nrole_arn = {ROLE}\nsource_profile = reports-hub\nregion = us-east-1\n"
        f"external_id = {SECRET}\n# A session lasts 1 hour, not the 4 hours that the grant allows. "
        "A session of a role assumes it (role chaining), and AWS refuses more than an hour then.\n"
    )
    edit.write()
    undo_edit(second, through=[first])
    assert not config_of(home, None).exists()


LONG_LIVED = "[me]\naws_access_key_id = A\naws_secret_access_key = B\n"
TEMPORARY = f"{LONG_LIVED}aws_session_token = C\n"
ANYBODY, A_USER, A_ROLE = "111111111111", "arn:aws:iam::111111111111:user/alice", HUB


@pytest.mark.parametrize(
    ("profile", "source", "seconds"),
    [
        (LONG_LIVED, ANYBODY, 14_400),
        (LONG_LIVED, A_USER, 14_400),
        (TEMPORARY, A_USER, 14_400),
        (TEMPORARY, ANYBODY, 3_600),
        (TEMPORARY, A_ROLE, 3_600),
        ("[profile me]\nsso_session = corp\n", ANYBODY, 3_600),
        (f"[profile me]\nrole_arn = {HUB}\nsource_profile = other\n", A_ROLE, 3_600),
        ("[profile me]\ncredential_source = Ec2InstanceMetadata\n", A_ROLE, 3_600),
        ("[profile me]\ncredential_process = /bin/get\n", ANYBODY, 3_600),
    ],
)
def test_the_length_that_really_results_is_said_before_it_is_written(
    home: Path, profile: str, source: str, seconds: int
) -> None:
    is_config = profile.startswith("[profile")
    (home / ".aws" / ("config" if is_config else "credentials")).write_text(profile)
    edit = the_edit(a_grant(session_minutes=240, sources=[source]))
    written = edit.sections[0].settings.get("duration_seconds", "3600")

    assert (edit.sections[0].length.seconds, written) == (seconds, str(seconds))
    assert ("not the 4 hours that the grant allows" in str(edit)) is (seconds == 3_600)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"name": "default"}, InvalidInput),
        ({"name": "a] b"}, InvalidInput),
        ({"region": "eu-west-1\nrole_arn = x"}, InvalidParameters),
        ({"mfa_serial": " x"}, InvalidParameters),
        ({"mfa_serial": "nonsense"}, InvalidParameters),
        ({"region": "us east"}, InvalidParameters),
        ({"region": "../.."}, InvalidParameters),
        ({"region": "x\nrole_arn=y"}, InvalidParameters),
        ({"source_profile": "nobody"}, MissingProfile),
        ({"role": HUB}, InvalidGrant),
        ({"config_file": "/dev/null"}, InvalidInput),
    ],
)
def test_what_would_spoil_the_file_is_refused(home: Path, options: dict[str, str], error: type) -> None:
    path = config_of(home, b"[default]\n")

    with pytest.raises(error):
        the_edit(**options)

    assert path.read_bytes() == b"[default]\n"


LINES = some.sampled_from((
    "[default]", "[profile x]", "[profile y] ; z", "[sso-session s]", "region = eu-west-1", "output=json",
    "", "  ", "# note", "; note", "s3 =", "  addressing_style = path", "\tmore",
    "role_arn: arn:x", "[profile 'q r']",
))  # fmt: skip


@given(
    lines=some.lists(LINES, max_size=12), end=some.sampled_from(("\n", "\r\n", "\r")), closed=some.booleans()
)
def test_whatever_is_in_the_file_stays_when_a_profile_is_added_and_removed(
    lines: list[str], end: str, closed: bool
) -> None:
    content = (end.join(lines) + end * closed).encode()
    added = config_text.with_profile(content, "new", {"role_arn": ROLE}, ("# a comment",))
    again = config_text.with_profile(added, "new", {"role_arn": ROLE}, ("# a comment",))
    (found,) = config_text.find_profiles(added, "new")

    assert added.startswith(content)
    assert again == added
    assert found.values == {"role_arn": ROLE}
    assert config_text.without_profile(added, "new", ("# a comment",)).rstrip() == content.rstrip()


def test_an_endpoint_of_the_source_profile_is_that_of_the_new_one(home: Path) -> None:
    config_of(home, b"[profile me]\nendpoint_url = http://127.0.0.1:9\n")

    assert the_edit().sections[0].settings["endpoint_url"] == "http://127.0.0.1:9"


def test_the_aws_command_and_boto3_use_the_profiles_that_were_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = grant_in(
        world,
        name="relay",
        destinations=[f"arn:aws:iam::{world.source}:role/relay"],
        permissions=[],
        conditions={"external_id": "first-external-id"},
    )
    applied(relay, sessions_in(world, relay, destination_admin="source-admin"))
    reader = grant_in(world, sources=relay.destinations, conditions={"external_id": "env:READER_ID"})
    reader = resolve(reader, lambda reference: SECRET)
    applied(reader, sessions_in(world, reader, callers=()))
    relay._reference = "env:RELAY_ID"
    options: dict[str, Any] = {"source_profile": "alice", "through": [relay], "with_external_ids": True}
    profile_edit(reader, **options, endpoint=endpoint_of(world)).write()

    monkeypatch.setenv("AWS_CONFIG_FILE", str(world.config_file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(world.credentials_file))
    s3 = boto3.Session(profile_name="reports").client("s3")
    command = [str(Path(sys.executable).parent / "aws"), "sts", "get-caller-identity", "--profile", "reports"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)

    assert s3.get_object(Bucket=world.bucket, Key="2026/summary.csv")["ContentLength"] > 0
    assert ":assumed-role/reports-reader/" in said.stdout, said.stderr


@pytest.fixture
def files(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a grant file whose external ID is in a variable."""
    fields = a_grant().to_json() | {"conditions": {"external_id": "env:VENDOR_EXTERNAL_ID"}}
    (home / "grant.json").write_text(json.dumps(fields))
    monkeypatch.setenv("VENDOR_EXTERNAL_ID", SECRET)
    monkeypatch.chdir(home)
    return home


def ran(*words: str) -> Result:
    return CliRunner().invoke(main, ["profile", *words, "-f", "grant.json"])


def test_the_command_shows_asks_writes_and_takes_back(files: Path) -> None:
    path = config_of(files, b"[default]\nregion = eu-west-1")
    shown = ran("show", "--source-profile", "me")
    asked = ran("write", "--source-profile", "me")
    untouched = path.read_bytes()
    full = ("--source-profile", "me", "--with-external-id", "--allow-reference", "env:VENDOR_EXTERNAL_ID")
    written = ran("write", *full, "--yes")
    again = ran("write", *full, "--json")
    content = path.read_text()
    undone = ran("undo")

    assert [each.exit_code for each in (shown, asked, written, again, undone)] == [0, 2, 0, 0, 0]
    assert "+role_arn = " in shown.stdout
    assert "there is nobody to ask" in asked.stderr
    assert untouched == b"[default]\nregion = eu-west-1"
    assert f"external_id = {SECRET}\n" in content
    assert "aws sts get-caller-identity --profile reports" in written.stdout
    assert "+role_arn = " in written.stderr
    assert json.loads(again.stdout)["changed"] is False
    assert SECRET not in "".join(each.output for each in (shown, asked, written, again, undone))
    assert path.read_bytes() == untouched


def test_a_reference_that_was_not_allowed_is_not_looked_up(files: Path) -> None:
    result = ran("show", "--source-profile", "me", "--with-external-id")

    assert result.exit_code == 2
    assert "refused-reference" in result.stderr
