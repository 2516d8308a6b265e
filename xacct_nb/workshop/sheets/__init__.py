"""The sheets of the workshop in their order, one module each."""

from functools import cache
from importlib import import_module

from xacct_nb.errors import InvalidInput
from xacct_nb.validation import nearest
from xacct_nb.workshop.exercise import Sheet

# Their modules, in the order of the workshop; each has a SHEET.
_MODULES = (
    "s01_two_policies",
    "s02_who_is_trusted",
    "s03_confused_deputy",
    "s04_role_chaining",
    "s05_mfa",
    "s06_iam_tutorial",
    "s07_break_and_fix",
    "s08_least_privilege",
)


@cache
def all_sheets() -> tuple[Sheet, ...]:
    """Return all sheets in their order."""
    return tuple(import_module(f"{__name__}.{module}").SHEET for module in _MODULES)


def sheet_named(name: str) -> Sheet:
    """Return a sheet by its name, with or without its number. Raises InvalidInput for another name."""
    for sheet in all_sheets():
        if name in (sheet.name, sheet.stem, str(sheet.number)):
            return sheet
    names = [sheet.name for sheet in all_sheets()]
    meant = nearest(name, names)
    raise InvalidInput(
        f"There is no sheet {name[:80]!r}.",
        why=f"The sheets are: {', '.join(names)}.",
        hint=f"Did you mean {meant}?" if meant else "Use one of these names.",
    )
