"""Sends HTTP requests to a sandbox, whatever proxy the environment names."""

import json
import urllib.request
from typing import Any

from xacct_nb.sandbox.http.local_access import TOKEN_HEADER

DEADLINE = 20.0
"""Seconds within which a sandbox has to respond."""

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def send(endpoint: str, token: str, path: str, method: str = "GET", value: Any = None) -> Any:
    """Send a request to a path of the sandbox's own; return the JSON of its response, None for an empty one.

    Raises OSError (HTTPError for a refusal), HTTPException or ValueError.
    """
    data = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(f"{endpoint}{path}", data, {TOKEN_HEADER: token}, method=method)
    with _direct.open(request, timeout=DEADLINE) as response:
        body = response.read()
    return json.loads(body) if body else None
