"""Worlds in which one thing is broken, or two, or none: what the diagnosis says, and what its mend does."""

from typing import Any

import pytest

from support.broken_worlds import BrokenWorld, WhatHappened, pass_through, worlds
from support.world_stage import BOTH, DESTINATION, SOURCE, TEXT, VIEWS
from support.world_verdicts import (
    bystanders_not_as_told,
    figures,
    harmed,
    not_mended,
    wrong_claims,
    wrong_ranking,
)

WORLDS = list(worlds())


def marked(part: str) -> list[Any]:
    """The worlds, with a strict mark on those of which this part is known to fail."""
    return [
        pytest.param(world, id=str(world), marks=pytest.mark.xfail(strict=True, reason=why) if why else ())
        for world in WORLDS
        for why in [world.failing(part)]
    ]


@pytest.fixture
def seen(world: BrokenWorld) -> WhatHappened:
    return pass_through(world)


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_the_world_is_as_its_file_says(world: BrokenWorld, seen: WhatHappened) -> None:
    assert bool(seen.error) is not bool(world.told.get("fine")), seen.error
    assert not bystanders_not_as_told(world, seen.before)


@pytest.mark.parametrize("world", marked(BOTH))
def test_from_both_sides_the_right_cause_is_first(world: BrokenWorld, seen: WhatHappened) -> None:
    assert not wrong_claims(world, seen, BOTH)
    assert not wrong_ranking(world, seen, BOTH)


@pytest.mark.parametrize("world", marked(SOURCE))
def test_from_the_source_alone_nothing_wrong_is_certain(world: BrokenWorld, seen: WhatHappened) -> None:
    assert not wrong_claims(world, seen, SOURCE)
    assert not wrong_ranking(world, seen, SOURCE)


@pytest.mark.parametrize("world", marked(DESTINATION))
def test_from_the_destination_and_the_text_nothing_wrong_is_certain(
    world: BrokenWorld, seen: WhatHappened
) -> None:
    assert not wrong_claims(world, seen, DESTINATION)


@pytest.mark.parametrize("world", marked(TEXT))
def test_from_the_text_alone_only_what_it_proves_is_certain(world: BrokenWorld, seen: WhatHappened) -> None:
    assert not wrong_claims(world, seen, TEXT)
    assert not wrong_ranking(world, seen, TEXT)


@pytest.mark.parametrize("world", marked("mend"))
def test_with_the_mend_the_call_works_and_nobody_else_is_affected(
    world: BrokenWorld, seen: WhatHappened
) -> None:
    assert not not_mended(world, seen)
    assert not harmed(world, seen), seen.mended.applied


@pytest.mark.parametrize("view", VIEWS)
def test_no_secret_is_in_a_diagnosis(view: str) -> None:
    shown = [(world.title, str(pass_through(world).found[view])) for world in WORLDS]
    secrets = pass_through(WORLDS[0]).secrets

    assert not [title for title, text in shown for secret in secrets if secret in text]


def test_no_wrong_cause_is_certain_and_no_mend_is_harmful(capsys: pytest.CaptureFixture[str]) -> None:
    counted = figures((world, pass_through(world)) for world in WORLDS)
    with capsys.disabled():
        print("", *(f"{name}: {count} of {total}" for name, (count, total) in counted.items()), sep="\n")

    assert len(WORLDS) >= 150
    assert not counted["wrong causes that are certain"][0]
    assert not counted["harmful mends"][0]
