"""What a sheet makes in two accounts of AWS itself, kept in a file until all of it is removed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xacct_nb.sandbox.server.accounts import HUB, READER, RESIDENTS, STANDING_POLICY, Resident
from xacct_nb.storage.durable_files import replace_file
from xacct_nb.validation import Serializable
from xacct_nb.workshop.exercise import Made, Sheet

TAG = "xacct-workshop"
MANIFEST_FILE = "aws.json"
# The administrators are those of the profiles: no user with all rights is made.
PEOPLE: tuple[Resident, ...] = tuple(each for each in RESIDENTS if each.allowed != "*")


@dataclass(frozen=True)
class MadeItem(Serializable):
    """One thing in an account, as `inventory.Item` names it."""

    account: str
    kind: str
    name: str


@dataclass(frozen=True)
class Manifest(Serializable):
    """The accounts of a sheet on AWS, and what is its own there: `claimed` by name, or `made` by its clients.

    None of the claimed names was there before. `is_whole` is False while the world is made. `buckets` are
    those that were there before.
    """

    sheet: str
    source: str
    destination: str
    seed: str
    claimed: tuple[MadeItem, ...] = ()
    made: tuple[MadeItem, ...] = ()
    buckets: tuple[str, ...] = ()
    is_whole: bool = False

    def owns(self, item: MadeItem) -> bool:
        """Return whether a thing is the sheet's own by its name. IAM has no two that differ by case only."""
        return any(same_name(item, each) for each in (*self.claimed, *self.made))

    def bucket(self, name: str) -> str:
        """Return the name of one of the two usual buckets: bucket names are unique over all of AWS."""
        return f"{name}-{self.destination}-{self.seed[:8]}"


@dataclass
class ManifestFile:
    """The file that keeps a manifest, so that what was made is known after the kernel has ended."""

    folder: Path
    manifest: Manifest = field(repr=False)

    def save(self, **changed: Any) -> None:
        """Change the manifest, and write it before anything else happens."""
        self.manifest = replace(self.manifest, **changed)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = json.dumps(self.manifest.to_json(), indent=1).encode()
        replace_file(self.folder / MANIFEST_FILE, content, synced=True)

    def note(self, account: str, kind: str, name: str) -> None:
        """Note a thing that a client of the sheet has made."""
        item = MadeItem(account, kind, name)
        known = kind == "bucket" and name in self.manifest.buckets
        if not known and not self.manifest.owns(item):
            self.save(made=(*self.manifest.made, item))

    def remove(self) -> None:
        """Remove the file, and the access keys beside it."""
        for name in (MANIFEST_FILE, "config", "credentials"):
            (self.folder / name).unlink(missing_ok=True)


def recall_manifest(folder: Path) -> Manifest | None:
    """Return the manifest that is kept in a folder; None where there is none."""
    try:
        return Manifest.from_json(json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def claims(sheet: Sheet, manifest: Manifest) -> Iterator[MadeItem]:
    """Yield all that the usual world and a sheet make by name."""
    usual = (
        *(Made(each.side, "user", each.name) for each in PEOPLE),
        *(Made(each.side, "group", each.group) for each in PEOPLE if each.group),
        Made("source", "role", HUB),
        Made("source", "policy", STANDING_POLICY),
        Made("destination", "role", READER),
        Made("destination", "bucket", manifest.bucket("reports")),
        Made("destination", "bucket", manifest.bucket("payroll")),
    )
    for made in dict.fromkeys((*usual, *sheet.makes)):
        account = manifest.source if made.side == "source" else manifest.destination
        is_policy = made.kind == "policy"
        name = f"arn:aws:iam::{account}:policy/{made.name}" if is_policy else made.name
        yield MadeItem(account, made.kind, name)


def same_name(one: MadeItem, other: MadeItem) -> bool:
    """Return whether AWS takes two things for the same one."""
    is_here = (one.account, one.kind) == (other.account, other.kind)
    return is_here and one.name.lower() == other.name.lower()
