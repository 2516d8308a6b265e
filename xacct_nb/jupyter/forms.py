"""Forms: a person edits the value that came from the parameters; without a person it passes through."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from xacct_nb.changes.plan import Plan
from xacct_nb.errors import InvalidGrant, InvalidInput, UnresolvedSecret
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.linting.findings import lint
from xacct_nb.views import Page, Shown, Text, View

LABELS = {
    "sources": "Source ARN",
    "destinations": "Destination role",
    "permissions": "What the role may do",
    "external_id": "External ID",
    "session_minutes": "Session minutes",
    "accept": "Accept findings",
}
_REFERENCE = re.compile(r"(env|file):.+")
_ENOUGH = 8


class GrantForm(Shown):
    """The grant as fields to edit, with both sides' policies below.

    `.grant` is the last valid one, its external ID looked up; `.problem` is what is wrong with the fields as
    they stand, None where they are the grant. Raises UnresolvedSecret, OverQuota.
    """

    def __init__(self, grant: Grant, resolve: Callable[[Grant], Grant], *, live: bool) -> None:
        self._resolve, self._live = resolve, live
        self.problem: InvalidInput | None = None
        self._take(grant)

    def view(self) -> View:
        """The grant and both sides' policies beside each other, or what is wrong with the fields."""
        if self.problem is not None:
            return Page(self.headline, self.details)
        return Page(f"Grant {self.grant.name}", (self.grant.view(), *self.sides))

    @property
    def sides(self) -> tuple[View, ...]:
        """What deserves a second look in both sides' policies, and the policies."""
        return *([self._findings.view()] if self._findings.found else []), self._documents.view()

    @property
    def wrong(self) -> str:
        """The field that is not valid; "" where all are, or where it is more than one field's fault."""
        if isinstance(self.problem, UnresolvedSecret):
            return "external_id"
        place = self.problem.what.partition(":")[0].split(".") if self.problem else []
        return next((name for name in LABELS if name in place), "")

    @property
    def headline(self) -> str:
        """That something is not valid, and what counts until then; the same while one field is typed in."""
        subject = LABELS.get(self.wrong, "The grant")
        return f"{subject}: not valid. The last valid grant counts until it is." if self.problem else ""

    @property
    def details(self) -> tuple[View, ...]:
        """What is wrong, why, and how to mend it."""
        if (found := self.problem) is None:
            return ()
        place, _, rest = found.what.partition(": ")
        # The headline names the field already, as the person sees it.
        what = rest if self.wrong and self.wrong in place.split(".") else found.what
        return Text(what, "bad"), *(Text(line) for line in (found.why, found.hint) if line)

    @property
    def reference(self) -> str:
        """Where the external ID is found; "" where there is none, or where it was given itself."""
        shown = str(self._given.to_json()["conditions"]["external_id"])
        return shown if _REFERENCE.fullmatch(shown) else ""

    @property
    def hides(self) -> bool:
        """Whether the parameters gave an external ID itself: it is kept, and not shown."""
        return bool(self._given.conditions.external_id.get_secret_value()) and not self.reference

    @property
    def widens(self) -> bool:
        """Whether the grant widens access, which needs its word."""
        return bool(self._findings.unaccepted or self.grant.accept)

    def edit(self, **fields: Any) -> None:
        """Takes new values of fields; what is not valid becomes `.problem`, and the grant stays as it was."""
        self._try(lambda: fields)

    def fill(self, typed: Mapping[str, Any]) -> None:
        """The same with what is typed in the form: an ARN a line, `actions on resources`, a reference."""
        self._try(lambda: self._read(typed))

    @cached_property
    def widget(self) -> Any:
        """The form as one ipywidgets box, the same each time it is shown: the policies follow its fields."""
        from xacct_nb.jupyter.widgets import grant_box

        return grant_box(self)

    def _try(self, read: Callable[[], Mapping[str, Any]]) -> None:
        try:
            self._take(Grant(**{**dict(self._given), **read()}))
        except InvalidInput as problem:
            self.problem = problem

    def _take(self, given: Grant) -> None:
        grant = self._resolve(given)
        documents = build(grant)
        self._given, self.grant, self._documents, self._findings = given, grant, documents, lint(documents)
        self.problem = None

    def _read(self, typed: Mapping[str, Any]) -> dict[str, Any]:
        conditions = dict(self._given.conditions)
        if typed["external_id"].strip() != self.reference:
            conditions["external_id"] = _reference(typed["external_id"].strip())
        return {
            "sources": _arns(typed["sources"]),
            "destinations": _arns(typed["destinations"]),
            "permissions": _permissions(typed["permissions"], self._given),
            "conditions": conditions,
            "session_minutes": typed["session_minutes"],
            "accept": typed["accept"].replace(",", " ").split(),
        }

    def _ipython_display_(self) -> None:
        _display(self, live=self._live)


