"""The repair of a ledger: the lines to set aside, those to put back, and the records to list again."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xacct_nb.records.repair_entry import BrokenLine, RepairEntry
from xacct_nb.records.sealing import FIRST_PREVIOUS, broken_links, link_of, parse_ledger_line, text_hash
from xacct_nb.views import Shown, Text, View

LineOf = Callable[[str, str], str]
"""Returns the line of a record (an id) after a hash, "" where the record does not match its seal."""
_MOST_IN_A_GAP = 3  # records whose lines can be missing in one place, and are put back
_RECOGNIZABLE = 20  # letters of an id or of a line by which a broken line is known


@dataclass(frozen=True, repr=False)
class LedgerRepair(Shown):
    """A repair: the entry for the ledger, the ledger's new content, and that of the file of broken lines."""

    entry: RepairEntry
    ledger: bytes
    broken: bytes
    completes_last: bool = False
    left: tuple[str, ...] = ()  # what is wrong with lines that can be read: a repair never changes them

    @property
    def changes_nothing(self) -> bool:
        """Whether no line is set aside or completed."""
        return not (self.entry.lines or self.completes_last)

    def view(self) -> View:
        """Return what is set aside, put back, and listed again."""
        entry, parts = self.entry, list[str]()
        parts += [f"Line {each.line} {each.why}: set aside." for each in entry.lines]
        parts += [f"The line of {each} is put back, byte for byte." for each in entry.restored]
        parts += [f"{each} is listed again: its record is whole." for each in entry.again]
        if entry.lines:
            parts += [f"{entry.file} keeps what is set aside. A line of the ledger says all this."]
        elif self.completes_last:
            parts += ["The last line gets its line break."]
        parts += [
            f"Not mended: {each}. A repair never changes a line that can be read." for each in self.left
        ]
        return Text("\n".join(parts) or "Every line of the ledger is whole.")


def plan_repair(content: bytes, unlisted: Sequence[str], line_of: LineOf, at: str, by: str) -> LedgerRepair:
    """Return the repair of a ledger's content.

    `unlisted` are the ids of records without a line, `at` is the time (UTC), `by` the user. A whole line is
    never changed. A broken one is put back only where the chain proves each of its bytes.
    """
    raw = content.split(b"\n")
    raw = raw if raw[-1] else raw[:-1]
    lines = [each.decode("utf-8", "replace") for each in raw]
    reasons = broken_reasons(lines)
    aside = _whole_lines_aside(lines, reasons)
    unlisted = sorted({*unlisted, *(name for name, _ in aside.values())})
    kept, restored, gaps = _mend(lines, raw, reasons, aside, unlisted, line_of)
    broken = b"".join(raw[number - 1] + b"\n" for number in reasons)
    found = tuple(
        BrokenLine(number, why, _sha256(raw[number - 1]), *gaps[number]) for number, why in reasons.items()
    )
    again = _listed_again(
        [lines[number - 1] for number in reasons],
        [each for each in unlisted if each not in restored],
        len(restored),
        line_of,
    )
    file = f"ledger.broken-{_sha256(broken)[:12]}.jsonl"
    entry = RepairEntry(at, by, file, _sha256(broken), found, tuple(restored), again)
    is_open = bool(content) and not content.endswith(b"\n")
    ledger = _written(entry, kept, line_of)
    left = broken_links(ledger.decode("utf-8", "replace").split("\n")[:-1])
    return LedgerRepair(entry, ledger, broken, is_open, tuple(left))


def _mend(
    lines: Sequence[str],
    raw: Sequence[bytes],
    reasons: dict[int, str],
    aside: Mapping[str, tuple[str, str]],
    unlisted: Sequence[str],
    line_of: LineOf,
) -> tuple[list[bytes], list[str], dict[int, tuple[str, str]]]:
    """Return the lines that are kept or put back, the ids put back, and the hashes around each gap."""
    kept, restored, gaps = list[bytes](), list[str](), dict[int, tuple[str, str]]()
    for number in range(1, len(lines) + 1):
        if number not in reasons:
            moved = aside.get(link_of(lines[number - 1])[1])
            if moved and link_of(moved[1])[1] == _last_hash(kept) and moved[0] not in restored:
                kept.append(moved[1].encode())
                restored.append(moved[0])
            kept.append(raw[number - 1])
        elif number - 1 not in reasons:
            run = _run_of(reasons, number)
            after = _last_hash(kept)
            link = link_of(lines[run[-1]])[1] if run[-1] < len(lines) else ""
            left = [each for each in unlisted if each not in restored]
            back = _put_back([lines[each - 1] for each in run], after, link, left, line_of)
            kept += [line.encode() for _, line in back]
            restored += [name for name, _ in back]
            gaps |= dict.fromkeys(run, (after, "" if back or link == after else link))
    return kept, restored, gaps


