"""The world of a sheet in two accounts of AWS itself: what is made there is tagged, and known by name."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from xacct_nb.aws.answers import call_aws
from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.polling import Wait
from xacct_nb.aws.profile_clients import AWS_ITSELF, Endpoint
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.errors import InvalidInput
from xacct_nb.grants.grant import Grant
from xacct_nb.sandbox.server.accounts import Side, World, furnish
from xacct_nb.workshop.aws_manifest import PEOPLE, TAG, MadeItem, ManifestFile
from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.inventory import Item, items_in
from xacct_nb.workshop.world import ADMINS, WorkshopWorld

_KINDS = ("bucket", "MFA device", "user", "instance profile", "role", "group", "policy")
# What IAM makes with tags, and where its response has the name that `Item` has.
_TAGGED = {
    "CreateUser": ("user", "User", "UserName"),
    "CreateRole": ("role", "Role", "RoleName"),
    "CreateInstanceProfile": ("instance profile", "InstanceProfile", "InstanceProfileName"),
    "CreatePolicy": ("policy", "Policy", "Arn"),
    "CreateVirtualMFADevice": ("MFA device", "VirtualMFADevice", "SerialNumber"),
}
_NOTED = {**_TAGGED, "CreateGroup": ("group", "Group", "GroupName")}
_KEYS_PATIENCE = 60.0  # seconds until a new access key is known everywhere


class AwsWorld(WorkshopWorld):
    """Two accounts of AWS, administered by two profiles of the user's own AWS config."""

    patience = 15.0

    def __init__(
        self, world: World, file: ManifestFile, sessions: Sessions, profiles: Mapping[Side, str]
    ) -> None:
        super().__init__(world, "", file.manifest.seed, None)
        self._file, self._sessions, self._admins = file, sessions, dict(profiles)

    @property
    def outside(self) -> str:
        """Raise InvalidInput: there is no third account."""
        raise InvalidInput(
            "This needs a third account.",
            why="On AWS itself a sheet has the accounts of its two profiles only.",
            hint="Use the sandbox for this exercise: sandbox = True in the parameters.",
        )

    @property
    def owned(self) -> tuple[str, ...]:
        """The two accounts."""
        return self.source, self.destination

    @property
    def place(self) -> str:
        """Say who answers."""
        return self._sessions.answered_by or "AWS"

    @property
    def profiles(self) -> tuple[str, ...]:
        """Return the names of those who can call."""
        return (*ADMINS.values(), *super().profiles)

    @property
    def endpoint(self) -> Endpoint:
        """AWS itself, with the user's own files."""
        return AWS_ITSELF

    def user_arn(self, name: str, side: Side = "source") -> str:
        """Return the ARN of a user; for `admin` the profile's user, or its whole account if it is a role."""
        if name != "admin":
            return super().user_arn(name, side)
        own = next(each.arn for each in self._sessions.identities if each.account == self.account(side))
        return own if ":user/" in own else f"arn:aws:iam::{self.account(side)}:root"

    def client(self, profile: str, service: str) -> AwsClient:
        """Return the client of a user for a service. Raises KeyError for a profile that is not there."""
        sides: dict[str, Side] = {name: side for side, name in ADMINS.items()}
        if profile not in sides:
            return super().client(profile, service)
        client = self._sessions.client(self._admins[sides[profile]], service)
        return self._followed(client, self.account(sides[profile]))

    def owner(self, account: str, service: str) -> AwsClient:
        """Return a client of the administrator of an account."""
        return self.admin("source" if account == self.source else "destination", service)

    def sessions(self, grant: Grant, side: str = "") -> Sessions:
        """Open the sessions of the two administrators for a grant, or of the one of a side."""
        return open_sessions(
            grant,
            source_profiles=[self._admins["source"]],
            destination_profiles=[self._admins["destination"]],
            side=side,
        )

    def contents(self, account: str) -> tuple[Item, ...]:
        """Return what the workshop made in an account, in the order in which it can be removed."""
        found, tagged = items_in(partial(self.owner, account), _KINDS), self._tagged(account)
        return tuple(
            item
            for item in found
            if item in tagged or self._file.manifest.owns(MadeItem(account, item.kind, item.name))
        )

    def conflicts(self, wanted: tuple[MadeItem, ...]) -> list[MadeItem]:
        """Return what is in the accounts already by a name that the sheet needs, and is not its own."""
        names = {(each.account, each.kind, each.name.lower()) for each in wanted}
        return [
            MadeItem(account, item.kind, item.name)
            for account in self.owned
            for item in set(items_in(partial(self.owner, account), _KINDS)) - set(self.contents(account))
            if (account, item.kind, item.name.lower()) in names
        ]

    def make(self, sheet: Sheet) -> None:
        """Make the usual world and what the sheet starts from; wait until the new keys are known to AWS."""
        self._file.save(buckets=tuple(super()._buckets()))
        furnish(lambda service, account, _: self.owner(account, service), self.accounts, PEOPLE)
        s3, tags = self.admin("destination", "s3"), [{"Key": TAG, "Value": sheet.name}]
        for bucket in (self.bucket, self.other_bucket):
            s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
        self._read_keys()
        for person in PEOPLE:
            self._await_key(person.profile)
        sheet.prepare(self)
        self._file.save(is_whole=True)
        self.is_new = True

    def forget(self, *, is_clean: bool) -> None:
        """Forget the world once nothing of it is left, and remove the access keys of its users."""
        if is_clean:
            self._file.remove()

    def _await_key(self, profile: str) -> None:
        wait = Wait(f"the new key of {profile} is known", _KEYS_PATIENCE)
        sts = self.client(profile, "sts")
        while not call_aws(sts.get_caller_identity).value and wait.pause():
            pass
        wait.close()

    def _buckets(self) -> list[str]:
        return [self.bucket, self.other_bucket]

    def _tagged(self, account: str) -> set[Item]:
        """Return what has the tag of this sheet, except groups: IAM has no tags for them."""
        details = self.details("source" if account == self.source else "destination")
        tags = {Item("user", each["UserName"]): each.get("Tags", ()) for each in details["UserDetailList"]}
        tags |= {Item("role", each["RoleName"]): each.get("Tags", ()) for each in details["RoleDetailList"]}
        iam = self.owner(account, "iam")
        for each in details["Policies"]:
            arn = each["Arn"]
            tags[Item("policy", arn)] = iam.list_policy_tags(PolicyArn=arn)["Tags"]
        profiles = (each for role in details["RoleDetailList"] for each in role["InstanceProfileList"])
        for name in {each["InstanceProfileName"] for each in profiles}:
            found = iam.list_instance_profile_tags(InstanceProfileName=name)["Tags"]
            tags[Item("instance profile", name)] = found
        wanted = {"Key": TAG, "Value": self._file.manifest.sheet}
        return {item for item, found in tags.items() if wanted in found}

    def _connect(self, service: str, key: str, secret: str, token: str | None = None) -> AwsClient:
        keys = {"AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": token}
        client = self._sessions.role_client(keys, service, self._admins["source"])
        return self._followed(client, "")

    def _followed(self, client: AwsClient, account: str) -> AwsClient:
        """Tag what a client makes, and note it where its account is known."""
        events = client.meta.events
        if client.meta.service_model.service_name not in ("iam", "s3"):
            return client
        for operation in _TAGGED:
            events.register(
                f"provide-client-params.iam.{operation}", self._with_tag, unique_id=f"tag-{operation}"
            )
        if account:
            note = partial(self._note, account)
            for operation in (*_NOTED, "CreateBucket"):
                service = "s3" if operation == "CreateBucket" else "iam"
                events.register(f"after-call.{service}.{operation}", note, unique_id=f"note-{operation}")
            events.register("provide-client-params.s3.CreateBucket", _keep_name, unique_id="keep-name")
            events.register("needs-retry.iam", self._needs_retry, unique_id="unknown-principal")
        return client

    def _with_tag(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        others = [each for each in params.get("Tags", ()) if each.get("Key") != TAG]
        return {**params, "Tags": [*others, {"Key": TAG, "Value": self._file.manifest.sheet}]}

    def _note(self, account: str, /, **about: Any) -> None:
        http_response, parsed, model = about["http_response"], about["parsed"], about["model"]
        if http_response.status_code >= 300:
            return
        if model.name == "CreateBucket":
            self._file.note(account, "bucket", about["context"][TAG])
        else:
            kind, field, name = _NOTED[model.name]
            self._file.note(account, kind, parsed[field][name])

    def _needs_retry(self, response: Any, attempts: int, **_: Any) -> float | None:
        """Have a call made again while the world is made, if IAM does not know a new principal yet."""
        error = response[1].get("Error", {}) if response else {}
        unknown = error.get("Code") == "MalformedPolicyDocument" and "rincipal" in str(error.get("Message"))
        return 2.0 if unknown and not self._file.manifest.is_whole and attempts < 15 else None


def _keep_name(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[TAG] = params["Bucket"]
