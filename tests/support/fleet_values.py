"""A value of each kind that a fleet shows, with a text in every field."""

from dataclasses import replace

from xacct_nb.changes.drift import Drift, TrailEvent
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.changes.rights import Right
from xacct_nb.fleets.end_dates import Endings, GrantEnd
from xacct_nb.fleets.expected import ExpectedGrant, ExpectedGrants
from xacct_nb.fleets.plan import FleetPlan, SlicePlan, Unplanned
from xacct_nb.fleets.result import PROOF_FAILED, FleetResult, SliceResult
from xacct_nb.fleets.rights import AccountRights, NeededRights
from xacct_nb.linting.rules.rule import Finding

ROLE = "arn:aws:iam::222222222222:role/reader"
_CHANGE = Change("inline-policy", ROLE, "name", None, {"Version": "2012-10-17"})
_KEY = ("readers", "destination", "222222222222")
_RESULT = SliceResult(
    *_KEY, PROOF_FAILED, (_CHANGE,), "proof", "proof-failed", "reason", "hint", "cause", seconds=1.5
)
_FINDING = Finding("role-denied", "warning", "where", "why", "mend")
_EVENT = TrailEvent("at", "call", "who", "request", {"roleName": "reader"}, True, "record")
_DRIFT = (
    Drift("222222222222", "~ trust role/reader", (_EVENT,)),
    Drift("222222222222", "+ role role/x", (), "why"),
)
_RIGHT = Right("iam:GetRole", (ROLE,), (("ArnLike", "iam:PolicyARN", ("policy",)),))
_RIGHTS = AccountRights("destination", ("222222222222", "333333333333"), {"plan": (_RIGHT,)})
FLEET_VALUES = (
    FleetPlan(
        "fleet",
        (
            SlicePlan(
                "destination",
                "222222222222",
                Plan("readers", (_CHANGE,), unaccepted=("any-role",)),
                (_FINDING,),
            ),
        ),
        (Unplanned("readers", "destination", "333333333333", "aws-refused", "reason", "hint"),),
    ),
    Endings("2026-11-29T18:00:00Z", 30, (GrantEnd("grant", "fleet", "2026-12-01T00:00:00Z", 1, False),)),
    FleetResult("fleet", (_RESULT, replace(_RESULT, drift=_DRIFT)), "stopped"),
    ExpectedGrants(
        "fleet",
        (ExpectedGrant("readers", {}, ("222222222222",), (), "record", "since", "problem", "hint"),),
        (("another", "why"),),
    ),
    _RIGHTS,
    NeededRights(
        (_RIGHTS, AccountRights("hub", (), {"apply": (_RIGHT,)})),
        ("note",),
    ),
)
