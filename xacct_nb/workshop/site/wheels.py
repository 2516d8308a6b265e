"""Writes the wheels of the site: smaller ones of what was fetched, pure ones of what is installed."""

import base64
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path

# The services of AWS whose models the sheets, the proof and the diagnosis use.
_SERVICES = frozenset(
    {
        "accessanalyzer", "cloudformation", "dynamodb", "ec2", "iam", "kms", "lambda", "logs",
        "organizations",
        "s3", "secretsmanager", "signin", "sns", "sqs", "ssm", "sso", "sso-oidc", "sts",
    }
)  # fmt: skip
_LEFT_OUT = re.compile(
    r"(^|/)(tests?|__pycache__)/|\.(c|pyx|h|exe|pyd)$|/django-stubs/|\.data/data/|/nbextension/"
)
# They have modules in a folder that is named so.
_WHOLE = ("jinja2",)


def write_smaller(wheel: Path, folder: Path) -> Path:
    """Write a wheel without what the tab does not use, and return its path."""
    with zipfile.ZipFile(wheel) as whole:
        names = [each for each in whole.namelist() if _is_kept(wheel.name, each)]
        return _write(folder / wheel.name, ((name, whole.read(name)) for name in names))


def write_pure(name: str, folder: Path) -> Path:
    """Write a pure wheel of a package that is installed here, from its Python files; return its path."""
    installed = distribution(name)
    files = {
        str(each): Path(str(installed.locate_file(each)))
        for each in installed.files or ()
        if ".." not in each.parts and (each.suffix == ".py" or each.name == "METADATA")
    }
    stem = f"{name.replace('-', '_')}-{installed.version}"
    return _write(folder / f"{stem}-py3-none-any.whl", _pure_files(stem, files))


def write_own(package: Path, name: str, version: str, folder: Path) -> Path:
    """Write the wheel of this project from the folder of its package, and return its path."""
    files = {
        f"{package.name}/{path.relative_to(package).as_posix()}": path
        for path in sorted(package.rglob("*"))
        if path.is_file() and not set(path.relative_to(package).parts) & {"__pycache__", "shipped"}
    }
    stem = f"{name}-{version}"
    return _write(folder / f"{stem}-py3-none-any.whl", _pure_files(stem, files, name))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def imports_of(wheel: Path) -> list[str]:
    """Return the names of the modules and packages that stand at the top of a wheel."""
    with zipfile.ZipFile(wheel) as whole:
        tops = {name.split("/")[0] for name in whole.namelist() if name.endswith(".py")}
    return sorted(top.removesuffix(".py") for top in tops if not top.endswith((".dist-info", ".data")))


def _is_kept(wheel: str, name: str) -> bool:
    if name.startswith("botocore/data/"):
        service, _, rest = name.removeprefix("botocore/data/").partition("/")
        return not rest or service in _SERVICES
    return wheel.startswith(_WHOLE) or not _LEFT_OUT.search(name) or ".dist-info/" in name


def _pure_files(stem: str, files: dict[str, Path], name: str = "") -> Iterator[tuple[str, bytes]]:
    info = f"{stem}.dist-info"
    wheel = "Wheel-Version: 1.0\nGenerator: xacct-nb\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    yield f"{info}/WHEEL", wheel.encode()
    if name:
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {stem.rpartition('-')[2]}\n"
        yield f"{info}/METADATA", about.encode()
    for path, file in files.items():
        target = f"{info}/METADATA" if path.endswith("METADATA") else path
        yield target, file.read_bytes()


def _write(target: Path, files: Iterable[tuple[str, bytes]]) -> Path:
    """Write a wheel with a RECORD of its files; the same files give the same bytes."""
    record, info = io.StringIO(), ""
    rows = csv.writer(record, lineterminator="\n")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        for name, data in files:
            if name.endswith(".dist-info/RECORD"):
                continue
            info = name.partition("/")[0] if ".dist-info/" in name else info
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.writerow((name, f"sha256={digest}", len(data)))
            _add(wheel, name, data)
        rows.writerow((f"{info}/RECORD", "", ""))
        _add(wheel, f"{info}/RECORD", record.getvalue().encode())
    return target


def _add(wheel: zipfile.ZipFile, name: str, data: bytes) -> None:
    wheel.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, compresslevel=9)
