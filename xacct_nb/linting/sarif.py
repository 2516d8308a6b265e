"""Results as a SARIF 2.1.0 log, which code hosts show beside the lines of a file."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ERROR, WARNING, NOTE = "error", "warning", "note"
"""The levels of a result."""


@dataclass(frozen=True)
class SarifResult:
    """One result: its rule, level and message, and the file (a URI), line and column (from 1).

    `meaning` is what the rule is about, `fix` what to do. A result that is `accepted` is suppressed in the
    file itself.
    """

    rule: str
    level: str
    message: str
    uri: str
    line: int = 1
    column: int = 1
    meaning: str = ""
    fix: str = ""
    accepted: bool = False


def sarif_log(results: Iterable[SarifResult], version: str) -> dict[str, Any]:
    """Return the log of one run of this version of xacct-nb.

    Source: SARIF 2.1.0 (OASIS), sections 3.13 (log), 3.14 (run), 3.27 (result), 3.49 (rule).
    """
    results = list(results)
    first = {each.rule: each for each in reversed(results)}
    rules = sorted(first)
    driver = {"name": "xacct-nb", "version": version, "rules": [_rule(first[name]) for name in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, rules.index(each.rule)) for each in results],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(result: SarifResult) -> dict[str, Any]:
    title = result.rule.replace("-", " ").capitalize()
    return {
        "id": result.rule,
        "shortDescription": {"text": title},
        "fullDescription": {"text": result.meaning or title},
        "help": {"text": result.fix or "See docs/findings.md and docs/check.md of xacct-nb."},
        "properties": {"tags": ["security"]},
    }


def _result(result: SarifResult, number: int) -> dict[str, Any]:
    region = {"startLine": result.line, "startColumn": result.column}
    place = {"artifactLocation": {"uri": result.uri}, "region": region}
    accepted = {"kind": "inSource", "status": "accepted", "justification": "`accept` in the file names it."}
    return {
        "ruleId": result.rule,
        "ruleIndex": number,
        "level": result.level,
        "message": {"text": result.message},
        "locations": [{"physicalLocation": place}],
        "suppressions": [accepted] if result.accepted else [],
    }
