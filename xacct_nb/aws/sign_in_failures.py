"""What botocore's errors while a profile signs in mean, and what to do about each, as a table."""

import shlex
from collections.abc import Callable
from typing import Any

from botocore import exceptions as botocore
from botocore.session import Session as Core

from xacct_nb.aws.error_translation import text_of

NOT_AWS = (
    "The endpoint of STS returned something that is no response of AWS: it comes from a proxy, "
    "from the sign-in page of a network, or from another server."
)
NETWORK_HINT = "Check the network, the proxy (HTTPS_PROXY) and AWS_ENDPOINT_URL, then run it again."
PARSE_HINT = (
    "Correct the file: UTF-8 without a BOM, one section [profile NAME] for each profile, no name twice."
)
_SSO_HINT = "Sign in again, then run it again: aws sso login --profile {root}"
_LOGIN_HINT = "Sign in again, then run it again: aws login --profile {root}"
_TLS_HINT = (
    "Check the clock and the proxy. Where a proxy opens TLS, name its certificate: AWS_CA_BUNDLE=FILE."
)
_MACHINE_HINT = (
    "Only a machine with such a role gets these credentials: check credential_source and the AWS_CONTAINER_ "
    "variables, or name another profile."
)
_REGION_HINT = "Set one: aws configure set region REGION --profile {profile}"
_BY_PROVIDER = {
    "custom-process": "Run the command of credential_process by hand; it must print JSON with Version 1.",
    "Environment": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name another credential_source.",
}
# The error codes with which AWS refuses the credentials themselves.
_CODES = {
    "InvalidClientTokenId": "Its key was deleted or deactivated, or is of another partition: create one, "
    "or sign in again.",
    "UnrecognizedClientException": "Its key was deleted or deactivated: create one, or sign in again.",
    "SignatureDoesNotMatch": "Copy its secret access key again, without spaces.",
    "ExpiredToken": "Sign in again (aws sso login, aws login), or assume the role again, then run it again.",
    "ExpiredTokenException": "Sign in again (aws sso login, aws login), then run it again.",
    "OptInRequired": "The account is not active: its root user signs in to the console, and completes it.",
    "AccessDenied": "Find the cause: xacct-nb run diagnose_a_denial -p caller_profiles {profile}",
}

_Explain = Callable[[Any], tuple[str, str]]


def explain(problem: Exception, profile: str) -> tuple[str, str]:
    """Return why a profile cannot sign in, and what to do; "" for an error that is not in the table.

    Of a chain of profiles, the one that it begins with is signed in.
    """
    found = (how for kind, how in _FAILURES.items() if isinstance(problem, kind))
    why, hint = next(found, _as_it_is)(problem)
    root = root_of(profile)
    begins = f" Its chain begins with the profile {root!r}." if root != profile else ""
    return why + begins, hint.format(profile=shlex.quote(profile), root=shlex.quote(root))


def root_of(profile: str) -> str:
    """Return the profile whose own credentials a profile is signed in with: the end of its source_profile."""
    try:
        profiles = Core({"profile": (None, None, None, None)}).full_config.get("profiles", {})
    except botocore.BotoCoreError:
        return profile
    name, visited = profile, set[str]()
    while name not in visited and "role_arn" in (settings := profiles.get(name, {})):
        visited.add(name)
        name = settings.get("source_profile", name)
    return name


def _as_it_is(problem: Exception) -> tuple[str, str]:
    return str(problem), ""


def _with(hint: str, why: str = "") -> _Explain:
    return lambda problem: (why or str(problem), hint)


def _refused(problem: botocore.ClientError) -> tuple[str, str]:
    return text_of(problem), _hint_of(str(problem.response.get("Error", {}).get("Code")))


def _hint_of(code: str) -> str:
    # A number is the status of a response that has no code of AWS: a proxy's, or that of an outage.
    return NETWORK_HINT if code.isdecimal() else _CODES.get(code, "")


def _not_retrieved(problem: botocore.CredentialRetrievalError) -> tuple[str, str]:
    return str(problem), _BY_PROVIDER.get(str(problem.kwargs.get("provider")), _MACHINE_HINT)


_FAILURES: dict[type[Exception], _Explain] = {
    botocore.ClientError: _refused,
    botocore.NoCredentialsError: _with("", "It has no credentials."),
    botocore.ConfigParseError: lambda problem: (f"{problem}.", PARSE_HINT),
    botocore.SSOTokenLoadError: _with(_SSO_HINT, "Nobody has signed in with SSO on this machine."),
    botocore.UnauthorizedSSOTokenError: _with(_SSO_HINT, "Its SSO session has expired."),
    botocore.TokenRetrievalError: _with(_SSO_HINT, "Its SSO session has expired, and cannot be renewed."),
    botocore.MissingDependencyException: _with(
        "Install it: pip install 'xacct-nb[crt]'",
        "It has a login_session (`aws login`), which needs the package awscrt.",
    ),
    botocore.LoginRefreshRequired: _with(_LOGIN_HINT, "Its `aws login` session has expired."),
    botocore.LoginInsufficientPermissions: _with(
        "Ask the account's administrator for signin:CreateOAuth2Token, then run aws login again.",
        "Its `aws login` session may not be renewed.",
    ),
    botocore.LoginTokenLoadError: _with(
        _LOGIN_HINT, "Nobody has signed in with `aws login` on this machine."
    ),
    botocore.LoginError: _with(_LOGIN_HINT, "Its `aws login` session cannot be renewed."),
    botocore.NoRegionError: _with(_REGION_HINT, "It has no region, and signing in needs one."),
    botocore.InvalidRegionError: _with(_REGION_HINT),
    botocore.SSLError: _with(_TLS_HINT),
    botocore.MetadataRetrievalError: _with(_MACHINE_HINT),
    botocore.CredentialRetrievalError: _not_retrieved,
    botocore.InvalidIMDSEndpointError: _with("Correct AWS_EC2_METADATA_SERVICE_ENDPOINT, or remove it."),
    botocore.InfiniteLoopConfigError: _with("Set source_profile of one of them to a profile with keys."),
    botocore.ConnectionError: _with(NETWORK_HINT),
    botocore.HTTPClientError: _with(NETWORK_HINT),
}
