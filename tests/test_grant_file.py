"""Grant files as people write them, and the references to secrets in them."""

import os
from pathlib import Path
from threading import Thread

import pytest

from support.examples import READ, a_grant
from support.hostile_strings import unseen
from support.processes import processor_limit
from xacct_nb.errors import InvalidGrant, UnreadableGrant, UnresolvedSecret
from xacct_nb.grants.grant import external_id
from xacct_nb.runs.loading import load_grant
from xacct_nb.storage.bounded_read import read_small
from xacct_nb.storage.grant_file import read_fields
from xacct_nb.storage.references import resolve_reference

YAML = """\
name: reports
sources:
  - arn:aws:iam::111111111111:user/alice
destinations: [arn:aws:iam::222222222222:role/reports-reader]
permissions:
  - {actions: ["s3:GetObject"], resources: ["arn:aws:s3:::reports/*"]}
"""
JSON = """\
{"name": "reports", "sources": ["arn:aws:iam::111111111111:user/alice"],
 "destinations": ["arn:aws:iam::222222222222:role/reports-reader"],
 "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "grant"


@pytest.mark.parametrize("content", [YAML, JSON, f"\ufeff{YAML}", YAML.replace("\n", "\r\n")])
def test_yaml_and_json_from_any_editor_are_the_same_grant(file: Path, content: str) -> None:
    file.write_text(content, encoding="utf-8", newline="")

    assert load_grant(file) == load_grant(str(file)) == a_grant()


def test_an_account_id_that_yaml_reads_as_a_number_is_refused(file: Path) -> None:
    file.write_text(YAML.replace("arn:aws:iam::111111111111:user/alice", "012345670123"))

    with pytest.raises(InvalidGrant, match="is not text"):
        load_grant(file)


def test_an_account_id_in_quotes_keeps_its_zero(file: Path) -> None:
    file.write_text(YAML.replace("arn:aws:iam::111111111111:user/alice", '"012345670123"'))

    assert load_grant(file).sources == ("012345670123",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"name: [", "It is neither YAML nor JSON: line 1, column 8."),
        (b"name: x\nname: y\n", "A field appears twice: line 1, column 1."),
        (b"conditions: {mfa: 1, mfa: 2}", "A field appears twice: line 1, column 14."),
        (b"\xff\xfe", "It is not UTF-8 text: line 1, column 1."),
        (b"", "It is not a mapping of fields."),
        (b"- a\n- b\n", "It is not a mapping of fields."),
        (b"1: a\n", "The name of a field is not text: line 1, column 1."),
        (b"name: 2026-13-45\n", "It contains a value that cannot be read: line 1, column 7."),
        (b"name: " + b"[" * 1000, "It nests lists or mappings too deeply: line 1, column 56."),
        (b"name: !!python/object:os.system x\n", "It has a tag that is not of plain data: line 1, column 7."),
        (b"? [a]\n: b\n", "It is neither YAML nor JSON: line 1, column 3."),
        (b"name: a\nname : b\n", "A field appears twice: line 1, column 1."),
        (b'{"name": "a", "name": "b"}', "A field appears twice: line 1, column 2."),
        (b"&a name: x\n*a : y\n", "A field appears twice: line 1, column 1."),
        (b"name: x\n---\nname: y\n", "It is neither YAML nor JSON: line 2, column 1."),
        (b"name:\tx\n\tsources: []\n", "It is neither YAML nor JSON: line 1, column 6."),
        (b"name: *a\n", "It is neither YAML nor JSON: line 1, column 7."),
        (b"name: !!python/name:os.system\n", "It has a tag that is not of plain data: line 1, column 7."),
        (b"%TAG ! tag:x,2000:\n--- !y", "It has a tag that is not of plain data: line 2, column 5."),
        (b"name: x\nname2: a\x00b\n", "It contains a character that YAML does not allow: line 2, column 9."),
        (b"name: \x1b[2J\n", "It contains a character that YAML does not allow: line 1, column 7."),
        ("name: reports".encode("utf-16"), "It is not UTF-8 text: line 1, column 1."),
        ("name: r\u00e9ports".encode("latin-1"), "It is not UTF-8 text: line 1, column 8."),
        (b"name: &a [*a]\n", "Its aliases expand to too many values: line 1, column 1."),
        (b"conditions: &a {session_tags: *a}\n", "Its aliases expand to too many values: line 1, column 1."),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_named_with_the_position(file: Path, content: bytes, why: str) -> None:
    file.write_bytes(content)

    with pytest.raises(UnreadableGrant, match="cannot be used") as unreadable:
        read_fields(file)
    assert str(file) in unreadable.value.what
    assert unreadable.value.why == why


@pytest.mark.parametrize(("first", "more"), [("[x, x]", "[*{0}, *{0}]"), ("{x: y}", "{{<<: [*{0}, *{0}]}}")])
def test_aliases_that_double_again_and_again_are_refused_at_once(file: Path, first: str, more: str) -> None:
    lines = [f"a0: &a0 {first}", *(f"a{n + 1}: &a{n + 1} {more.format(f'a{n}')}" for n in range(40))]
    file.write_text("\n".join(lines))

    with processor_limit(), pytest.raises(UnreadableGrant, match="Its aliases expand to too many values"):
        read_fields(file)


def test_an_alias_is_accepted(file: Path) -> None:
    file.write_text(
        YAML.replace("{actions", "&read {actions") + "  - *read\nconditions: {<<: {require_mfa: true}}\n"
    )

    assert load_grant(file) == a_grant(permissions=[READ, READ], conditions={"require_mfa": True})


def test_many_fields_are_read_at_once(file: Path) -> None:
    file.write_text("".join(f"field{number}: 1\n" for number in range(5_000)))
    with processor_limit():
        fields = read_fields(file)

    assert len(fields) == 5_000


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("NO", "name: False is not text."),
        ("0123", "name: 83 is not text."),
        ("1e3", "name: '1e3' is refused"),
        ("1:30", "name: 90 is not text."),
        ("~", "name: None is not text."),
        ("2026-11-26", "name: '2026-11-26' is refused"),
        ("!!binary aGk=", "It has a tag that is not of plain data: line 1, column 7."),
        ('"\\e[2J"', r"name: '\\x1b\[2J' is refused"),
        ('"a\\0b"', r"name: 'a\\x00b' is refused"),
        ('"\\ud800"', "It contains a value that cannot be read: line 1, column 7."),
        ("../../etc/passwd", "name: '../../etc/passwd' is refused"),
        ("'=cmd|x'", "name: '=cmd|x' is refused"),
    ],
)
def test_what_yaml_makes_of_a_name_is_reported(file: Path, written: str, told: str) -> None:
    file.write_text(YAML.replace("name: reports", f"name: {written}"))

    with pytest.raises(InvalidGrant, match=told) as refused:
        load_grant(file)
    assert unseen(str(refused.value)) == []


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(UnreadableGrant) as unreadable:
        read_fields(file)

    assert unreadable.value.why == "No such file or directory"


def test_the_parsers_quotes_of_a_broken_file_are_not_shown(file: Path) -> None:
    file.write_text("conditions: {external_id: hunter2-hunter2\nname: [")

    with pytest.raises(UnreadableGrant) as unreadable:
        read_fields(file)
    assert "hunter2" not in str(unreadable.value)


def test_an_external_id_by_reference_is_looked_up(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "id").write_text("hunter2-hunter2\r\n")
    monkeypatch.setenv("ID_OF_THE_TEST", "hunter3-hunter3")
    file.write_text(f"{YAML}conditions: {{external_id: 'file:{tmp_path / 'id'}'}}\n")
    by_file = load_grant(file, allow_references=[f"file:{tmp_path / 'id'}"])
    file.write_text(f"{YAML}conditions: {{external_id: 'env:ID_OF_THE_TEST'}}\n")
    by_variable = load_grant(file, allow_references=["env:ID_OF_THE_TEST"])

    assert external_id(by_file) == "hunter2-hunter2"
    assert external_id(by_variable) == "hunter3-hunter3"


def test_a_file_in_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "id").write_text("hunter2-hunter2\n")

    assert resolve_reference("file:~/id") == "hunter2-hunter2"


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("env:NOT_SET_ANYWHERE", "There is no such environment variable."),
        ("file:/not/anywhere", "The file cannot be read. No such file or directory."),
        ("file:/", "The file cannot be read. Is a directory."),
        ("file:~nobody-of-this-name/id", "The file cannot be read. Could not determine home directory."),
        ("env:EMPTY_IN_THE_TEST", "The value is empty."),
    ],
)
def test_a_reference_that_cannot_be_resolved_is_reported(
    monkeypatch: pytest.MonkeyPatch, reference: str, why: str
) -> None:
    monkeypatch.setenv("EMPTY_IN_THE_TEST", "")

    with pytest.raises(UnresolvedSecret) as unresolved:
        resolve_reference(reference)
    assert reference in unresolved.value.what
    assert unresolved.value.why == why


def test_a_pipe_may_hold_a_grant_but_no_secret_and_a_silent_one_ends_the_wait(
    tmp_path: Path,
) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    writer = Thread(target=pipe.write_text, args=("name: reports\n",))
    writer.start()
    fields = read_fields(pipe)
    writer.join()

    assert fields == {"name": "reports"}
    with pytest.raises(OSError, match="It sends no data and does not end"):
        read_small(pipe, patience=0.01)
    with pytest.raises(UnresolvedSecret, match="It is a pipe, which can be read only once"):
        resolve_reference(f"file:{pipe}")


def test_a_grant_file_without_end_is_refused() -> None:
    with pytest.raises(UnreadableGrant, match="It is longer than 1,000,000 bytes"):
        read_fields(Path("/dev/zero"))


@pytest.mark.parametrize("reference", ["hunter2-hunter2", "env:", "file:", "ssm:hunter2", ""])
def test_a_text_that_is_not_a_reference_is_not_quoted(reference: str) -> None:
    with pytest.raises(UnresolvedSecret, match="This is not a reference") as unresolved:
        resolve_reference(reference)

    assert "hunter2" not in str(unresolved.value)
