"""A chain of roles in the sandbox: its hops are walked, and the mend of the one that fails is applied."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.aws_commands import is_aws, read_command
from support.in_process_sandbox import start
from support.world_builder import BuiltWorld
from support.world_stage import PROFILES, endpoint
from xacct_nb.aws.diagnosis_sessions import AccountSession, DiagnosisSessions, open_for_diagnosis
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.runs.denial.inquiry import diagnose


class HopStage:
    """The accounts of one chain, with the sessions of alice and of the administrators of A and B."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told, self.built = told, BuiltWorld(start())
        self.built.build(told)

    def diagnosis(self, *sides: str, caller: bool = True, **fields: Any) -> Diagnosis:
        """Return the diagnosis of the chain, with administrators of these sides (source, destination)."""
        accounts = {"source": "A", "destination": "B"}
        admins = {side: AccountSession(self.built.root(accounts[side]), PROFILES[side]) for side in sides}
        call = self.told["call"]
        mine = AccountSession(self.built.clients(self.built.keys[call["by"]]), PROFILES["caller"])
        sessions = DiagnosisSessions(mine if caller else None, endpoint=endpoint(), **admins)
        who = f"arn:aws:iam::{self.built.names['A']}:user/{call['by']}"
        filled = self.built.filled("", {"through": call["through"], "role": call["role"]})
        passed = self.built.filled("", {"RoleSessionName": "desk", **call.get("with", {})})
        if grant := fields.pop("grant", None):
            return diagnose(grant, sessions)
        return diagnose(None, sessions, caller=who, call=passed, **{**filled, **fields})

    def diagnosis_of_profile(self, profile: str, folder: Path, **fields: Any) -> Diagnosis:
        """Return the diagnosis with a profile whose chain the config file has, and both administrators."""
        key, secret, _ = self.built.keys[self.told["call"]["by"]]
        config, credentials = folder / "config", folder / "credentials"
        credentials.write_text(f"[alice]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
        roles = {"hub": ("{A}", "alice"), "reader": ("{B}", "hub")}
        config.write_text(
            "".join(
                self.built.filled("", f"[profile {name}]\nrole_arn = arn:aws:iam::{account}:role/{name}\n")
                + f"source_profile = {source}\nexternal_id = {self.built.names['secret']}\n"
                for name, (account, source) in roles.items()
            )
        )
        place = replace(endpoint(), config_file=str(config), credentials_file=str(credentials))
        sessions = open_for_diagnosis(Attempt(**fields), caller_profiles=[profile], endpoint=place)
        admins = {
            side: AccountSession(self.built.root(account), PROFILES[side])
            for side, account in (("source", "A"), ("destination", "B"))
        }
        return diagnose(None, replace(sessions, **admins), **fields)

    def apply(self, cause: Cause) -> int:
        """Run the commands of a cause with the administrator that their profile names; return how many."""
        commands = [each for each in cause.commands if is_aws(each)]
        accounts = {PROFILES["source"]: "A", PROFILES["destination"]: "B"}
        for command in commands:
            each = read_command(command, {})
            getattr(self.built.root(accounts[each.profile])(each.service), each.operation)(**each.parameters)
        return len(commands)
