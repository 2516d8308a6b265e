"""The user's AWS config file as it is on the disk: read, backed up, replaced in one step, put back."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from xacct_nb.errors import InvalidInput, StalePlan
from xacct_nb.storage.bounded_read import read_small
from xacct_nb.storage.durable_files import sync_folder

_BACKUP = ".before-xacct-nb-"
_LARGEST = 5_000_000


@dataclass(frozen=True)
class ConfigFile:
    """A config file: its path as it is named, the file that links lead to, and its content; None for none."""

    path: Path
    real: Path
    content: bytes | None

    @property
    def text(self) -> bytes:
        """The content, empty where there is no file."""
        return self.content or b""

    @property
    def is_open_to_others(self) -> bool:
        """Whether other users of this machine can read it."""
        return self.content is not None and bool(self.real.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))

    @property
    def backups(self) -> tuple[Path, ...]:
        """The backups beside it, the newest one first."""
        return tuple(sorted(self.real.parent.glob(f"{escape(self.real.name)}{_BACKUP}*Z"), reverse=True))


def read_config(file: str = "") -> ConfigFile:
    """Return the config file, without a name that of `AWS_CONFIG_FILE` or `~/.aws/config`.

    Raises InvalidInput where it cannot be read.
    """
    named = file or os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
    path = Path(os.path.expandvars(named)).expanduser()
    try:
        real = path.resolve()
        if not real.exists():
            return ConfigFile(path, real, None)
        if not real.is_file():
            raise OSError("it is no regular file")
        return ConfigFile(path, real, read_small(real, pipes=False, most=_LARGEST))
    except (OSError, RuntimeError) as problem:
        raise InvalidInput(
            f"The AWS config file {str(path)!r} cannot be read.",
            why=f"{getattr(problem, 'strerror', None) or str(problem).capitalize()}.",
            hint="Name a file: --config-file FILE, or the variable AWS_CONFIG_FILE.",
        ) from problem


def replace_config(config: ConfigFile, content: bytes, moment: str) -> Path | None:
    """Replace the content in one step, and return the backup of the old one; None where there was no file.

    Links, mode and owner stay; a new file is for its owner only. `moment` is part of the backup's name.
    Raises StalePlan where the file is no longer as it was read, InvalidInput where it cannot be written.
    """
    _check_unchanged(config)
    try:
        config.real.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        backup = None if config.content is None else _backup(config, moment)
        _replace(config, content)
    except OSError as problem:
        raise _not_written(config, problem) from problem
    return backup


def restore_config(config: ConfigFile, content: bytes, backup: Path | None) -> None:
    """Put an earlier content back, and remove the backup that has it.

    An empty content without a backup removes the file. Raises StalePlan, InvalidInput as `replace_config`.
    """
    _check_unchanged(config)
    try:
        if not content and backup is None:
            config.real.unlink()
        else:
            _replace(config, content)
        if backup is not None and backup.read_bytes() == content:
            backup.unlink()
        elif backup is not None:  # others changed the file since, so the backup is kept under another name
            backup.rename(backup.with_name(f"{backup.name}-used"))
    except OSError as problem:
        raise _not_written(config, problem) from problem


def _check_unchanged(config: ConfigFile) -> None:
    if read_config(str(config.path)).content != config.content:
        raise StalePlan(
            f"{config.path} was changed since the difference was shown, so nothing was written.",
            why="Somebody else may have edited it, or another program.",
            hint="Look at the difference again.",
        )


def _backup(config: ConfigFile, moment: str) -> Path:
    """Write the old content beside the file, under a name that no file has."""
    stamp = moment.replace("-", "").replace(":", "").removesuffix("Z")
    for number in range(1, 1000):
        path = config.real.with_name(f"{config.real.name}{_BACKUP}{stamp}-{number:03d}Z")
        with suppress(FileExistsError):
            _write_new(path, config.text, config.real.stat())
            return path
    raise OSError("there are a thousand backups of this second")


def _replace(config: ConfigFile, content: bytes) -> None:
    new = config.real.with_name(f".{config.real.name}.xacct-nb-{os.getpid()}")
    new.unlink(missing_ok=True)
    try:
        _write_new(new, content, config.real.stat() if config.real.exists() else None)
        new.replace(config.real)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise
    sync_folder(config.real.parent)


def _write_new(path: Path, content: bytes, like: os.stat_result | None) -> None:
    """Write a new file with the mode and the owner of another one."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        if like is not None:
            if (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
                with suppress(PermissionError):  # only root may give a file away
                    os.fchown(file.fileno(), like.st_uid, like.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _not_written(config: ConfigFile, problem: OSError) -> InvalidInput:
    return InvalidInput(
        f"{config.path} cannot be written; it is as it was.",
        why=f"{problem.strerror or problem}.",
        hint="Check the rights and the room on the disk, or copy the section into the file yourself.",
    )
