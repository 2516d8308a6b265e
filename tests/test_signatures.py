"""The ledger signed with a real SSH key, and every way in which the signature stops matching."""

import shutil
import subprocess
from pathlib import Path

import pytest

from support.ssh_keys import a_key, needs_ssh_keygen
from xacct_nb.errors import InvalidKey, MissingTool, UnknownRecord
from xacct_nb.records.model import Record
from xacct_nb.runs.ledger import verify_ledger
from xacct_nb.storage.ledger import LEDGER, append_record
from xacct_nb.storage.signatures import check_signatures, sign

pytestmark = needs_ssh_keygen


def recorded(records: Path, *names: str) -> None:
    for name in names:
        append_record(records, Record(name, "mine", "succeeded", "", "", 0.0), {})


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Two records, of which the ledger's line of the second is signed by ada."""
    recorded(tmp_path / "records", "first", "second")
    sign(tmp_path / "records", a_key(tmp_path, "ada"))
    return tmp_path / "records"


@pytest.fixture
def signers(tmp_path: Path, records: Path) -> Path:
    """A file that allows ada."""
    path = tmp_path / "allowed_signers"
    path.write_text(f"ada@example.com {(tmp_path / 'ada.pub').read_text()}")
    return path


def test_a_signed_ledger_says_by_whom_and_up_to_where(records: Path, signers: Path) -> None:
    recorded(records, "third")
    found = verify_ledger(records, signers)

    assert found.broken == ()
    assert found.signed == ("Lines 1 to 2 of 3 (second): signed by ada@example.com",)


def test_without_a_file_of_signers_it_says_that_the_signatures_were_not_checked(records: Path) -> None:
    assert verify_ledger(records).signed == (
        "Lines 1 to 2 of 2 (second): signed; name the signers with --signers",
    )


def test_the_signature_is_one_that_ssh_keygen_itself_verifies(records: Path, signers: Path) -> None:
    line = (records / LEDGER).read_bytes().split(b"\n")[1] + b"\n"
    about = ["-n", "xacct-nb-ledger", "-I", "ada@example.com", "-f", signers, "-s", records / "second.sig"]
    done = subprocess.run(["ssh-keygen", "-Y", "verify", *about], input=line, check=False)

    assert done.returncode == 0


def test_a_ledger_that_was_rewritten_does_not_match(records: Path, signers: Path) -> None:
    """All hashes match, but only the owner of the key can make the signature."""
    signature = (records / "second.sig").read_bytes()
    shutil.rmtree(records)
    recorded(records, "first", "another", "second")
    (records / "second.sig").write_bytes(signature)

    assert verify_ledger(records, signers).broken == (
        f"second.sig: does not match line 3 of {LEDGER}",
        f"{LEDGER}: no line of it is signed by one of the signers",
    )


def test_a_removed_end_with_its_folder_is_found_by_its_signature(records: Path) -> None:
    shutil.rmtree(records / "second")
    path = records / LEDGER
    path.write_text(path.read_text().split("\n")[0] + "\n")

    assert verify_ledger(records).broken == (f"second.sig: the line that it signs is not in {LEDGER}",)


def test_a_removed_end_is_also_found_by_its_noted_hash(records: Path) -> None:
    noted = verify_ledger(records).last
    recorded(records, "third")
    with_more = verify_ledger(records, expected=noted).broken
    other = verify_ledger(records, expected="0" * 64).broken

    assert with_more == ()
    assert other == (f"{LEDGER}: has no line of the hash {'0' * 64}: it was removed, or written anew",)


def test_another_persons_key_is_not_accepted(records: Path, signers: Path, tmp_path: Path) -> None:
    sign(records, a_key(tmp_path, "mallory"))

    assert verify_ledger(records, signers).broken[0] == "second.sig: is by none of the allowed signers"


def test_a_signature_made_for_another_purpose_is_not_accepted(
    records: Path, signers: Path, tmp_path: Path
) -> None:
    line = (records / LEDGER).read_bytes().split(b"\n")[1] + b"\n"
    about = ["-n", "file", "-f", tmp_path / "ada"]
    done = subprocess.run(["ssh-keygen", "-Y", "sign", *about], input=line, capture_output=True, check=True)
    (records / "second.sig").write_bytes(done.stdout)

    assert verify_ledger(records, signers).broken[0] == f"second.sig: does not match line 2 of {LEDGER}"


def test_an_unsigned_ledger_is_reported_where_a_signature_is_required(records: Path, signers: Path) -> None:
    (records / "second.sig").unlink()

    assert verify_ledger(records, signers).broken == (
        f"{LEDGER}: no line of it is signed by one of the signers",
    )


def test_a_broken_or_empty_ledger_is_not_signed(records: Path, tmp_path: Path) -> None:
    path = records / LEDGER
    path.write_text(path.read_text().replace("first", "First"))
    (tmp_path / "empty").mkdir()

    with pytest.raises(UnknownRecord, match="cannot be signed"):
        sign(records, tmp_path / "ada")
    with pytest.raises(UnknownRecord, match="cannot be signed"):
        sign(tmp_path / "empty", tmp_path / "ada")


def test_an_invalid_key_and_an_invalid_file_of_signers_are_named(records: Path, tmp_path: Path) -> None:
    (tmp_path / "nonsense").write_text("nonsense")

    with pytest.raises(InvalidKey, match="Nothing was signed with the key"):
        sign(records, tmp_path / "nonsense")
    with pytest.raises(InvalidKey, match="There is no file of signers"):
        list(check_signatures(records, tmp_path / "nobody"))


def test_without_ssh_keygen_one_message_says_what_to_install(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(MissingTool) as missing:
        sign(records, tmp_path / "ada")
    assert missing.value.hint == "Install OpenSSH's client (on Debian: apt install openssh-client)."
