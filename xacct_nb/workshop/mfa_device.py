"""Virtual MFA devices of a world's users: the participant's own, and one that a check borrows."""

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from xacct_nb.aws.clients import AwsClient
from xacct_nb.errors import InvalidInput
from xacct_nb.iam.mfa_codes import STEP, code_of
from xacct_nb.sandbox.server.state import write_private
from xacct_nb.storage.locks import EXCLUSIVE, lock_file

_AHEAD = 2  # steps by which AWS accepts a code early


class MfaCode(str):
    """A code of an MFA device. It is text for boto3; a notebook that shows it shows no digit."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<a code of six digits>"


@dataclass(frozen=True)
class MfaDevice:
    """A virtual device that is enabled for a user, and the step of the last code that it gave."""

    serial: str
    seed: str = field(repr=False)
    last: int

    @property
    def next_step(self) -> int:
        """Return the step of its next code: AWS accepts each code once, and only about now."""
        return max(_now(), self.last + 1)

    def code(self, step: int) -> MfaCode:
        """Return the code of a step."""
        return MfaCode(code_of(self.seed, step))


def enable_device(iam: AwsClient, user: str, name: str) -> MfaDevice:
    """Create a virtual device and enable it for a user."""
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    device = MfaDevice(made["SerialNumber"], bytes(made["Base32StringSeed"]).decode(), _now() - 1)
    iam.enable_mfa_device(
        UserName=user,
        SerialNumber=device.serial,
        AuthenticationCode1=device.code(device.last - 1),
        AuthenticationCode2=device.code(device.last),
    )
    return device


@contextmanager
def borrowed_device(iam: AwsClient, user: str) -> Iterator[MfaDevice]:
    """Give a user one more device for the time of a check; it is deleted afterwards."""
    name = f"workshop-check-{user}"
    for left in iam.list_mfa_devices(UserName=user)["MFADevices"]:  # of a check that was killed
        if left["SerialNumber"].endswith(f":mfa/{name}"):
            _delete(iam, user, left["SerialNumber"])
    device = enable_device(iam, user, name)
    try:
        yield device
    finally:
        _delete(iam, user, device.serial)


class DeviceFile:
    """The devices of a world's users, in a file of its folder that only its owner can read."""

    def __init__(self, folder: Path) -> None:
        self._path, self._lock = folder / "mfa.json", folder / "mfa.lock"

    def add(self, user: str, device: MfaDevice) -> None:
        """Keep the device of a user."""
        with closing(lock_file(self._lock, EXCLUSIVE)):
            self._write(self._read() | {user: device})

    def serial(self, user: str) -> str:
        """Return the serial number of a user's device. Raises InvalidInput for a user without one."""
        return self._of(user, self._read()).serial

    def next_code(self, user: str) -> MfaCode:
        """Return a code that was not given before. Raises InvalidInput where there is none just now."""
        with closing(lock_file(self._lock, EXCLUSIVE)):
            devices = self._read()
            device = self._of(user, devices)
            step = device.next_step
            if step > _now() + _AHEAD:
                raise InvalidInput(
                    f"The device of {user} has no new code just now.",
                    why="AWS accepts each code once, and the device has a new one every 30 seconds.",
                    hint="Wait for 30 seconds, then run the cell again.",
                )
            self._write(devices | {user: replace(device, last=step)})
            return device.code(step)

    def _of(self, user: str, devices: dict[str, MfaDevice]) -> MfaDevice:
        if user not in devices:
            raise InvalidInput(
                f"{str(user)[:80]} has no MFA device in this sheet.",
                why=f"Those who have one are: {', '.join(devices) or 'nobody'}.",
                hint="Use one of these names.",
            )
        return devices[user]

    def _read(self) -> dict[str, MfaDevice]:
        if not self._path.exists():
            return {}
        known = json.loads(self._path.read_text(encoding="utf-8"))
        return {user: MfaDevice(**device) for user, device in known.items()}

    def _write(self, devices: dict[str, MfaDevice]) -> None:
        write_private(self._path, json.dumps({user: asdict(device) for user, device in devices.items()}))


def _delete(iam: AwsClient, user: str, serial: str) -> None:
    iam.deactivate_mfa_device(UserName=user, SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)


def _now() -> int:
    """Return the step of 30 seconds that it is."""
    return int(time.time()) // STEP
