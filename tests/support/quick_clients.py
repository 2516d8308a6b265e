"""What botocore computes for each client although it depends on the service alone, computed once per process.

The tests make tens of thousands of clients, each of which would take 5 ms, most of it for these.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore import hooks, regions, useragent
from botocore.client import ClientCreator
from botocore.endpoint_provider import EndpointProvider
from botocore.hooks import NodeList

_MOST_RULESETS = 64


def make_once(set_attribute: Callable[[Any, str, Any], None]) -> None:
    """Let clients of a service share what has no state of theirs: methods, rules of endpoints, words."""
    for name in ("_create_methods", "_create_name_mapping"):
        set_attribute(ClientCreator, name, _by_service(getattr(ClientCreator, name)))
    set_attribute(regions, "EndpointProvider", _shared_provider)
    set_attribute(hooks._PrefixTrie, "_recursive_copy", lambda trie, node: _copied(node))
    clean = useragent.sanitize_user_agent_string_component
    set_attribute(useragent, "sanitize_user_agent_string_component", cache(clean))


def _by_service(make: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    made: dict[tuple[str, str], dict[str, Any]] = {}

    def make_or_copy(creator: ClientCreator, model: Any) -> dict[str, Any]:
        service = model.service_name, model.api_version
        if service not in made:
            made[service] = make(creator, model)
        return dict(made[service])

    return make_or_copy


_PROVIDERS: dict[tuple[int, Any], tuple[Any, EndpointProvider]] = {}


def _shared_provider(ruleset_data: Any, partition_data: Any, excluded_params: Any = None) -> EndpointProvider:
    """Return the provider of a ruleset, of which a loader of botocore's has one."""
    known = id(ruleset_data), frozenset(excluded_params or ())
    if known not in _PROVIDERS:
        if len(_PROVIDERS) >= _MOST_RULESETS:
            _PROVIDERS.clear()
        # It is kept too, so that no other one has its id.
        _PROVIDERS[known] = ruleset_data, EndpointProvider(ruleset_data, partition_data, excluded_params)
    return _PROVIDERS[known][1]


def _copied(node: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a trie of handlers as botocore makes it, without four calls for each node."""
    copied: dict[str, Any] = {}
    for key, value in node.items():
        if type(value) is NodeList:
            first, middle, last = value
            copied[key] = tuple.__new__(NodeList, (first[:], middle[:], last[:]))
        else:
            copied[key] = _copied(value) if type(value) is dict else value
    return copied
