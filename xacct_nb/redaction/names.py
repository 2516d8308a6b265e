"""The names under which AWS, its tools and continuous-integration systems write a credential.

Sources: botocore's service models (members marked `sensitive`), the AWS SDKs and Tools Reference Guide
(settings, and the caches of `sso`, `login` and `cli`), and the variables that the vendors document.
"""

import re
from functools import lru_cache

# Each line ends a name, whatever stands before it. A space is "_", "-", ".", a capital letter or nothing.
_ENDINGS = """
secret|secret access key|secret key|secret key base|secret value|secret string|secret binary|secret token
secret hash|secret code|secret text|password|passwd|passphrase|passcode|password data|password base64
sshpass|pgpass|access key|access key id|private key|private key pem|private key base64|private key plaintext
api key|api key value|api key secret|account key|shared key|storage key|master key|encryption key
signing key|license key|stream key|activation key|customer key|application key|subscription key|admin key
recovery key|unseal key|fernet key|dpop key|host key|host key body|device specific key|vsan key|fi auth key
random key send|random key receive|secrets manager key|gen app key|nwk key|nwk s key|nwk s enc key
f nwk s int key|s nwk s int key|authorization key|private key ciphertext|token|token value
bearer token bedrock|token code|mfa code|mfa token|auth code|authentication code|authorization code
verification code|one time code|device code|code verifier|two factor pin|string seed|mfa seed|otp seed
totp seed|saml assertion|saml response|mac credentials|auth material|authentication material
payment credential|wallet file|proprietary authentication data|authorization signature|policy signature
signed connection string|connection string|auth config|webhook url|database url|redis url|mongodb uri
mongo url|key block|key cryptogram|wrapped key material|pin block|pin offset|auth request cryptogram
auth response value|user code|activation code|qr code png|key material|secret to authenticate initiator
secret to authenticate target|custom authentication credentials
"""
# These end a name only as words of their own, since they are parts of other words.
_WORDS = """
pass|pw|pat|jwt|otp|totp|pin|auth|basic auth|app key|app s key|mac key|auth key|cosign key|kaggle key
deploy key|session key|host key|cookie|credential|credentials|dsn|assertion|plaintext|seed|keytab|bearer
authorization|passwort|proxy authorization|vault secret id|approle secret id|bw session
"""
# A host, an account or a service follows these.
_PREFIXED = "tf token|op session|poetry pypi token|bearer token"
# Tokens that page, lock or repeat a request: what stands before "token".
_HARMLESS = """
next|previous|page|paging|pagination|continuation|continue|client|client request|request|idempotency|change
creation|create|update|updated|lock|sequence|starting|start|forward|backward|conditional|version|result
purchase|provision|execute|terminate|workflow|workflows|copy product|portfolio share|export|import
configuration|marker|chunk|message|resume|cancel|view version|view|block|first block|second block|term|offer
profile|license consumption|policy update|list|billing|clone|event source|rollback|collapse|grant|retrieval
pagination next|iterator|cursor|resource|reservation|unexpected
"""


def _alternatives(table: str) -> str:
    names = (name.strip() for line in table.strip().splitlines() for name in line.split("|"))
    return "|".join(name.replace(" ", "_?") for name in names)


_NAME = re.compile(
    rf"(?:.*(?:{_alternatives(_ENDINGS)})|(?:.*_)?(?:{_alternatives(_WORDS)}|[^_]+_pwd)"
    rf"|(?:{_alternatives(_PREFIXED)})_.+)"
)
_HARMLESS_NAME = re.compile(rf"(?:.*_)?(?:{_alternatives(_HARMLESS)})_?token|.*public_?key_?material")
_REQUESTED = re.compile(r".*token_?request_?token")
# Ordinary words, too: a value of such a name is a credential only if it looks like one.
_WEAK = re.compile(
    rf"(?:.*_)?(?:{_alternatives('pass|auth|cookie|credential|credentials|plaintext|seed|dsn')})"
    rf"|secret|token|authorization|bearer|(?:.*_)?(?:encryption|master|host|session|signing)_?key|assertion|.*access_?key_?id"
)
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_NUMBER = re.compile(r"(?:_?v)?[\d_]*\Z")
_EXTERNAL_ID = re.compile(r"(?:.*_)?external_?id")


@lru_cache(maxsize=4096)
def _words(name: str) -> str:
    """Return the name in lower case, its words separated by "_", without a number at its end."""
    words = _CAPITAL.sub("_", name).lower().strip("_")
    return words if words.endswith("base64") else _NUMBER.sub("", words)


@lru_cache(maxsize=4096)
def is_credential_name(name: str) -> bool:
    """Return whether AWS or another tool writes a credential under this name, such as `GITHUB_TOKEN`."""
    words = _words(name)
    if _HARMLESS_NAME.fullmatch(words) and not _REQUESTED.fullmatch(words):
        return False
    return _NAME.fullmatch(words) is not None


@lru_cache(maxsize=4096)
def is_ordinary_word(name: str) -> bool:
    """Return whether a credential's name is an ordinary word too, so that its value must look like one."""
    return _WEAK.fullmatch(_words(name)) is not None


def is_external_id_name(name: str) -> bool:
    """Return whether this is the name of an external ID, such as `sts:ExternalId`."""
    return _EXTERNAL_ID.fullmatch(_words(name)) is not None
