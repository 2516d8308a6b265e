"""The page of a reviewer: each grant with keep, narrow or end, and a button that saves the answers."""

from typing import Any

from xacct_nb.jupyter.offline_page import to_offline_page
from xacct_nb.records.review.answers import DECISIONS, REVIEW_NAMESPACE
from xacct_nb.records.review.item import SOURCES, NarrowPart, ReviewItem, figure_for
from xacct_nb.records.review.sheet import ReviewSheet

_FEW = 3  # accounts that an item names without being opened
_BAD = ("ended", "unused", "not-proven", "differs")


def to_review_page(sheet: ReviewSheet) -> str:
    """Return what a reviewer is asked as one HTML file; without its script, all of it can be read."""
    return to_offline_page(
        "review_page",
        sheet=sheet,
        data=_data(sheet),
        few=_FEW,
        figure=figure_for(sheet.items),
        namespace=REVIEW_NAMESPACE,
        bad=_BAD,
        about_parts=_about_parts,
        label=_label,
    )


def _data(sheet: ReviewSheet) -> dict[str, Any]:
    """Return what the script needs besides the page."""
    head = {"review": sheet.digest, "campaign": sheet.campaign, "reviewer": sheet.reviewer}
    items = [{"key": each.key, "parts": [_part(part) for part in each.parts]} for each in sheet.items]
    return {"head": head, "items": items, "decisions": DECISIONS}


def _part(part: NarrowPart) -> dict[str, Any]:
    """Return the key of a part, whether it is a source, and whether something of it stays."""
    return {"key": part.key, "isSource": part.where == SOURCES, "stays": bool(part.stays)}


def _about_parts(item: ReviewItem) -> str:
    """Return what the ticks of a grant's parts mean."""
    if any(each.is_proposed for each in item.parts):
        return "Ticked is what was not used, as AWS reports it. Tick what goes."
    if any(each.because for each in item.parts):
        return "Nothing is proposed, for the reasons below. Tick what goes."
    return "What is used could not be read, so nothing is proposed. Tick what goes."


def _label(part: NarrowPart) -> str:
    """Return the field of a part in words."""
    return "source" if part.where == SOURCES else "policy" if part.where == "managed_policies" else "action"
