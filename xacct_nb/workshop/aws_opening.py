"""Opens a sheet on two accounts of AWS itself: says what it makes, asks for a word, then makes it."""

import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from xacct_nb.aws.answering_hosts import forget_answers
from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.errors import (
    InvalidParameters,
    RollbackFailed,
    RolledBack,
    WaitingForApproval,
    XacctError,
)
from xacct_nb.sandbox.server.accounts import Side, World
from xacct_nb.storage.locks import EXCLUSIVE, lock_file
from xacct_nb.workshop.aws_manifest import Manifest, ManifestFile, claims, recall_manifest
from xacct_nb.workshop.aws_world import AwsWorld
from xacct_nb.workshop.cleaning import CleanUp, clean, listed
from xacct_nb.workshop.exercise import Sheet


@dataclass(frozen=True)
class AwsAccounts:
    """Two accounts of AWS, each with a profile of the user's own that administers it.

    `confirm` is the id of the destination account, by which the user agrees to what is made.
    """

    source_profile: str
    destination_profile: str
    confirm: str

    @property
    def instance(self) -> str:
        """What tells these accounts from a sandbox."""
        return f"aws {self.source_profile} {self.destination_profile}"

    def open(self, sheet: Sheet, folder: Path) -> AwsWorld:
        """Return the world of a sheet: the one that is there, else a new one.

        Raises WaitingForApproval, with what will be made, until the user agrees; InvalidParameters where
        something of these names is there already; RolledBack or RollbackFailed where it cannot be made.
        """
        _require(sheet, self.source_profile and self.destination_profile)
        forget_answers()  # of what this kernel called before
        sessions = open_sessions(
            source_profiles=[self.source_profile], destination_profiles=[self.destination_profile]
        )
        source, destination = (each.account for each in sessions.identities)
        _check_accounts(sessions, source, destination)
        _check_administrators(sessions)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(lock_file(folder / "aws.lock", EXCLUSIVE)):
            known = recall_manifest(folder)
            if known and (known.source, known.destination) != (source, destination):
                raise _other_accounts(known)
            new = Manifest(sheet.name, source, destination, secrets.token_hex(16))
            world, file = self._world(folder, sessions, known or new)
            if known and known.is_whole:
                return world
            with translate_errors("The accounts cannot be looked into"):
                self._agree(sheet, world, file)
            _make(sheet, world, file)
            return world

    def _world(self, folder: Path, sessions: Sessions, manifest: Manifest) -> tuple[AwsWorld, ManifestFile]:
        profiles: Mapping[Side, str]
        profiles = {"source": self.source_profile, "destination": self.destination_profile}
        s3, files = (
            sessions.client(self.destination_profile, "s3"),
            (folder / "config", folder / "credentials"),
        )
        names = manifest.bucket("reports"), manifest.bucket("payroll")
        place = _configured_endpoint(str(s3.meta.endpoint_url)), manifest.source, manifest.destination
        world = World(*place, *files, *names, "", str(s3.meta.region_name))
        file = ManifestFile(folder, manifest)
        return AwsWorld(world, file, sessions, profiles), file

    def _agree(self, sheet: Sheet, world: AwsWorld, file: ManifestFile) -> None:
        wanted = tuple(claims(sheet, file.manifest))
        if there := world.conflicts(wanted):
            raise InvalidParameters(
                "Something of these names is in the accounts, and the workshop did not make it.",
                why=f"{listed(there)}.",
                hint="Use two accounts that nobody needs, or the sandbox: sandbox = True.",
            )
        if self.confirm != world.destination:
            raise WaitingForApproval(
                f"Nothing was made yet. In {world.place} this sheet makes, with the tag xacct-workshop:",
                why=f"{listed(wanted)}; access keys of the users, kept in {file.folder} until the clean-up.",
                hint=f'To agree, set in the parameters: confirm = "{world.destination}". '
                "sheet.clean_up() removes all of it.",
            )
        file.save(claimed=wanted)


def _make(sheet: Sheet, world: AwsWorld, file: ManifestFile) -> None:
    """Make the world; where that fails, remove what was made, and say what is left."""
    try:
        with translate_errors("The accounts cannot be prepared"):
            clean(world)  # what a kernel that was killed has left
            world.make(sheet)
    except XacctError as problem:
        found = clean(world)
        world.forget(is_clean=found.is_clean)
        raise _failure(problem, found) from problem


def _failure(problem: XacctError, found: CleanUp) -> XacctError:
    if found.is_clean:
        return RolledBack(
            f"{problem.what}",
            why=f"{problem.why} What had been made was removed again: {len(found.removed)}.".strip(),
            hint=problem.hint or "Correct it, then run this cell again.",
        )
    return RollbackFailed(
        f"{problem.what}",
        why=f"This is left, and could not be removed: {found.what_is_left}",
        hint="Run this cell again: it removes what is left first. Or remove it by hand.",
    )


def _require(sheet: Sheet, named: str) -> None:
    if sheet.needs_sandbox:
        raise InvalidParameters(
            f"The sheet {sheet.name} needs the sandbox.",
            why=sheet.needs_sandbox,
            hint="Set sandbox = True in the parameters.",
        )
    if not named:
        raise InvalidParameters(
            "Without the sandbox a sheet needs two profiles of your AWS config.",
            why="source_profile or destination_profile is empty.",
            hint="Name a profile that administers each account; xacct-nb doctor lists your profiles.",
        )


def _check_accounts(sessions: Sessions, source: str, destination: str) -> None:
    if source == destination or sessions.partition != "aws":
        raise InvalidParameters(
            "A sheet needs two different accounts of the partition aws.",
            why=f"The profiles lead to {source} and {destination}, in {sessions.partition}.",
            hint="Name profiles of two accounts that nobody needs.",
        )


def _check_administrators(sessions: Sessions) -> None:
    roots = [each.profile for each in sessions.identities if each.arn.endswith(":root")]
    if roots:
        raise InvalidParameters(
            f"The profile {roots[0]} has the keys of a root user.",
            why="AWS lets no root user assume a role, and the administrators of a sheet do.",
            hint="Name a profile of a user or a role with administrator rights.",
        )


def _other_accounts(known: Manifest) -> InvalidParameters:
    return InvalidParameters(
        "This sheet is open in two other accounts.",
        why=f"It was made in {known.source} and {known.destination}, and not cleaned up.",
        hint="Open it with their profiles and run sheet.clean_up() first.",
    )


def _configured_endpoint(url: str) -> str:
    """Return an endpoint that is not AWS's own, which the files of the world have to name."""
    host = urlsplit(url).hostname or ""
    return "" if host.endswith((".amazonaws.com", ".api.aws")) else url
