"""Names under which a credential is written, and names that only look like it."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest

from xacct_nb.redaction.names import is_credential_name, is_external_id_name

MODELS = Path(botocore.__file__).parent / "data"
# Parts of the names of credentials in AWS's service models.
PARTS = (
    "secret",
    "passw",
    "passphrase",
    "token",
    "key",
    "credential",
    "pinblock",
    "otp",
    "jwt",
    "seed",
    "assert",
)
# Members that AWS marks `sensitive` and that hold no credential: ids, ARNs, names, addresses of a service,
# public keys, a request's own token, a page's token, and what only sounds like a key.
NO_CREDENTIAL = {
    "kmskeyarn", "kmskeyid", "kmsmasterkeyid", "ssekmskeyid", "keyid",
    "clientcredentialsarn", "mediaurisecretarn", "secretid", "objectkey", "partitionkey",
    "tagkey", "key", "keyvalue", "keyprefix", "keywordregex",
    "solutionkey", "publickey", "applicationserverpublickey", "oauthtokenendpointurl", "nexttoken",
    "clienttoken", "clientrequesttoken", "idempotencytoken",
}  # fmt: skip
NAMES = json.loads((Path(__file__).parent / "cases" / "credential_names.json").read_text())


@pytest.mark.parametrize("name", NAMES["credential"])
def test_the_name_of_a_credential_is_known(name: str) -> None:
    assert is_credential_name(name)


@pytest.mark.parametrize("name", NAMES["no credential"])
def test_a_name_that_only_looks_like_one_is_not(name: str) -> None:
    assert not is_credential_name(name)


@pytest.mark.parametrize(
    "name", ["external_id", "sts:ExternalId", "ExternalId", "--external-id", "External ID"]
)
def test_the_name_of_an_external_id_is_known(name: str) -> None:
    assert is_external_id_name(name)
    assert not is_credential_name(name)


def test_every_sensitive_member_of_botocore_that_names_a_credential_is_known() -> None:
    sensitive = {name for name, marked in members() if marked and any(part in name.lower() for part in PARTS)}
    unknown = {name for name in sensitive if not is_credential_name(name)}

    assert len(sensitive) > 150
    assert {name for name in unknown if name.lower() not in NO_CREDENTIAL} == set()


def test_no_token_that_pages_or_repeats_a_request_is_a_credential() -> None:
    tokens = {*page_tokens(), *(name for shape in shapes() for name in idempotency_tokens(shape))}

    assert len(tokens) > 40
    assert [name for name in tokens if is_credential_name(name)] == []


def shapes() -> Iterator[dict[str, Any]]:
    """Every service's shapes, as the installed botocore has them."""
    for path in MODELS.glob("*/*/service-2.json.gz"):
        yield json.loads(gzip.decompress(path.read_bytes()))["shapes"]


def members() -> Iterator[tuple[str, bool]]:
    """The name of each member that is text or bytes, and whether AWS marks it as sensitive."""
    for service in shapes():
        for shape in service.values():
            for name, member in shape.get("members", {}).items():
                target = service[member["shape"]]
                if target["type"] in ("string", "blob"):
                    yield name, bool(target.get("sensitive") or member.get("sensitive"))


def idempotency_tokens(service: dict[str, Any]) -> Iterator[str]:
    """The members that botocore fills in to make a request idempotent."""
    for shape in service.values():
        yield from (name for name, each in shape.get("members", {}).items() if each.get("idempotencyToken"))


def page_tokens() -> Iterator[str]:
    """The members that name the next page."""
    for path in MODELS.glob("*/*/paginators-1.json*"):
        content = path.read_bytes()
        model = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
        for each in model["pagination"].values():
            for token in (each["input_token"], each["output_token"]):
                yield from [token] if isinstance(token, str) else token
