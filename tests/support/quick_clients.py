"""What botocore computes for each client or call although it depends on the service alone, computed once.

The tests make tens of thousands of clients, each of which would take 5 ms, most of it for these. Of a call,
the user agent, the body for the signature and the moments in the response take a fifth.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from botocore import regions, useragent, utils
from botocore.awsrequest import AWSRequest
from botocore.client import ClientCreator
from botocore.context import get_context
from botocore.endpoint_provider import EndpointProvider
from botocore.hooks import EVENT_ALIASES, EventAliaser, NodeList, _PrefixTrie
from botocore.httpsession import URLLib3Session, create_urllib3_context
from botocore.useragent import UserAgentString
from dateutil.tz import tzutc

_MOST_RULESETS = 64
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z")


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
    set_attribute(UserAgentString, "to_string", _once_for_each_client(UserAgentString.to_string))
    set_attribute(AWSRequest, "body", property(_body))
    parse = utils._parse_timestamp_with_tzinfo
    set_attribute(utils, "_parse_timestamp_with_tzinfo", _of_utc_or(parse))


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


def _once_for_each_client(make: Callable[[UserAgentString], str]) -> Callable[[UserAgentString], str]:
    """Return what makes a user agent again only where the features in use are others."""

    def make_once_of(agent: UserAgentString) -> str:
        session = agent._session_user_agent_name, agent._session_user_agent_version
        features = frozenset(context.features if (context := get_context()) else ())
        own = agent._session_user_agent_extra, agent._client_config, frozenset(agent._client_features or ())
        known: dict[Any, str] = agent.__dict__.setdefault("_known", {})
        if (found := known.get((*session, features, *own))) is None:
            found = known[(*session, features, *own)] = make(agent)
        return found

    return make_once_of


def _body(request: AWSRequest) -> Any:
    """Return the body of a request without preparing the rest of it."""
    body = request._request_preparer._prepare_body(request)
    return body.encode() if isinstance(body, str) else body


def _of_utc_or(parse: Callable[[Any, Any], datetime]) -> Callable[[Any, Any], datetime]:
    """Return what reads a moment as IAM and STS write it, and leaves any other to botocore."""

    def read(value: Any, tzinfo: Any) -> datetime:
        if isinstance(value, str) and _UTC.fullmatch(value):
            return datetime.fromisoformat(value).replace(tzinfo=tzutc())
        return parse(value, tzinfo)

    return read


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
