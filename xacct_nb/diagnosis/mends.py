"""Evaluates the fix of each cause before it is printed, alone and with the others; scopes its commands."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.cause import POSSIBLE, Cause, outcome
from xacct_nb.diagnosis.effects import Effect, effect_of
from xacct_nb.diagnosis.fixes.commands import assume_role, option_text, scoped, tag_principal
from xacct_nb.diagnosis.fixes.edits import CREATE, WRITE, Edit, free_name, is_holder, is_same, merged
from xacct_nb.diagnosis.fixes.fix import NO_FIX, Fix
from xacct_nb.diagnosis.fixes.size_limits import fitting
from xacct_nb.diagnosis.snapshot import CALLER, DESTINATION, OF_RESOURCES, SOURCE, TRUST

_CONTROL_POLICIES = ("service-control-policy", "resource-control-policy")
_MOST_STEPS = 5
_UNSHOWN = "what its commands change is in no policy that was read."
_PROTECTED = "AWS owns what would be edited, and nobody else can: change it where it is made from."
_MISSING = "No command is printed: AWS refuses a policy that names a caller who does not exist."
_NO_PATH = (
    "No command is printed: the role of a permission set has a path below aws-reserved/sso.amazonaws.com/; "
    "it was not read. Write its whole ARN, as GetRole returns it."
)
_PLACEHOLDERS = {CALLER: "CALLER", SOURCE: "SOURCE_ADMIN", DESTINATION: "DESTINATION_ADMIN"}


@dataclass
class _Together:
    """The fixes that are needed one after the other, with what they do together."""

    case: Case
    causes: list[Cause] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)
    effect: Effect | None = None

    def add(self, cause: Cause) -> Fix:
        """Return the cause's fix with the earlier ones in it, if it removes a cause that they leave."""
        fix = _after(cause.fix, self.fixes, self.case)
        if fix is None or (self.effect and self.effect.works):
            return cause.fix
        found = effect_of(self.case, [*self.fixes, fix])
        if self.effect and not found.works and _keys(found.left) >= _keys(self.effect.left):
            return cause.fix
        self.causes.append(cause)
        self.fixes.append(fix)
        self.effect = found
        return fix

    def __str__(self) -> str:
        if self.effect is None or len(self.causes) < 2:
            return ""
        names = ", ".join(f"{each.code} ({each.side})" for each in self.causes)
        return f"With the mends for {names} together {outcome(self.effect.works, self.effect.obstacle)}"


def evaluated(case: Case, causes: Iterable[Cause]) -> tuple[tuple[Cause, ...], str]:
    """Return the causes with what their mends do, and a sentence on what the mends do together."""
    together = _Together(case)
    found = tuple(_evaluated(case, each, together) for each in causes)
    return found, str(together)


def _evaluated(case: Case, cause: Cause, together: _Together) -> Cause:
    if cause.code in _CONTROL_POLICIES and case.holder.arn:
        cause = replace(cause, mend=f"{cause.mend} {_for_organization(case)}")
    if cause.fix.edits and not is_holder(case.holder.arn):
        return replace(cause, commands=(), fix=NO_FIX)
    if cause.fix.is_empty or cause.confidence == POSSIBLE:
        return replace(cause, obstacle=_UNSHOWN) if cause.commands else cause
    cause, effect = _completed(case, replace(cause, fix=fitting(case, cause.fix)))
    if effect.takes_from:
        taken = ", ".join(effect.takes_from)
        why = f"{cause.mend} No command is printed, because it might take away {taken}."
        return replace(cause, mend=why, commands=(), takes_from=effect.takes_from, fix=NO_FIX)
    if refusal := _refusal(case, cause.fix):
        return replace(cause, mend=f"{cause.mend} {refusal}", commands=(), fix=NO_FIX)
    fix = together.add(cause)
    effect = effect if fix == cause.fix else effect_of(case, [fix])
    return replace(
        cause,
        mend=" ".join((cause.mend, *_notes(case, fix))),
        commands=tuple(_commands(case, fix)) or cause.commands,
        works=effect.works,
        obstacle=effect.obstacle,
        lets_in=effect.lets_in,
    )


def _refusal(case: Case, fix: Fix) -> str:
    """Return why AWS would refuse the commands of a fix, "" where nothing says so."""
    names_caller = any(_side(case, edit) == DESTINATION for edit in fix.edits)
    rows = (
        (_PROTECTED, any(edit.is_protected for edit in fix.edits)),
        (_NO_PATH, case.lacks_reserved_path and names_caller and case.holder is case.caller_policies),
        (_MISSING, case.caller_is_missing and bool(fix.edits)),
    )
    return next((why for why, holds in rows if holds), "")


