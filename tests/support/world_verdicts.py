"""What must be true of a diagnosis of a broken world, by view."""

import json
from collections.abc import Callable, Iterable, Iterator

from support.broken_worlds import BrokenWorld, WhatHappened
from support.world_stage import BOTH, DESTINATION, SOURCE, TEXT
from xacct_nb.diagnosis.cause import CERTAIN, POSSIBLE, Cause


def bystanders_not_as_told(world: BrokenWorld, found: dict[str, bool]) -> list[str]:
    """Return who gets in although the file says that she cannot, or the other way round."""
    can = [json.dumps(each) for each in world.told.get("can", [])]
    return [each for each, gets_in in found.items() if gets_in is not (each in can)]


def harmed(world: BrokenWorld, seen: WhatHappened) -> list[str]:
    """Return who was locked out by a mend, or let in; also by what the source alone puts first."""
    every = [each for each in (seen.mended, seen.mended_from_source) if each]
    return [who for each in every for who, gets_in in each.after.items() if gets_in is not each.before[who]]


def not_mended(world: BrokenWorld, seen: WhatHappened) -> list[str]:
    """Return why a mend is not as the file says: with commands that work, without any, or either ("any")."""
    wanted, mended = world.told.get("mend", True), seen.mended
    if world.told.get("fine") or wanted == "not checked":
        return []
    if mended.broken_promises:
        return [f"was to work: {mended.broken_promises}", *mended.applied]
    if mended.error and (mended.applied or wanted is True):
        return [f"still denied: {mended.error}", *mended.applied]
    differs = wanted in (True, False) and wanted is not bool(mended.applied)
    return [f"commands: {mended.applied}"] if differs else []


def wrong_claims(world: BrokenWorld, seen: WhatHappened, view: str) -> list[str]:
    """Return the causes that are called certain, and are not the case or not proven from that view."""
    certain = [each for each in seen.found[view].causes if each.confidence == CERTAIN]
    if view == TEXT and not world.told.get("text proves") and certain:
        return [f"the text does not prove {shown(each)}" for each in certain]
    return [f"wrong: {shown(each)}" for each in certain if not _is_told(world, each)]


def wrong_ranking(world: BrokenWorld, seen: WhatHappened, view: str) -> list[str]:
    """Return what is not as it must be: the order, the place, the confidence, what was not read."""
    causes = seen.found[view].causes
    if world.told.get("fine"):
        return [
            f"nothing is wrong, and it says {shown(each)}" for each in causes if _claims(world, each, view)
        ]
    ranked = _sure_ones_first if view == BOTH else _source_first if view == SOURCE else _listed
    return list(ranked(world, seen))


def _claims(world: BrokenWorld, each: Cause, view: str) -> bool:
    """Return whether a cause is claimed of a call that AWS allows; an action of a session is not tried."""
    if each.code in ("not-in-effect-yet", "cached-session"):
        return False
    is_in_the_text = "then" in world.told["call"] and (each.confidence == POSSIBLE or _is_told(world, each))
    return view != TEXT and not is_in_the_text


def _sure_ones_first(world: BrokenWorld, seen: WhatHappened) -> Iterator[str]:
    """Yield what is wrong from both sides: each fault must be named, now or after the first mend."""
    causes = seen.found[BOTH].causes
    if any(told.get("unseen") for told in world.causes):  # nobody can read it
        yield from _listed(world, seen, BOTH)
        return
    yield from _first(world, causes)
    for told in world.causes:
        if not any(_fits(told, each) for each in (*causes, *seen.mended.later_causes)):
            yield f"never named: {told['code']}"
    for each in causes[:1]:
        told = next((told for told in world.causes if _fits(told, each)), {})
        if told and each.confidence not in told.get("confidence", CERTAIN).split("|"):
            yield f"{each.code} is {each.confidence}, not {told.get('confidence', CERTAIN)}"
        missing = (part for part in told.get("at", ()) if _filled(part, seen) not in _place(each))
        yield from (f"{part!r} is not in: {_place(each)}" for part in missing)


def _source_first(world: BrokenWorld, seen: WhatHappened) -> Iterator[str]:
    """Yield what is wrong from the source alone."""
    found = seen.found[SOURCE]
    seen_from_here = [told for told in world.causes if not told.get("unseen")]
    here = [told for told in seen_from_here if "source" in told["side"] or "client" in told["side"]]
    if here or world.told.get("accounts") == "A":
        yield from _first(world, found.causes)
    else:
        yield from _listed(world, seen, SOURCE)
        if not world.told.get("text proves") and not any(
            "destination" in each.who for each in found.unknowns
        ):
            yield "it does not say that the destination was not read"


def _listed(world: BrokenWorld, seen: WhatHappened, view: str = TEXT) -> Iterator[str]:
    """Yield the faults that are not among the causes."""
    causes = seen.found[view].causes
    for told in world.causes:
        if not (view == TEXT and "not in text" in told) and not any(_fits(told, each) for each in causes):
            yield f"not listed: {told['code']} ({told['side']}), but {[shown(each) for each in causes][:6]}"


def _first(world: BrokenWorld, causes: tuple[Cause, ...]) -> Iterator[str]:
    if not causes:
        yield "no cause"
    elif not _is_told(world, causes[0]):
        yield f"first is {shown(causes[0])}, then {[shown(each) for each in causes[1:4]]}"


def _is_told(world: BrokenWorld, each: Cause) -> bool:
    return any(_fits(told, each) for told in [*world.causes, *world.told.get("also", [])])


def _fits(told: dict[str, str], each: Cause) -> bool:
    return each.code in told["code"].split("|") and each.side in told["side"].split("|")


def _place(each: Cause) -> str:
    """Return what locates a cause: why, and the statement that comes nearest, element by element."""
    nearest = (f"{one.statement} {one.element}: wanted {one.wanted}, got {one.got}" for one in each.nearest)
    return "; ".join((each.why, *nearest))


def _filled(part: str, seen: WhatHappened) -> str:
    for name, number in seen.accounts.items():
        part = part.replace(f"{{{name}}}", number)
    return part


def shown(each: Cause) -> str:
    """Return a cause in one line."""
    return f"{each.confidence} {each.code} ({each.side}): {each.why}"


def figures(seen: Iterable[tuple[BrokenWorld, WhatHappened]]) -> dict[str, tuple[int, int]]:
    """Return how many worlds are right, out of how many, by view and for the mends."""
    every = list(seen)
    broken = [each for each in every if not each[0].told.get("fine")]
    mended = [each for each in broken if each[1].mended.applied]

    def count(worlds: list[tuple[BrokenWorld, WhatHappened]], fits: Callable[..., object]) -> tuple[int, int]:
        return sum(bool(fits(*each)) for each in worlds), len(worlds)

    return {
        "from both sides, the right cause is first": count(every, lambda w, s: not wrong_ranking(w, s, BOTH)),
        "from the source alone, as it must be": count(every, lambda w, s: not wrong_ranking(w, s, SOURCE)),
        "from the text alone, listed": count(every, lambda w, s: not wrong_ranking(w, s, TEXT)),
        "wrong causes that are certain": count(
            every, lambda w, s: any(wrong_claims(w, s, view) for view in (BOTH, SOURCE, DESTINATION, TEXT))
        ),
        "mends that work": count(mended, lambda w, s: not s.mended.error),
        "harmful mends": count(mended, harmed),
    }
