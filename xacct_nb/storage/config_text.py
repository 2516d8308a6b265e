"""The text of an AWS config file: its profiles by line, and edits of one profile that leave the rest alone.

Lines are read as botocore's parser reads them (Python's `configparser`): comments are whole lines, and a
line that is indented deeper than its setting continues it. Bytes that are no UTF-8 stay.
"""

import configparser
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_HEADER = re.compile(r"\[(.+)\]")
_SETTING = re.compile(r"(?P<before>(?P<name>.*?)\s*[=:]\s*)(?P<value>.*)")
_BOM = "\ufeff"


@dataclass(frozen=True)
class FoundSetting:
    """A setting of a section: its name in small letters, its value, its lines (`end` is after the last)."""

    name: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class FoundSection:
    """A section: its header's text, its lines, the line after its last setting, and its settings."""

    header: str
    start: int
    end: int
    filled: int
    settings: tuple[FoundSetting, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """Return the values by name."""
        return {each.name: each.value for each in self.settings}


def split_lines(content: bytes) -> list[str]:
    """Return the lines with their ends, for which any of the three line ends counts."""
    return _LINE.findall(content.decode("utf-8", "surrogateescape"))


def join_lines(lines: Sequence[str]) -> bytes:
    """Return the bytes of lines."""
    return "".join(lines).encode("utf-8", "surrogateescape")


def find_profiles(content: bytes, profile: str) -> tuple[FoundSection, ...]:
    """Return the sections of a profile in their order: more than one where the file repeats it."""
    return tuple(each for each in _sections(split_lines(content)) if profile_of(each.header) == profile)


def profile_of(header: str) -> str:
    """Return the profile that a section's header names, "" for a section of another kind."""
    try:
        words = shlex.split(header)
    except ValueError:
        return ""
    if words == ["default"]:
        return "default"
    return words[1] if len(words) == 2 and words[0] == "profile" else ""


def with_profile(
    content: bytes, profile: str, settings: Mapping[str, str], comments: Sequence[str] = ()
) -> bytes:
    """Return the content with these settings in the profile; other settings and all other lines stay.

    A profile that is not there is added at the end, with the comments below its settings.
    """
    lines, end = split_lines(content), _line_end(content)
    found = find_profiles(content, profile)
    if not found:
        block = [
            f"[profile {profile}]",
            *(f"{name} = {value}" for name, value in settings.items()),
            *comments,
        ]
        return join_lines([*_closed(lines, end), *(line + end for line in block)])
    section = found[-1]
    there = {each.name: each for each in section.settings}
    new = [f"{name} = {value}" for name, value in settings.items() if name not in there]
    lines = _inserted(lines, section, new, end)
    changed = [each for each in section.settings if settings.get(each.name, each.value) != each.value]
    for setting in reversed(changed):
        lines[setting.start : setting.end] = [_with_value(lines[setting.start], settings[setting.name])]
    return join_lines(lines)


def without_profile(content: bytes, profile: str, comments: Sequence[str] = ()) -> bytes:
    """Return the content without the profile's section, these comments in it, and the line before."""
    lines = split_lines(content)
    for section in reversed(find_profiles(content, profile)):
        start, end = section.start, section.filled
        while end < section.end and lines[end].rstrip("\r\n") in comments:
            end += 1
        if start and end == section.end == len(lines) and not lines[start - 1].strip():
            start -= 1
        del lines[start:end]
    return join_lines(lines)


def with_section_of(content: bytes, profile: str, other: bytes) -> bytes:
    """Return the content with the profile's section as another content has it."""
    (old,), (new,) = find_profiles(content, profile), find_profiles(other, profile)
    lines = split_lines(content)
    lines[old.start : old.filled] = split_lines(other)[new.start : new.filled]
    return join_lines(lines)


def read_settings(content: bytes) -> dict[str, dict[str, str]]:
    """Return the settings of all sections by header; of sections that repeat, all together.

    Raises configparser.Error where a line is neither.
    """
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(_text(content).removeprefix(_BOM))
    return {name: dict(parser[name]) for name in parser.sections()}


def why_boto3_refuses(content: bytes) -> str:
    """Return why boto3 and the AWS CLI cannot read the file at all, "" if they can; no value is quoted."""
    try:
        content.decode("utf-8")
        configparser.RawConfigParser().read_string(_text(content))
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except configparser.DuplicateSectionError as problem:
        return f"line {problem.lineno} repeats the section {problem.section!r}"
    except configparser.DuplicateOptionError as problem:
        return f"line {problem.lineno} repeats the setting {problem.option!r} of {problem.section!r}"
    except configparser.Error as problem:
        if content.startswith(_BOM.encode()):
            return "it begins with a byte order mark (BOM)"
        line = getattr(problem, "lineno", 0) or next((at for at, _ in getattr(problem, "errors", ())), 0)
        return f"line {line} is in no section, or is no setting"
    return ""


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")


def _sections(lines: Sequence[str]) -> list[FoundSection]:
    """Return the sections with their settings, by the rules of `configparser`."""
    sections: list[FoundSection] = []
    open_settings: list[FoundSetting] = []
    indent = 0
    for number, line in enumerate(lines):
        text = line.strip().removeprefix(_BOM)
        if not text or text[0] in "#;":
            continue
        depth = len(line) - len(line.lstrip())
        if open_settings and depth > indent:
            open_settings[-1] = _longer(open_settings[-1], text, number)
        elif header := _HEADER.match(text):
            sections = _closed_section(sections, open_settings, number)
            sections.append(FoundSection(header[1], number, number + 1, number + 1))
            open_settings = []
        elif sections and (setting := _SETTING.fullmatch(text)):
            indent = depth
            named = setting["name"].strip().lower()
            open_settings.append(FoundSetting(named, setting["value"], number, number + 1))
    return _closed_section(sections, open_settings, len(lines))


def _closed_section(
    sections: list[FoundSection], settings: list[FoundSetting], end: int
) -> list[FoundSection]:
    if not sections:
        return []
    filled = settings[-1].end if settings else sections[-1].filled
    return [*sections[:-1], replace(sections[-1], end=end, filled=filled, settings=tuple(settings))]


def _longer(setting: FoundSetting, text: str, number: int) -> FoundSetting:
    return replace(setting, value=f"{setting.value}\n{text}", end=number + 1)


def _line_end(content: bytes) -> str:
    """Return the line end that most lines have."""
    ends = Counter(re.findall(rb"\r\n|\n|\r", content))
    return ends.most_common(1)[0][0].decode() if ends else "\n"


def _closed(lines: list[str], end: str) -> list[str]:
    """Return the lines, the last one ended, with an empty line after them."""
    if not lines or not "".join(lines).removeprefix(_BOM):
        return lines
    ended = lines if lines[-1].endswith(("\n", "\r")) else [*lines[:-1], lines[-1] + end]
    return [*ended, end] if ended[-1].strip() else ended


def _inserted(lines: list[str], section: FoundSection, new: Sequence[str], end: str) -> list[str]:
    """Return the lines with new settings after the last one of a section, as deep as that one."""
    if not new:
        return lines
    last = lines[section.settings[-1].start] if section.settings else ""
    depth = last[: len(last) - len(last.lstrip())]
    before, after = lines[: section.filled], lines[section.filled :]
    if not before[-1].endswith(("\n", "\r")):
        before[-1] += end
    return [*before, *(depth + line + end for line in new), *after]


def _with_value(line: str, value: str) -> str:
    text = line.rstrip("\r\n")
    found = _SETTING.fullmatch(text)
    before = found["before"] if found else ""
    return f"{before}{'' if before.endswith(' ') else ' '}{value}{line[len(text) :]}"
