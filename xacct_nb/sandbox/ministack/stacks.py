"""Gives roles that CloudFormation makes their permissions boundary, which MiniStack leaves out."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ministack import app
from ministack.services import iam

Made = tuple[str, dict[str, Any]]
_ROLE = "AWS::IAM::Role"


def install() -> None:
    """Add it once MiniStack loads its CloudFormation, which most sandboxes never need."""
    app._get_module = partial(_loaded, app._get_module)


def _loaded(load: Callable[[str], Any], name: str) -> Any:
    is_first = name == "cloudformation" and name not in app._loaded_modules
    module = load(name)
    if is_first:
        from ministack.services.cloudformation import provisioners

        functions = provisioners._RESOURCE_HANDLERS[_ROLE]
        functions["create"] = partial(_created, functions["create"])
        functions["update"] = partial(_updated, functions["update"])
    return module


def _created(
    create: Callable[..., Made], logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> Made:
    return _bounded(create(logical_id, properties, stack_name), properties)


def _updated(
    update: Callable[..., Made],
    physical_id: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *more: Any,
    **named: Any,
) -> Made:
    return _bounded(update(physical_id, before, after, *more, **named), after)


def _bounded(made: Made, properties: Mapping[str, Any]) -> Made:
    iam._roles[made[0]]["PermissionsBoundary"] = properties.get("PermissionsBoundary")
    return made
