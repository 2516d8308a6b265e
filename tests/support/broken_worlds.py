"""Broken worlds: each is built, its call is made, diagnosed from four views, mended, and called again.

`tests/cases/worlds/*.json` holds them. `tests/test_worlds.py` says what must be true of each.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from subprocess import CalledProcessError
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from support.case_files import CASES
from support.in_process_sandbox import start
from support.world_builder import ACCOUNTS
from support.world_stage import BOTH, SOURCE, VIEWS, Stage
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.sandbox.server.client import set_clock

FILES = CASES / "worlds"
COMMAND_FAILED = (ClientError, ParamValidationError, CalledProcessError, ValueError, KeyError, AssertionError)


@dataclass(frozen=True, eq=False)
class BrokenWorld:
    """One world as its file tells it, merged with the scene that it changes."""

    kind: str
    title: str
    told: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.kind}: {self.title}"

    @property
    def causes(self) -> list[dict[str, Any]]:
        """What is wrong: `code` (or codes, joined by `|`), `side`, and `at`, texts that locate it."""
        return list(self.told.get("causes", []))

    def failing(self, part: str) -> str:
        """Return why this part of the world is known to fail; "" if it must pass."""
        return str(self.told.get("fails", {}).get(part, ""))


@dataclass
class Mended:
    """What became of a world by the commands of a diagnosis: the error that is left, who gets in then.

    `broken_promises` are the mends that were to work, as the diagnosis says, and did not.
    """

    error: str = ""
    applied: list[str] = field(default_factory=list)
    later_causes: list[Cause] = field(default_factory=list)
    broken_promises: list[str] = field(default_factory=list)
    before: dict[str, bool] = field(default_factory=dict)
    after: dict[str, bool] = field(default_factory=dict)


@dataclass
class WhatHappened:
    """What one pass through a world found, for the tests to judge."""

    error: str = ""
    found: dict[str, Diagnosis] = field(default_factory=dict)
    before: dict[str, bool] = field(default_factory=dict)
    mended: Mended = field(default_factory=Mended)
    mended_from_source: Mended | None = None
    secrets: tuple[str, ...] = ()
    accounts: dict[str, str] = field(default_factory=dict)


def worlds() -> Iterator[BrokenWorld]:
    """Yield every world of the files, in their order."""
    scenes = json.loads((FILES / "scenes.json").read_text())
    for path in sorted(FILES.glob("*.json")):
        if path.stem == "scenes":
            continue
        file = json.loads(path.read_text())
        for told in file["worlds"]:
            scene = scenes[told.get("scene", file.get("scene", "user"))]
            whole = merged(merged(scene, file.get("given", {})), told)
            yield BrokenWorld(path.stem, told["title"], whole)


def merged(first: Any, second: Any) -> Any:
    """Return the first description changed by the second: null removes, a list or an action replaces."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return second
    whole = first | {
        name: value if name == "then" else merged(first.get(name), value) for name, value in second.items()
    }
    return {name: value for name, value in whole.items() if value is not None}


@cache
def pass_through(world: BrokenWorld) -> WhatHappened:
    """Build a world, make its call, diagnose it from each view, mend it, and look at the bystanders."""
    stage, seen = Stage(world.told), WhatHappened()
    set_clock(start(), world.told.get("clock", 0))
    try:
        seen.error = stage.attempt()
        pasted = stage.built.filled("", world.told.get("pasted", seen.error))
        seen.before = _bystanders(stage)
        for view in VIEWS:
            seen.found[view] = stage.diagnose(view, pasted)
        seen.mended = _mend(stage, seen.error, seen.found[BOTH], seen.before)
        if _differ(seen.found[SOURCE], seen.found[BOTH]):
            seen.mended_from_source = _mend_from_source(world)
    finally:
        set_clock(start(), 0)
    seen.accounts = {name: stage.built.names[name] for name in ACCOUNTS}
    seen.secrets = tuple(stage.built.names[name] for name in ("secret", "other"))
    return seen


def _mend(stage: Stage, error: str, found: Diagnosis, before: dict[str, bool], rounds: int = 3) -> Mended:
    """Apply the first cause's commands, and again those of the next diagnosis while the call is denied."""
    mended = Mended(error, before=before)
    for _ in range(rounds):
        if not (mended.error and found.causes):
            break
        first = found.causes[0]
        try:
            applied = stage.apply(first)
        except COMMAND_FAILED as problem:
            mended.error = f"The command of {first.code} fails: {problem!r}"
            mended.applied += first.commands
            break
        mended.applied += applied
        if not applied:
            break
        mended.error = stage.attempt()
        if mended.error:
            mended.broken_promises += [f"{first.code} ({first.side})"] if first.works else []
            found = stage.diagnose(BOTH, mended.error)
            mended.later_causes += found.causes
    mended.after = _bystanders(stage) if mended.applied else before
    return mended


def _differ(one: Diagnosis, other: Diagnosis) -> bool:
    """Return whether the first cause of one has commands that are not those of the other's."""
    commands = one.causes[0].commands if one.causes else ()
    return bool(commands) and not (other.causes and commands == other.causes[0].commands)


def _mend_from_source(world: BrokenWorld) -> Mended:
    """Build the world again, and apply what the diagnosis from the source alone puts first."""
    stage = Stage(world.told)
    error = stage.attempt()
    return _mend(stage, error, stage.diagnose(SOURCE, error), _bystanders(stage), rounds=1)


def _bystanders(stage: Stage) -> dict[str, bool]:
    told = [*stage.told.get("can", []), *stage.told.get("cannot", [])]
    return {json.dumps(each): stage.bystander(each) for each in told}