def _completed(case: Case, cause: Cause) -> tuple[Cause, Effect]:
    """Return the cause with a fix for all that it stands for: several Denies, for example, are one cause."""
    effect = effect_of(case, [cause.fix])
    for _ in range(_MOST_STEPS):
        is_rest = ((each.code, each.side) == (cause.code, cause.side) for each in effect.left)
        rest = [each for each, is_it in zip(effect.left, is_rest, strict=True) if is_it and each.fix.edits]
        if effect.works or not rest or not cause.fix.edits:
            break
        mend = cause.mend if rest[0].mend in cause.mend else f"{cause.mend} {rest[0].mend}"
        cause = replace(cause, fix=_followed(cause.fix, rest[0].fix), mend=mend)
        effect = effect_of(case, [cause.fix])
    return cause, effect


def _followed(fix: Fix, more: Fix) -> Fix:
    """Return a fix with one that was made for the policies after it."""
    edits = list(fix.edits)
    for edit in more.edits:
        known = [n for n, each in enumerate(edits) if is_same(each.policy, edit.policy)]
        if known:
            edits[known[0]] = replace(edits[known[0]], after=edit.after)
        else:
            edits.append(edit)
    return replace(fix, edits=tuple(edits), request=more.request or fix.request)


def _notes(case: Case, fix: Fix) -> Iterator[str]:
    """Yield what else the commands of a fix change, and what was guessed in it."""
    yield from (edit.note for edit in fix.edits if edit.note)
    yield from _where(case)
    if fix.edits and case.is_chained and case.entity is None and not case.attempt.role_was_assumed:
        yield f"Whether {case.principal} has a path was not read: write its whole ARN, as GetRole returns it."


def _where(case: Case) -> Iterator[str]:
    """Yield how a shell finds the profiles that are not in the user's own files."""
    names = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
    files = " ".join(
        f"{name}={shlex.quote(file)}" for name, file in zip(names, case.snapshot.profile_files, strict=False)
    )
    if files and case.snapshot.read_with:
        yield f"The profiles are in files of their own; run this first: `export {files}`."


def _for_organization(case: Case) -> str:
    """Return the smallest change of a control policy, for the one who owns the organization."""
    exemption = option_text({"ArnNotEquals": {"aws:PrincipalArn": case.holder.arn}})
    allowed = ", ".join(case.holder.actions)
    return (
        f"The smallest exemption is one more condition in the Deny: {exemption}. "
        f"Where no statement denies it, {allowed} on {case.holder.resource} is not allowed on some level."
    )


def _keys(causes: Sequence[Cause]) -> set[tuple[str, str, str]]:
    return {(each.code, each.side, each.why) for each in causes}


def _after(fix: Fix, earlier: Sequence[Fix], case: Case) -> Fix | None:
    """Return a fix with what earlier ones change in the same policies and the request; None if they clash."""
    edits = [edit for each in earlier for edit in each.edits]
    found = [_edit_after(each, edits) for each in fix.edits]
    if None in found:
        return None
    requests = [each.request for each in earlier if each.request]
    request, unsure = fix.request, fix.unsure
    if request and requests:
        parameters = requests[-1].parameters | _changes(request.parameters, case.attempt.parameters)
        role = request.role if request.role != case.attempt.role else requests[-1].role
        request = request.model_copy(update={"parameters": parameters, "role": role})
        unsure = "; ".join(dict.fromkeys(each.unsure for each in (*earlier, fix) if each.unsure))
    return replace(fix, edits=tuple(each for each in found if each), request=request, unsure=unsure)


def _edit_after(edit: Edit, earlier: Sequence[Edit]) -> Edit | None:
    for each in reversed(earlier):
        if is_same(each.policy, edit.policy) and each != edit:
            if edit.is_new and each.is_new and edit.how in (WRITE, CREATE):
                name = free_name(edit.policy.name, [one.policy.name for one in earlier])
                return replace(edit, policy=edit.policy.model_copy(update={"name": name}))
            return merged(edit, each)
    return edit


def _changes(wanted: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if given.get(name) != value}


def _commands(case: Case, fix: Fix) -> Iterable[str]:
    """Yield the commands of a fix, each with the profile and the endpoint of its side."""
    for edit in fix.edits:
        for command in edit.commands:
            yield _scoped(case, command, _side(case, edit))
    if fix.tags:
        yield _scoped(case, tag_principal(fix.tagged, fix.tags), SOURCE)
    if fix.request:
        yield _scoped(case, assume_role(fix.request), CALLER)


def _side(case: Case, edit: Edit) -> str:
    if edit.policy.kind in OF_RESOURCES:
        # It is in the account of the role, or of the caller itself, unless another one was read.
        is_elsewhere = bool(case.destination.resource_account)
        return DESTINATION if is_elsewhere is case.is_direct else SOURCE
    is_role = edit.policy.kind == TRUST or edit.policy.holder == case.role
    return DESTINATION if is_role else SOURCE


def _scoped(case: Case, command: str, side: str) -> str:
    profile = case.snapshot.read_with.get(side) or _PLACEHOLDERS[side]
    return scoped(command, profile, case.snapshot.endpoint_url)