class ApprovalForm(Shown):
    """Asks whether exactly this plan is approved; `.digest` is the digest approved, "" while none is.

    Where a person approved it here, `.at` is when, and `.approved_since` when the plan was shown (UTC).
    """

    def __init__(
        self, plan: Plan, given: str, *, live: bool, note: str = "", clock: Callable[[], str] = str
    ) -> None:
        self.plan, self.digest, self._live = plan, given, live
        self.note, self._clock, self._shown, self.at = note, clock, clock(), ""

    @property
    def approved_since(self) -> str:
        """When the plan was shown that a person approved here; "" where nobody did."""
        return self._shown if self.at else ""

    def view(self) -> View:
        """What was approved, and what is still to be done."""
        if not self.plan.changes:
            return Text("There is nothing to approve.", "note")
        if self.digest == self.plan.digest:
            return Text(f"Approved: {self.digest}", "good")
        if self.digest:
            other = f"The approval {self.digest[:12]} is for another plan."
            return Text(f"{other} This one has the digest {self.plan.digest}", "bad")
        if self._live:
            return Text("Not approved. The digest is the last line of the plan above.", "note")
        return Text(f"Not approved. To approve this plan: --approve {self.plan.digest}", "note")

    def fits(self, typed: str) -> bool:
        """Whether this is the plan's digest, or at least its first 8 characters."""
        words = typed.strip().lower()
        return bool(self.plan.changes) and len(words) >= _ENOUGH and self.plan.digest.startswith(words)

    def approve(self, typed: str) -> None:
        """Approves the plan, if what is typed fits its digest."""
        if self.fits(typed):
            self.digest, self.at = self.plan.digest, self._clock()

    def hint(self, typed: str) -> View:
        """What to say while the digest is typed."""
        if self.digest == self.plan.digest or len(typed.strip()) < _ENOUGH or self.fits(typed):
            return self.view()
        return Text("This is not how the digest of this plan begins.", "bad")

    @cached_property
    def widget(self) -> Any:
        """A field for the beginning of the digest, and a button: the same each time they are shown."""
        from xacct_nb.jupyter.widgets import approval_box

        return approval_box(self)

    def _ipython_display_(self) -> None:
        _display(self, live=self._live and bool(self.plan.changes))


def is_literal(typed: str, reference: str) -> bool:
    """Whether an external ID itself was typed, in place of where it is found."""
    words = typed.strip()
    return words not in ("", reference) and not _REFERENCE.fullmatch(words)


def typed_permissions(grant: Grant) -> str:
    """The grant's permissions as a person types them."""
    lines = (f"{', '.join(each.actions)} on {', '.join(each.resources)}" for each in grant.permissions)
    return "\n".join(lines)


def _reference(words: str) -> str:
    if is_literal(words, ""):
        raise InvalidGrant(
            "conditions.external_id: The field takes a reference, not the external ID itself.",
            why="What is typed here can be saved with the notebook, and an external ID is to stay unknown.",
            hint="Put it into a file or an environment variable, and type file:PATH or env:NAME here.",
        )
    return words


def _permissions(typed: str, grant: Grant) -> Any:
    if typed == typed_permissions(grant):
        return grant.permissions
    return [_permission(line.strip()) for line in typed.splitlines() if line.strip()]


def _permission(line: str) -> dict[str, list[str]]:
    actions, _, resources = line.partition(" on ")
    if not resources:
        raise InvalidGrant(
            f"permissions: {line!r} names no resource.",
            why="A line reads: actions on resources, each with commas between.",
            hint="Write it like s3:GetObject on arn:aws:s3:::reports/*.",
        )
    # A resource may have spaces and commas in its name.
    parts = re.split(r",\s*(?=arn:|\*)", resources.strip())
    return {"actions": actions.replace(",", " ").split(), "resources": parts}


def _arns(typed: str) -> list[str]:
    """The words, also those that were copied out of a JSON document with their quotes."""
    return [re.sub(r"""^(["'])(.*)\1,?$""", r"\2", word) for word in typed.split()]


def _display(form: GrantForm | ApprovalForm, *, live: bool) -> None:
    from IPython.display import publish_display_data

    from xacct_nb.views import html

    if live:
        elsewhere = {"text/plain": "A form stands here: run the cell to see it."}
        publish_display_data({**form.widget._repr_mimebundle_(), **elsewhere})
    else:
        publish_display_data({"text/plain": str(form), "text/html": html(form.view())})
