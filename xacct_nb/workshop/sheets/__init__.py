"""The sheets of the workshop in their order, one module each."""

from functools import cache
from importlib import import_module

from xacct_nb.errors import InvalidInput
from xacct_nb.validation import suggestion
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
    "s09_revoke_and_clean_up",
    "s10_control_policies",
    "s11_hand_over",
)


@cache
def all_sheets() -> tuple[Sheet, ...]:
    """Return all sheets in their order."""
    return tuple(import_module(f"{__name__}.{module}").SHEET for module in _MODULES)


def find_sheet(name: str) -> Sheet | None:
    """Return a sheet by its name, with or without its number, or by its number alone."""
    return next((each for each in all_sheets() if name in (each.name, each.stem, str(each.number))), None)


def sheet_named(name: str) -> Sheet:
    """Return a sheet as `find_sheet` does. Raises InvalidInput for another name."""
    if sheet := find_sheet(name):
        return sheet
    names = [sheet.name for sheet in all_sheets()]
    raise InvalidInput(
        f"There is no sheet {name[:80]!r}.",
        why=f"The sheets are: {', '.join(names)}.",
        hint=suggestion(name, names),
    )