def broken_reasons(lines: Sequence[str]) -> dict[int, str]:
    """Return why lines are to be set aside, by number: no ledger lines, and lines put in between."""
    links = [link_of(line) for line in lines]
    found = {number: "is not a ledger line" for number, (about, _) in enumerate(links, start=1) if not about}
    places = {link: number for number, (about, link) in reversed(list(enumerate(links, start=1))) if about}
    previous, number = FIRST_PREVIOUS, 1
    while number <= len(lines):
        if number not in found:
            follows = places.get(previous, 0)
            if links[number - 1][1] != previous and follows > number:
                for each in range(number, follows):
                    found.setdefault(each, f"was put in between: line {follows} follows the line before it")
                number = follows
            elif links[number - 1][1] != previous and lines[number - 1] in lines[: number - 1]:
                found[number] = f"is a copy of line {lines.index(lines[number - 1]) + 1}"
            if number not in found:
                previous = text_hash(lines[number - 1])
        number += 1
    return dict(sorted(found.items()))


def _run_of(reasons: dict[int, str], first: int) -> list[int]:
    """Return the numbers of the broken lines from this one on that no whole line divides."""
    last = first
    while last + 1 in reasons:
        last += 1
    return list(range(first, last + 1))


def _put_back(
    texts: Sequence[str], after: str, link: str, unlisted: Sequence[str], line_of: LineOf
) -> list[tuple[str, str]]:
    """Return the id and the line of the record whose line stood there, where the chain proves it.

    The line after it has its hash; at the end of the ledger, what is left of it is its beginning.
    """
    if link:
        return next(
            filter(None, (_chain(unlisted[at:], after, link, line_of) for at in range(len(unlisted)))), []
        )
    found = [(name, line) for name in unlisted if (line := line_of(name, after)) and _is_begun(texts, line)]
    return found if len(found) == 1 else []


def _chain(names: Sequence[str], after: str, link: str, line_of: LineOf) -> list[tuple[str, str]]:
    """Return the lines of the first few of these records, where they lead from one hash to the other."""
    found = list[tuple[str, str]]()
    for name in names[:_MOST_IN_A_GAP]:
        if not (line := line_of(name, after)):
            return []
        found.append((name, line))
        after = text_hash(line)
        if after == link:
            return found
    return []


def _is_begun(texts: Sequence[str], line: str) -> bool:
    return any(len(text) > _RECOGNIZABLE and line.startswith(text.rstrip("\ufffd")) for text in texts)


def _whole_lines_aside(lines: Sequence[str], reasons: Mapping[int, str]) -> dict[str, tuple[str, str]]:
    """Return the id and the text of each whole line set aside that stands nowhere else, by its hash."""
    kept = {
        fields["id"]
        for number, line in enumerate(lines, 1)
        if number not in reasons and (fields := parse_ledger_line(line))
    }
    found = [
        (fields["id"], lines[number - 1])
        for number in reasons
        if (fields := parse_ledger_line(lines[number - 1]))
    ]
    return {text_hash(line): (name, line) for name, line in found if name not in kept}


def _listed_again(
    texts: Sequence[str], unlisted: Sequence[str], restored: int, line_of: LineOf
) -> tuple[str, ...]:
    """Return the whole records whose lines are broken: no more than lines, else those that a line names."""
    whole = [name for name in unlisted if line_of(name, "")]
    named = [name for name in whole if any(name[:_RECOGNIZABLE] in text for text in texts)]
    return tuple(named if len(whole) > len(texts) - restored else whole)


def _written(entry: RepairEntry, kept: Sequence[bytes], line_of: LineOf) -> bytes:
    lines = list(kept)
    if entry.lines:
        lines.append(entry.to_line(_last_hash(lines)).encode())
        for name in entry.again:
            lines.append(line_of(name, _last_hash(lines)).encode())
    return b"".join(line + b"\n" for line in lines)


def _last_hash(lines: Sequence[bytes]) -> str:
    return text_hash(lines[-1].decode("utf-8", "replace")) if lines else FIRST_PREVIOUS


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
