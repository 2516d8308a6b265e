"""Files that hold credentials, by their name, by their folder, and by the variables that name them."""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from xacct_nb.redaction.names import is_credential_name

# Whatever is in these folders is a credential or a device, wherever the folder is.
_FOLDERS = frozenset((
    ".aws", ".ssh", ".gnupg", ".kube", ".docker", ".azure", ".gcloud", "gcloud", ".oci", ".aliyun",
    ".terraform.d", ".password-store", ".gem", ".cargo", ".m2", ".gradle", ".1password", "keyrings",
    "keychains", "gh", "glab-cli", "rclone", ".chef", ".vault.d", ".mozilla", "eks.amazonaws.com",
    "kubernetes.io",
))  # fmt: skip
_ROOTS = ("proc", "dev", "sys")
_NAMES = (
    ".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".pgpass", "pgpass.conf", ".my.cnf",
    ".mylogin.cnf", ".npmrc", ".yarnrc*", ".pypirc", "pip.conf", ".git-credentials", "credentials",
    "credentials.*", "auth.json", "*credentials.json", ".s3cfg", ".boto", ".vault-token",
    ".terraformrc", "terraform.rc", "*.tfvars", "*.tfstate", "*.tfstate.*", ".dockercfg",
    ".dockerconfigjson", "kubeconfig*", "*.kubeconfig", "*.pem", "*.key", "*.p8", "*.p12", "*.pfx",
    "*.jks", "*.keystore", "*.kdbx", "*.ppk", "*.ovpn", "*.gpg", "*.agekey", "id_rsa*", "id_dsa*",
    "id_ecdsa*", "id_ed25519*", "shadow", "shadow-", "gshadow*", "*.htpasswd",
    "ssh_host_*_key", "rclone.conf", "rootkey*.csv", "*accesskeys*.csv", "secrets.*", "*_history",
    "sandbox.json",
)  # fmt: skip
# These name a file or a folder of credentials; so does a variable such as AWS_WEB_IDENTITY_TOKEN_FILE.
_VARIABLES = ("AWS_CONFIG_FILE", "KUBECONFIG", "DOCKER_CONFIG", "NETRC", "PGPASSFILE", "CLOUDSDK_CONFIG")
_FILE_VARIABLE = re.compile(r"_(?:FILE|PATH|LOCATION)$")
_HOME = (".aws/*", ".ssh/*", ".kube/config", ".docker/config.json", ".netrc", ".pgpass", ".git-credentials")


def is_credential_file(name: str) -> bool:
    """Return whether the file of this name may hold credentials, also where a link or `..` leads to it."""
    try:
        path = Path(name).expanduser()
        real = Path(os.path.realpath(path))
    except (OSError, ValueError, RuntimeError):
        return False  # it cannot be read either
    if any(map(_is_named_so, (path, Path(os.path.abspath(path)), real))):
        return True
    return any(_is_same(real, Path(each)) for each in _known_files())


def _is_named_so(path: Path) -> bool:
    # The file systems of macOS and Windows do not tell capitals apart.
    parts = [part.lower() for part in path.parts] or [""]
    if parts[0] == "/" and parts[1:2] and parts[1] in _ROOTS and parts[2:3] != ["shm"]:
        return True
    *folders, last = parts
    stem = last.lstrip(".").partition(".")[0]
    named = any(fnmatchcase(last, pattern) for pattern in _NAMES)
    return bool(named or _FOLDERS & {*folders} or is_credential_name(last) or is_credential_name(stem))


def _known_files() -> Iterator[str]:
    """Yield the files and folders of credentials that the environment names, and those of the home folder."""
    for variable, value in os.environ.items():
        if variable in _VARIABLES or is_credential_name(_FILE_VARIABLE.sub("", variable)):
            yield from filter(None, value.split(os.pathsep))
    home = Path(os.path.expanduser("~"))
    yield from (str(path) for pattern in _HOME for path in home.glob(pattern))


def _is_same(path: Path, known: Path) -> bool:
    """Return whether two paths lead to the same file, also by a hard link, or the first is in the second."""
    try:
        known = known.expanduser()
        folder = Path(os.path.realpath(known))
        # A variable that names the home folder, or one around it, does not make every file a credential.
        inside = path.is_relative_to(folder) and not Path.home().is_relative_to(folder)
        return inside or os.path.samefile(path, known)
    except (OSError, ValueError, RuntimeError):
        return False
