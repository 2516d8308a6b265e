"""Files that went wrong or were made to: seeded mutations of a file's bytes, its YAML and its values."""

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from support.hostile_strings import STRINGS

CANARY = "canary"  # a file that a tag would make, if it were obeyed
TAGS = (
    "!!int", "!!float", "!!bool", "!!null", "!!str", "!!timestamp", "!!binary", "!!map", "!!seq", "!!set",
    "!!omap", "!!pairs", "!!merge", "!!value", "!x", "!<tag:yaml.org,2002:int>", "!!python/none",
    "!!python/tuple", "!!python/name:os.system", "!!python/object/apply:os.mknod [canary] #", "&a", "*a",
    "&a *a", "? ", "- ", "| ", ">-",
)  # fmt: skip
PIECES = (
    *(b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\x1b[2J", b"\r", b"\t", b"\xc2\x85", b"\xe2\x80\xa8"),
    *(b"{", b"}", b"[", b"]", b":", b'"', b"'", b"#", b"&a ", b"*a", b"<<: ", b"\n---\n", b"\n...\n", b"=: "),
    *(b"%YAML 9.9\n", b"%TAG ! a\n", b"\xed\xa0\x80", b"\\ud800", b"[" * 200, b"{a: " * 200, b"9" * 5000),
    *(b"!!", b"\n  ", b"~", b"1_0:30.5"),
)
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        2**63,
        10**400,
        1e308,
        0.5,
        float("nan"),
        float("inf"),
        "",
        " ",
        "a" * 70_000,
    ),
    *(
        "env:",
        "env:PATH",
        "env:AWS_SECRET_ACCESS_KEY",
        "file:/proc/self/environ",
        "file:",
        "*",
        "?",
        "0" * 12,
    ),
    *(
        [],
        {},
        [None],
        [[]],
        [{}],
        {"a": None},
        {"": ""},
        ["a", 1, None],
        "2026-13-45",
        "\ud800",
        "\x00",
        "arn:",
    ),
    *("arn:aws:iam::", "arn:aws:iam::111111111111:root", "arn:aws:iam::111111111111:user/", "1" * 12),
    *STRINGS.values(),
)
NAMES = (
    *(
        "approve",
        "sandbox",
        "records",
        "snapshot_to",
        "note",
        "external_id",
        "carry_on",
        "sorces",
        "",
        " ",
        "<<",
    ),
    *(
        "\x00",
        "\ud800",
        "__class__",
        "model_config",
        "a" * 5000,
        "conditions.external_id",
        "_reference",
        "schema",
    ),
)


def mutants(base: Any, seed: int, names: tuple[str, ...] = NAMES) -> Iterator[bytes]:
    """Yield mutated files of this data without an end; the same seed gives the same files."""
    chance = random.Random(seed)
    texts = (yaml.safe_dump(base, sort_keys=False).encode(), json.dumps(base, indent=1).encode())
    while True:
        content = chance.choice(texts)
        kinds = chance.choice((_BYTES, _LINES, None))
        for _ in range(chance.randint(1, 3)):
            content = (
                _with_odd_values(base, chance, names)
                if kinds is None
                else chance.choice(kinds)(content, chance)
            )
        yield content


def places(folder: Path, good: Path) -> dict[str, Path]:
    """Make what is no plain file, by name: links, folders, devices, and files of odd sizes."""
    made = {name: folder / name for name in ("folder", "dangling", "loop", "empty", "long", "link")}
    made["folder"].mkdir()
    made["dangling"].symlink_to(folder / "nowhere")
    made["loop"].symlink_to(made["loop"])
    made["link"].symlink_to(good)
    made["empty"].touch()
    made["long"].write_bytes(good.read_bytes() + b"# long\n" * 200_000)
    devices = {
        name: Path(name) for name in ("/dev/zero", "/dev/null", "/proc/self/mem", "/proc/self/environ")
    }
    odd = {"no file": folder / "nowhere", "a long name": Path("a" * 300), "under a file": good / "x"}
    return made | devices | odd


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _flip(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]


def _insert(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(PIECES) + content[at:]


def _remove(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + content[at + chance.randint(1, 9) :]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    start, end = sorted((chance.randrange(len(content) + 1), chance.randrange(len(content) + 1)))
    return content[:end] + content[start:end] + content[end:]


def _encode(content: bytes, chance: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(chance.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7", "cp500")), "replace")


def _tag(content: bytes, chance: random.Random) -> bytes:
    """Put a tag, an anchor or an alias before a value."""
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    name, colon, value = lines[at].partition(b": ")
    lines[at] = name + colon + chance.choice(TAGS).encode() + b" " + value
    return b"\n".join(lines)


def _merge(content: bytes, chance: random.Random) -> bytes:
    """Add a line of a merge, of a field again, or of a field that nobody knows."""
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    more = (
        b"<<: {approve: x}",
        b"<<: *a",
        b"<<: [1]",
        b"name: x",
        b"sandbox: false",
        b"? [a]\n: b",
        b"1: 2",
        b"~: x",
    )
    return b"\n".join([*lines[:at], chance.choice(more), *lines[at:]])


def _indent(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    lines[at] = chance.choice((b" ", b"   ", b"\t", b"- ", b"")) + lines[at].lstrip(
        chance.choice((b"", b" -"))
    )
    return b"\n".join(lines)


def _swap(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def _with_odd_values(base: Any, chance: random.Random, names: tuple[str, ...]) -> bytes:
    """Return the data with one to three values replaced, removed, renamed, wrapped or added."""
    data = deepcopy(base)
    for _ in range(chance.randint(1, 3)):
        holder, key = chance.choice([*_places_in(data)] or [({"": data}, "")])
        deed = chance.randrange(6)
        if deed == 0:
            del holder[key]
        elif deed == 1 and isinstance(holder, dict):
            holder[chance.choice(names)] = holder.pop(key)
        elif deed == 2 and isinstance(holder, dict):
            holder[chance.choice(names)] = chance.choice(VALUES)
        elif deed == 3:
            holder[key] = chance.choice(([holder[key]], {"a": holder[key]}, [holder[key]] * 99))
        elif deed == 4:
            holder[key] = _nested(chance.choice((5, 60, 300)))
        else:
            holder[key] = chance.choice(VALUES)
    return json.dumps(data).encode() if chance.random() < 0.5 else _as_yaml(data)


def _places_in(data: Any) -> Iterator[tuple[Any, Any]]:
    for key in data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield data, key
        yield from _places_in(data[key])


def _nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def _as_yaml(data: Any) -> bytes:
    try:
        return yaml.safe_dump(data, sort_keys=False).encode("utf-8", "surrogatepass")
    except (RecursionError, yaml.YAMLError):
        return json.dumps(data).encode()


_Mutation = Callable[[bytes, random.Random], bytes]
_BYTES: tuple[_Mutation, ...] = (_cut, _flip, _flip, _insert, _insert, _remove, _repeat, _encode)
_LINES: tuple[_Mutation, ...] = (_tag, _tag, _merge, _indent, _swap)
