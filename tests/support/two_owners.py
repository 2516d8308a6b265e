"""Two owners who each know one account only: a home, a working folder and AWS files of their own."""

import configparser
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.examples import grant_in
from xacct_nb.sandbox.server.accounts import World


@dataclass(frozen=True)
class Owner:
    """The owner of one account, with the profiles of that account and of nothing else."""

    folder: Path
    profile: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the owner's commands: nothing of this process but the path."""
        home = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        files = {
            "AWS_CONFIG_FILE": str(self.folder / ".aws" / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / ".aws" / "credentials"),
        }
        return home | files | {"XACCT_SANDBOX_DIR": str(self.folder / "no-sandbox")}

    def says(self, *words: str, **variables: str) -> tuple[int, str, str]:
        """Run `xacct-nb handoff ...` in the owner's folder; return its exit code and both streams."""
        command = [str(Path(sys.executable).parent / "xacct-nb"), "handoff", *words]
        around = {"env": self.environment | variables, "cwd": self.folder}
        done = subprocess.run(command, capture_output=True, text=True, check=False, **around)  # type: ignore[call-overload]
        return done.returncode, done.stdout, done.stderr

    def does(self, *words: str, **variables: str) -> tuple[int, dict[str, Any]]:
        """Return the exit code and the JSON of a command."""
        code, output, error = self.says(*words, "--json", **variables)
        assert output, error
        return code, json.loads(output)

    def acts(self, *words: str, **variables: str) -> tuple[int, dict[str, Any]]:
        """Run `handoff answer` or `handoff accept` with the owner's profile, on the sandbox as on AWS."""
        around = ("--profile", self.profile, "-p", "sandbox", "false", "-p", "patience_seconds", "5")
        return self.does(*words, *around, **variables)

    def grant_file(self, world: World, **fields: Any) -> str:
        """Write the article's case in this world as a grant file; return its name."""
        usual = grant_in(world).to_json() | fields
        (self.folder / "grant.json").write_text(json.dumps(usual))
        return "grant.json"


def owner(folder: Path, world: World, *profiles: str) -> Owner:
    """Return an owner whose AWS files have only these profiles of the world."""
    (folder / ".aws").mkdir(parents=True)
    for source in (world.config_file, world.credentials_file):
        known, own = configparser.ConfigParser(), configparser.ConfigParser()
        known.read(source)
        for profile in profiles:
            for name in (profile, f"profile {profile}"):
                if known.has_section(name):
                    own[name] = dict(known[name])
        with (folder / ".aws" / source.name).open("w") as file:
            own.write(file)
    return Owner(folder, profiles[0])
