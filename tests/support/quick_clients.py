"""What botocore computes for each client although it depends on the service alone, computed once per process.

The tests make tens of thousands of clients, each of which would take 5 ms, most of it for these.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore import regions, useragent
from botocore.client import ClientCreator
from botocore.endpoint_provider import EndpointProvider
from botocore.hooks import EVENT_ALIASES, EventAliaser, NodeList, _PrefixTrie
from botocore.httpsession import URLLib3Session, create_urllib3_context

_MOST_RULESETS = 64


def make_once(set_attribute: Callable[[Any, str, Any], None]) -> None:
    """Let clients of a service share what has no state of theirs: methods, rules of endpoints, words."""
    for name in ("_create_methods", "_create_name_mapping"):
        set_attribute(ClientCreator, name, _by_service(getattr(ClientCreator, name)))
    set_attribute(regions, "EndpointProvider", _shared_provider)
    set_attribute(_PrefixTrie, "append_item", _append)
    set_attribute(_PrefixTrie, "remove_item", _removing(_PrefixTrie.remove_item))
    set_attribute(_PrefixTrie, "__copy__", _copy_of)
    set_attribute(EventAliaser, "__init__", _with_known_names(EventAliaser.__init__))
    set_attribute(URLLib3Session, "_get_ssl_context", _one_for_all(create_urllib3_context))
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


def _one_for_all(make: Callable[[], Any]) -> Callable[[Any], Any]:
    """Return what gives the context of TLS, which a connection to https sets before each use."""
    one = cache(make)
    return lambda session: one()


def _with_known_names(init: Callable[..., None]) -> Callable[..., None]:
    """Let all emitters know the names of events that one of them has translated."""
    known: dict[str, str] = {}

    def init_knowing(aliaser: EventAliaser, emitter: Any, aliases: Any = None) -> None:
        init(aliaser, emitter, aliases)
        if aliaser._event_aliases == EVENT_ALIASES:
            aliaser._alias_name_cache = known

    return init_knowing


def _copy_of(trie: _PrefixTrie) -> _PrefixTrie:
    """Return a copy of a trie of handlers, which shares its nodes: none of them is ever changed."""
    copied = _PrefixTrie()
    copied._root = trie._root
    return copied


def _append(trie: _PrefixTrie, key: str, value: Any, section: int = 1) -> None:
    """Add a handler as botocore does, in copies of the nodes on the way to it."""
    trie._root = node = _node(trie._root)
    for part in key.split("."):
        children = node["children"]
        node = children[part] = _node(children.get(part, {"chunk": part, "values": None, "children": {}}))
    node["values"] = NodeList(*(list(handlers) for handlers in node["values"] or ((), (), ())))
    node["values"][section].append(value)


def _node(node: dict[str, Any]) -> dict[str, Any]:
    return {**node, "children": dict(node["children"])}


def _removing(remove: Callable[..., None]) -> Callable[..., None]:
    def copy_and_remove(trie: _PrefixTrie, key: str, value: Any) -> None:
        trie._root = trie._recursive_copy(trie._root)
        remove(trie, key, value)

    return copy_and_remove
