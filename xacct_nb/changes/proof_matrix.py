"""A proof as a matrix: each call in a row, each caller in a column."""

from xacct_nb.changes.proof import ERROR, FAILS, HOLDS, NOT_ASKED, Outcome, Proof
from xacct_nb.views import Table, Text, View


def proof_matrix(proof: Proof) -> tuple[View, ...]:
    """Return who called what, with AWS's answer where they meet; then what is open, and the result."""
    left = (Text(f"Not proven: {each}", "change") for each in proof.open_reasons)
    result = Text(proof.summary, {HOLDS: "good", FAILS: "bad"}.get(proof.verdict, "change"))
    return _matrix(proof), *left, result, *(Text(each, "note") for each in proof.notes)


def _matrix(proof: Proof) -> Table:
    callers = tuple(dict.fromkeys(map(_caller, proof.outcomes)))
    calls = tuple(dict.fromkeys((each.probe.role, each.probe.question) for each in proof.outcomes))
    found = {(each.probe.role, each.probe.question, _caller(each)): each for each in proof.outcomes}
    rows, tones = [], []
    for call in calls:
        answers = [found.get((*call, caller)) for caller in callers]
        rows.append((call[1], *(_cell(each) for each in answers)))
        tones.append(_tone([each for each in answers if each is not None]))
    return Table(("call", *(each.rpartition(":")[2] for each in callers)), tuple(rows), tones=tuple(tones))


def _caller(outcome: Outcome) -> str:
    return outcome.who or outcome.probe.source


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    if outcome.answer in (NOT_ASKED, ERROR):
        return {NOT_ASKED: "not asked", ERROR: "no answer"}[outcome.answer]
    return f"{outcome.answer}, as expected" if outcome.as_expected else f"WRONG: {outcome.answer}"


def _tone(outcomes: list[Outcome]) -> str:
    answered = [each for each in outcomes if each.answer not in (NOT_ASKED, ERROR)]
    if not answered:
        return "change"
    return "good" if all(each.as_expected for each in answered) else "bad"
