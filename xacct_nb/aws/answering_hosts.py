"""Which endpoints answered the clients of this process, by their answers: AWS's own, or others."""

import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from botocore.loaders import Loader

_REGION = r"[a-z]{2,4}(-[a-z]+)+-\d+|us-gov|global"
_answered: dict[str, str] = {}


def forget_answers() -> None:
    """Forget the endpoints that answered so far."""
    _answered.clear()


def note_answer(http_response: Any, model: Any, **_: Any) -> None:
    """Note the endpoint behind a response; a handler of botocore's event `after-call`."""
    parts = urlsplit(http_response.url)
    url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # without a password
    if url not in _answered:
        _answered[url] = name_of_endpoint(url, model.service_model.endpoint_prefix)


def answering_endpoints(partition: str = "") -> str:
    """Return in words who answered: AWS with the partition, others by their address; "" for nobody."""
    if not _answered:
        return ""
    others = sorted({name for name in _answered.values() if name})
    own = f"AWS ({partition})" if partition else "AWS"
    if not others:
        return own
    foreign = [name for name in others if not name.startswith("vpce")]
    if not foreign:
        return f"{own} through {', '.join(others)}"
    mixed = f"; other calls: {own}" if len(foreign) < len(_answered) else ""
    verb = "is" if len(foreign) == 1 else "are"
    return f"{', '.join(foreign)}, which {verb} not AWS{mixed}"


def name_of_endpoint(url: str, prefix: str) -> str:
    """Return the address of an endpoint that is not AWS's own, "" for AWS's; `prefix` is the service's.

    A VPC endpoint is AWS's own, and is named too. A name below AWS's domains can be a customer's, such as
    that of a load balancer, so the whole name must be the service's.
    Sources: rande, privatelink-access-aws-services.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    found = _own_name(prefix).fullmatch(host)
    if parts.scheme != "https" or not found:
        return url
    return host if found["vpce"] else ""


@cache
def _own_name(prefix: str) -> re.Pattern[str]:
    outputs = [each["outputs"] for each in Loader().load_data("partitions")["partitions"]]
    suffixes = {each[name] for each in outputs for name in ("dnsSuffix", "dualStackDnsSuffix")}
    bucket = r"([a-z0-9.-]+\.)?" if prefix == "s3" else ""
    through = r"(?P<vpce>(bucket\.|accesspoint\.|control\.)?vpce-[a-z0-9-]+\.)?"
    service = rf"{re.escape(prefix)}(-fips)?(\.dualstack)?(\.({_REGION}))?(\.vpce)?"
    return re.compile(rf"{through}{bucket}{service}\.({'|'.join(map(re.escape, suffixes))})")
