"""Virtual MFA devices: their codes, how a device is enabled, and which codes STS accepts."""

from collections.abc import Callable
from functools import partial

from xacct_nb.iam.mfa_codes import STEP, code_of
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import clock, internals
from xacct_nb.sandbox.ministack.callers import SandboxCaller

DRIFT, DRIFT_WHEN_ENABLED = 2, 20
"""Steps by which a device's clock may differ from the sandbox's, in use and while it is enabled."""

_NOT_A_PAIR = Refusal(403, "InvalidAuthenticationCode", "Authentication code for device is not valid.")


def is_given(call: Call) -> bool:
    """Return whether a call has a serial number or a code."""
    return bool(call.parameter("SerialNumber") or call.parameter("TokenCode"))


def pair_of_codes(call: Call) -> Refusal | None:
    """Refuse EnableMFADevice and ResyncMFADevice without two consecutive codes."""
    device = internals.device(call.account, call.parameter("SerialNumber"))
    return None if device is None or _step_of_pair(device, call) else _NOT_A_PAIR


def use_pair(call: Call) -> Callable[[], None]:
    """Return what marks the codes of a pair as used, after the device is enabled."""
    device = internals.device(call.account, call.parameter("SerialNumber")) or {}
    return partial(device.update, LastStep=_step_of_pair(device, call) if device else 0)


def _step_of_pair(device: internals.Record, call: Call) -> int:
    """Return the step of the second code; 0 if they are not two consecutive codes of this device."""
    seed, now = device["Base32StringSeed"], int(clock.now()) // STEP
    pair = call.parameter("AuthenticationCode1"), call.parameter("AuthenticationCode2")
    steps = range(now - DRIFT_WHEN_ENABLED, now + DRIFT_WHEN_ENABLED)
    return next((step + 1 for step in steps if pair == (code_of(seed, step), code_of(seed, step + 1))), 0)


def wrong_code(call: Call, caller: SandboxCaller) -> Refusal | None:
    """Refuse a serial number or code that is not the caller's; mark a valid code as used.

    Source: id_credentials_mfa_configure-api-require.
    """
    if not is_given(call):
        return None
    serial, code = call.parameter("SerialNumber"), call.parameter("TokenCode")
    if not (serial and code):
        return _failed(", must provide both MFA serial number and one time pass code.")
    device = internals.device(call.account, serial)
    if caller.kind != "User" or device is None or device["User"] != caller.keys.get("aws:username"):
        please = "Please verify your MFA serial number is valid and associated with this user."
        return _failed(f", unable to validate MFA code.  {please}")
    now = int(clock.now()) // STEP
    steps = range(max(now - DRIFT, device.get("LastStep", 0) + 1), now + DRIFT + 1)
    used = next((step for step in steps if code_of(device["Base32StringSeed"], step) == code), 0)
    if not used:
        return _failed(" with invalid MFA one time pass code. ")
    device["LastStep"] = used
    return None


def _failed(why: str) -> Refusal:
    return Refusal(403, "AccessDenied", f"MultiFactorAuthentication failed{why}")
