"""Odd YAML and JSON: plain data, or one sentence that names line and column."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.processes import processor_limit
from xacct_nb.storage.yaml_file import UnreadableFields, parse_mapping, read_mapping

TYPES = [
    *("null", "bool", "int", "float", "timestamp", "str", "seq", "map", "merge", "binary", "set", "omap"),
    *("pairs", "value", "yaml", "python/tuple"),
]
CONTENTS = [
    "",
    "x",
    '""',
    "'***'",
    "[a]",
    "[a: b]",
    "{}",
    "{a: 1}",
    "{=: x}",
    "[]",
    "~",
    "-",
    "1e9",
    "*a",
    "0x",
]
UNREADABLE, FOREIGN = "It contains a value that cannot be read", "It has a tag that is not of plain data"
NO_YAML = "It is neither YAML nor JSON"


@pytest.mark.parametrize("tag", TYPES)
@pytest.mark.parametrize("content", CONTENTS)
def test_every_tag_with_every_content_is_data_or_one_sentence(tag: str, content: str) -> None:
    assert_data_or_one_sentence(f"a: 1\nb:\n  c: !!{tag} {content}\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: !!timestamp x", f"{UNREADABLE}: line 1, column 4."),
        ('a: !!int ""', f"{UNREADABLE}: line 1, column 4."),
        ("a: 1\nb: [!!bool x]", f"{UNREADABLE}: line 2, column 5."),
        ("a: !!map [a]", f"{UNREADABLE}: line 1, column 4."),
        ("a: !!null x", f"{UNREADABLE}: line 1, column 4."),
        ("a: !!float 1:x", f"{UNREADABLE}: line 1, column 4."),
        ("a: 2026-11-28T10:00:00+99:00", f"{UNREADABLE}: line 1, column 4."),
        ('a: "\\U00110000"', f"{UNREADABLE}: line 1, column 7."),
        ('{"a": "\\ud83d"}', f"{UNREADABLE}: line 1, column 7."),
        ("a: !!binary aGk=", f"{FOREIGN}: line 1, column 4."),
        ("a: !!set {b, c}", f"{FOREIGN}: line 1, column 4."),
        ("%TAG ! tag:x,2000:\n---\na: !x y", f"{FOREIGN}: line 3, column 4."),
        ("a: =", f"{FOREIGN}: line 1, column 4."),
        ("<<: 1", f"{NO_YAML}: line 1, column 5."),
        ("? {a: b}\n: c", f"{NO_YAML}: line 1, column 3."),
        ("%YAML 9.9\n---\na: 1", f"{NO_YAML}: line 1, column 1."),
        ("on: push", "The name of a field is not text: line 1, column 1."),
        ("a:\n- {1: x}", "The name of a field is not text: line 2, column 4."),
        ("a: " + "9" * 5_000, "A number is too long: line 1, column 4."),
        ("a: 0x" + "f" * 5_000, "A number is too long: line 1, column 4."),
        ("a: 1" + ":11" * 3_000, "A number is too long: line 1, column 4."),
        ("a: [.nan]", "It has a number that is not finite: line 1, column 5."),
        ("a: 1.0e+999", "It has a number that is not finite: line 1, column 4."),
        ("a: [&b [*b]]", "Its aliases expand to too many values: line 1, column 1."),
        ("a: " + "{b: " * 60, "It nests lists or mappings too deeply: line 1, column 197."),
        ("a: [" + "b," * 200_000 + "]", "It has too many values: line 1, column 199999."),
    ],
)
def test_what_is_no_plain_data_is_named_with_its_position(text: str, why: str) -> None:
    with processor_limit(), pytest.raises(UnreadableFields) as refused:
        parse_mapping(text)

    assert str(refused.value) == why


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('{\n\t"a":\t[1,\t2.5]\n}', {"a": [1, 2.5]}),
        ('{"a": "\\ud83d\\ude00\\/\\u00e9"}', {"a": "\U0001f600/\u00e9"}),
        (
            "a: 2026-11-28\nb: !!timestamp 2026-11-28 10:00:00",
            {"a": "2026-11-28", "b": "2026-11-28 10:00:00"},
        ),
        ("a: &x 2026-11-28\nb: *x", {"a": "2026-11-28", "b": "2026-11-28"}),
        ("<<: {a: 1, b: 2}\nb: 3", {"a": 1, "b": 3}),
        ("a: !!null ~\nb: !!str 012", {"a": None, "b": "012"}),
    ],
)
def test_what_is_plain_data_is_read_as_it_is_written(text: str, fields: dict[str, Any]) -> None:
    assert parse_mapping(text) == fields


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xef\xbb\xbfa: b\nc: \x80", "It is not UTF-8 text: line 2, column 4."),
        ("a: b".encode("utf-16-le"), "It contains a character that YAML does not allow: line 1, column 2."),
        ("a: b".encode("utf-32"), "It is not UTF-8 text: line 1, column 1."),
    ],
)
def test_another_encoding_is_named_with_its_position(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(UnreadableFields) as refused:
        read_mapping(tmp_path / "file")
    assert str(refused.value) == why


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.text(st.characters(exclude_categories=["Cc", "Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc \u00e9\U0001f600", min_size=1), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcdef", min_size=1), JSON), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_what_json_writes_is_read_back(fields: dict[str, Any], indent: Any, ascii: bool) -> None:
    assert parse_mapping(json.dumps(fields, indent=indent, ensure_ascii=ascii)) == fields


FRAGMENTS = [
    *(
        "a",
        ": ",
        "- ",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&a ",
        "*a",
        "!!int ",
        "!!map ",
        "!!bool ",
        "? ",
    ),
    *("<<", "|", ">", "'", '"', "\\", "#", "%", "---", "...", "0x", "1:1", ".inf", "2026-11-28", "=", "~"),
    *("\t", "\ufeff", "\x00"),
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
def test_any_mix_of_yamls_marks_is_data_or_one_sentence(text: str) -> None:
    assert_data_or_one_sentence(text)


def assert_data_or_one_sentence(text: str) -> None:
    """Check that the text is what JSON can hold, or is refused in one sentence with a position."""
    why = "It is not a mapping of fields."
    try:
        json.dumps(parse_mapping(text), allow_nan=False).encode()
    except UnreadableFields as refused:
        why = str(refused)
    assert re.fullmatch(r"It is not a mapping of fields\.|[^:\n]+: line \d+, column \d+\.", why)
