"""The page of a reviewer: each grant with keep, narrow or end, and a button that saves the answers."""

from typing import Any

from xacct_nb.jupyter.offline_page import to_offline_page
from xacct_nb.records.review.answers import DECISIONS, REVIEW_NAMESPACE
from xacct_nb.records.review.item import SOURCES, ReviewItem, figure_for
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
        has_usage=_has_usage,
        label=_label,
    )


def _data(sheet: ReviewSheet) -> dict[str, Any]:
    """Return what the script needs besides the page."""
    head = {"review": sheet.digest, "campaign": sheet.campaign, "reviewer": sheet.reviewer}
    items = [
        {"key": each.key, "parts": [part.key for part in each.parts], "expires": each.expires[:10]}
        for each in sheet.items
    ]
    return {"head": head, "items": items, "decisions": DECISIONS}


def _has_usage(item: ReviewItem) -> bool:
    """Return whether what is used was read, so that parts are proposed by it."""
    return any(each.because for each in item.parts)


def _label(part: Any) -> str:
    """Return the field of a part in words."""
    return "source" if part.where == SOURCES else "policy" if part.where == "managed_policies" else "action"
