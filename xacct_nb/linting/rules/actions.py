"""Rules on actions, resource types and condition keys by AWS's reference; without it they find nothing."""

from collections.abc import Iterator

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import IDENTITY, RESOURCE, RESOURCE_CONTROL, SERVICE_CONTROL
from xacct_nb.linting.rules.permissions import is_beside, names_everything
from xacct_nb.linting.rules.rule import NOTE, WARNING, Hit, Rule
from xacct_nb.linting.rules.subjects import Clause, LintStatement
from xacct_nb.linting.service_reference import (
    PERMISSIONS_MANAGEMENT,
    ServiceAction,
    ServiceReference,
    has_key,
    may_match,
    service_reference,
)

_PERMISSIONS = (IDENTITY, RESOURCE)
_ALL_BUT_TRUST = (*_PERMISSIONS, SERVICE_CONTROL, RESOURCE_CONTROL)
_WILD = {"*", "?"}


def _unknown_service(statement: LintStatement) -> Iterator[Hit]:
    if reference := service_reference():
        for element, action in _named(statement):
            service = action.partition(":")[0]
            if not reference.has_service(service):
                near = reference.near_service(service)
                better = f"Write {near}{action[len(service) :]}." if near else "Correct the service prefix."
                yield statement.location(element, action), f"{service!r}|{better}"


def _unknown_action(statement: LintStatement) -> Iterator[Hit]:
    if reference := service_reference():
        for element, action in _named(statement):
            service, _, name = action.partition(":")
            known = reference.has_service(service) and not _WILD & set(service)
            if known and not reference.actions(action):
                near = "" if _WILD & set(name) else reference.near_action(action)
                better = f"Write {near}." if near else "Correct the name, or remove the action."
                yield statement.location(element, action), f"{action}|{better}"


def _named(statement: LintStatement) -> Iterator[tuple[str, str]]:
    for element in ("Action", "NotAction"):
        yield from ((element, action) for action in statement.listed(element) if ":" in action)


def _without_resource(statement: LintStatement) -> Iterator[Hit]:
    """Find actions that have no resource type in a statement whose resources are all ARNs."""
    resources = statement.listed("Resource")
    if resources and statement.allows and "*" not in resources:
        for pattern, found in _exact(statement):
            if not found.arns:
                yield statement.location("Action", pattern), pattern


def _other_type(statement: LintStatement) -> Iterator[Hit]:
    resources = statement.listed("Resource")
    # The rule wildcard-resource covers those that name no resource at all.
    if resources and not any(names_everything(each) for each in resources):
        for pattern, found in _exact(statement):
            fits = any(may_match(each, arn) for each in resources for arn in found.arns)
            if found.arns and not fits and not is_beside(pattern, resources):
                yield statement.location("Action", pattern), f"{pattern}|{summarize(found.arns)}"


def _exact(statement: LintStatement) -> Iterator[tuple[str, ServiceAction]]:
    """Yield the actions of a statement that are named in full and known, each with what is known of it."""
    reference = service_reference()
    for pattern in statement.listed("Action") if reference else ():
        if reference and not _WILD & set(pattern):
            yield from ((pattern, found) for found in reference.actions(pattern))


def _unknown_key(statement: LintStatement) -> Iterator[Hit]:
    if reference := service_reference():
        for clause in statement.clauses:
            service = _service_of(clause, reference)
            if service and not has_key(reference.keys(service), clause.key):
                near = reference.near_key(clause.written)
                better = f"Write {near}." if near else "Correct the key, or remove the condition."
                yield statement.location("Condition", clause.written), f"{clause.written}|{better}"


def _key_elsewhere(statement: LintStatement) -> Iterator[Hit]:
    """Find conditions that need a key which some of the actions never have."""
    reference = service_reference()
    for clause in statement.clauses if reference and statement.listed("Action") else ():
        service = _service_of(clause, reference) if reference else ""
        if reference and service and clause.needs_key and has_key(reference.keys(service), clause.key):
            without = [each for each in statement.listed("Action") if _never_has(each, clause.key, reference)]
            if without:
                it = f"{summarize(without)}|{clause.written}"
                yield statement.location("Condition", clause.written), it


def _never_has(pattern: str, key: str, reference: ServiceReference) -> bool:
    found = reference.actions(pattern)
    return bool(found) and not any(has_key(each.keys, key) for each in found)


def _service_of(clause: Clause, reference: ServiceReference) -> str:
    """Return the service whose key it is; "" for global keys, and for those of identity providers."""
    prefix = clause.key.partition(":")[0]
    # The keys of sts depend on how the role is assumed, and the reference does not list them all.
    known = prefix not in ("aws", "sts") and "." not in prefix and "/" not in prefix
    return prefix if known and reference.data.services.service_exists(prefix) else ""


def _manages_permissions(statement: LintStatement) -> Iterator[Hit]:
    reference = service_reference()
    for pattern in statement.listed("Action") if reference and statement.allows else ():
        # The rule wildcard-action covers every action of a service.
        found = reference.actions(pattern) if reference and pattern.rpartition(":")[2].strip("*?") else ()
        if names := [each.name for each in found if PERMISSIONS_MANAGEMENT in each.levels]:
            others = f", with {len(names) - 1} more" if len(names) > 1 else ""
            yield statement.location("Action", pattern), names[0] + others


ACTION_RULES: tuple[Rule[LintStatement], ...] = (
    Rule("unknown-service", WARNING, _unknown_service,
        why="AWS has no service {it}, so this allows and denies nothing.",
        mend="{more}"),
    Rule("unknown-action", WARNING, _unknown_action,
        why="AWS's reference has no action {it}, so this allows and denies nothing.",
        mend="{more}"),
    Rule("action-without-resource", WARNING, _without_resource, (IDENTITY,),
        why="{it} has no resource type: it is allowed only with Resource *.",
        mend='Allow it in a statement of its own with "Resource": "*".'),
    Rule("resource-of-other-type", WARNING, _other_type, _PERMISSIONS,
        why="{it} does not apply to any of these resources, so the statement has no effect on it.",
        mend="Name a resource of its types: {more}."),
    Rule("unknown-condition-key", WARNING, _unknown_key, _ALL_BUT_TRUST,
        why="The service has no condition key {it}, so it is absent from every request.",
        mend="{more}"),
    Rule("key-not-for-action", WARNING, _key_elsewhere, _ALL_BUT_TRUST,
        why="{it} never has the key {more}, so for it the condition never holds.",
        mend="Move these actions into a statement without the condition, or remove them."),
    Rule("manages-permissions", NOTE, _manages_permissions, (IDENTITY,),
        why="It has the access level Permissions management ({it}): it can change who has access.",
        mend="Leave it out unless the caller must change permissions."),
)  # fmt: skip
