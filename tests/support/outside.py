"""A server on the loopback that stands for everything outside: what connects to it has left the sandbox."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as TABLE
from botocore.loaders import Loader

_ANSWER = b"HTTP/1.1 503 Outside\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# What botocore reads beside its table, and what its credential providers and other SDKs read.
_NAMES = (
    "REGION ENDPOINT_URL ACCESS_KEY_ID SECRET_ACCESS_KEY SESSION_TOKEN SECURITY_TOKEN CREDENTIAL_EXPIRATION "
    "ROLE_ARN ROLE_SESSION_NAME WEB_IDENTITY_TOKEN_FILE CONTAINER_CREDENTIALS_FULL_URI CREDENTIAL_FILE "
    "CONTAINER_CREDENTIALS_RELATIVE_URI CONTAINER_AUTHORIZATION_TOKEN CONTAINER_AUTHORIZATION_TOKEN_FILE "
    "EC2_METADATA_DISABLED S3_US_EAST_1_REGIONAL_ENDPOINT S3_DISABLE_MULTIREGION_ACCESS_POINTS "
    "S3_USE_ARN_REGION"
)
MORE = (*(f"AWS_{name}" for name in _NAMES.split()), "BOTO_CONFIG")
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
USED = ("STS", "IAM", "S3", "ACCESSANALYZER", "CLOUDTRAIL", "ORGANIZATIONS", "SSO", "SSO_OIDC", "SIGNIN")


class Outside:
    """Its address, and how many have connected to it."""

    def __init__(self, listener: socket.socket) -> None:
        self.address = f"127.0.0.1:{listener.getsockname()[1]}"
        self.connections = 0
        self._listener = listener

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.sendall(_ANSWER)

    def value_of(self, variable: str, folder: Path) -> str:
        """What a variable may hold to lead outside: a URL, a file with a profile that does, a credential."""
        config, token = folder / "outside_config", folder / "outside_token"
        profile = f"region = eu-west-1\nendpoint_url = http://{self.address}\n"
        names = ("default", "profile outside", "profile alice", "profile hub", "profile source-admin")
        process = f"credential_process = curl -s http://{self.address}\n"
        config.write_text("".join(f"[{name}]\n{profile}{process}" for name in names))
        token.write_text("token")
        if variable.endswith(("_CONFIG_FILE", "_CREDENTIALS_FILE", "_CONFIG", "_CREDENTIAL_FILE")):
            return str(config)
        if variable.endswith("TOKEN_FILE"):
            return str(token)
        return self._plain(variable)

    def _plain(self, variable: str) -> str:
        url = f"http://{self.address}"
        known = {
            "AWS_PROFILE": "outside",
            "AWS_DEFAULT_PROFILE": "outside",
            "AWS_CSM_HOST": "127.0.0.1",
            "AWS_CSM_PORT": self.address.rpartition(":")[2],
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ROLE_ARN": "arn:aws:iam::111111111111:role/outside",
            "AWS_ROLE_SESSION_NAME": "outside",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/outside",
            "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_RETRY_MODE": "standard",
            "AWS_DATA_PATH": "/nonexistent",
            "AWS_METADATA_SERVICE_TIMEOUT": "1",
            "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "1",
            "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "10240",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv4",
            "AWS_DEFAULTS_MODE": "standard",
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
            "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional",
            "AWS_CREDENTIAL_EXPIRATION": "2999-01-01T00:00:00Z",
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "preferred",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        }
        if variable in known:
            return known[variable]
        leads = "URL" in variable or variable.upper().endswith(("PROXY", "ENDPOINT", "FULL_URI"))
        return url if leads and "IGNORE" not in variable else "true"


def variables() -> list[str]:
    """Every variable that botocore reads, by its own table and beside it, and those of proxies."""
    named = [each[1] for each in TABLE.values() if isinstance(each, tuple)]
    names = [name for each in named if each for name in ([each] if isinstance(each, str) else each)]
    return [*dict.fromkeys([*names, *MORE, *PROXIES, *(f"AWS_ENDPOINT_URL_{each}" for each in USED)])]


def variables_of_services() -> list[str]:
    """`AWS_ENDPOINT_URL_<SERVICE>` of every service of AWS, as botocore makes it of the service's id."""
    loader = Loader()
    models = (
        loader.load_service_model(name, "service-2") for name in loader.list_available_services("service-2")
    )
    ids = {model["metadata"]["serviceId"] for model in models}
    return sorted(f"AWS_ENDPOINT_URL_{each.upper().replace(' ', '_')}" for each in ids)


@contextmanager
def outside() -> Iterator[Outside]:
    """Listen until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Outside(listener)
        threading.Thread(target=found.serve, daemon=True).start()
        yield found
        listener.shutdown(socket.SHUT_RDWR)
