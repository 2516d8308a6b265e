"""One's own part of another owner's fleet: the request that a run answers, and its answer."""

import hashlib
from dataclasses import replace

from xacct_nb.aws.account_sessions import FleetAccess
from xacct_nb.aws.clock import utc
from xacct_nb.aws.probes import existing_objects
from xacct_nb.errors import InvalidParameters, NotProven, UnresolvedSecret
from xacct_nb.fleets.expansion import ExpandedFleet
from xacct_nb.fleets.fleet import Fleet, FleetGrant
from xacct_nb.fleets.plan import FleetPlan
from xacct_nb.fleets.result import FleetResult
from xacct_nb.grants.conditions import Conditions
from xacct_nb.grants.documents import DESTINATION
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.answer import MADE, MadeResource, answer_to
from xacct_nb.handoff.checks import check_external_id, check_in_time
from xacct_nb.handoff.fleet_request import FleetRequest
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.runs.fleet.slice_work import opened
from xacct_nb.runs.handoff.writing import SentFile, clean_text, send_answer
from xacct_nb.runs.run_context import RunContext
from xacct_nb.storage.handoff_files import keep_received, read_fleet_request
from xacct_nb.storage.handoff_signatures import describe_signature
from xacct_nb.views import Page, Shown, Text, View

_MOST_OBJECTS = 50


class AskedFleet(Shown):
    """The request that a run answers. Raises InvalidHandoff, InvalidKey where it cannot be used."""

    def __init__(self, run: RunContext, request: FleetRequest) -> None:
        self.run, self.request = run, request
        if run.settings.until:
            raise InvalidParameters(
                "A request for a fleet cannot be shortened in its answer.",
                why="Its answer says that the grants were made as they were asked.",
                hint="Leave out until, or refuse the request with a reason.",
            )
        self.signature = describe_signature(request, run.settings.signers)
        check_in_time(request, utc())
        keep_received(run.records, request)

    @property
    def fleet(self) -> Fleet:
        """The part of the fleet with the external ID that this owner has, and the findings they accept."""
        grants = tuple(map(self._own, self.request.asked.grants))
        return self.request.asked.model_copy(update={"grants": grants})

    def view(self) -> View:
        """Return the request, and who signed it."""
        return Page("Request", (self.request.view(), Text(f"The request is {self.signature}.", "note")))

    def answer(
        self, expanded: ExpandedFleet, plan: FleetPlan, result: FleetResult, access: FleetAccess
    ) -> SentFile:
        """Write the answer with the roles that exist now; the access is not proven by it."""
        check_in_time(self.request, utc())
        good = {each.key for each in result.results if each.is_good}
        parts = [each for each in expanded.slices if each.key in good]
        roles = [role for each in parts for role in each.grant.destinations]
        sessions = opened(access)
        objects = list[str]()
        for each in parts[:_MOST_OBJECTS]:
            objects += existing_objects(sessions.of(each.grant, DESTINATION, each.account))
        journal = self.run.applied[1].to_json() if self.run.applied else {}
        answer = answer_to(
            self.request,
            MADE,
            accounts=tuple(dict.fromkeys(each.account for each in parts)),
            reason=clean_text(self.run.settings.note, self.run.evidence.secrets),
            made=tuple(MadeResource(kind="role", target=role) for role in roles),
            objects=tuple(objects[:_MOST_OBJECTS]),
            at=utc(),
            by=next((each.arn for each in sessions.named.identities), ""),
            record=self.run.id,
            plan=plan.digest if plan.changed else "",
            journal=hashlib.sha256(canonical_json(journal).encode()).hexdigest() if journal else "",
        )
        if self.run.applied:
            self.run.left_open = NotProven(
                "The roles are made, and the access is not proven yet.",
                why="Only the callers can prove it: the owner who asked does.",
                hint="Send them the answer file.",
            )
        return send_answer(self.run, answer, self.run.settings.fleet)

    def _own(self, grant: FleetGrant) -> FleetGrant:
        settings, template = self.run.settings, grant.template
        template = template.model_copy(update={"accept": tuple(self.run.parameters.get("accept", ()))})
        asked = template.to_json()["conditions"]["external_id"]
        if not asked:
            return replace(grant, template=template)
        if not settings.external_id:
            raise UnresolvedSecret(
                f"The grant {grant.name} needs the external ID, and the files of a hand-over never have it.",
                why=f"Its fingerprint is {asked}.",
                hint="Put it into a file or a variable, and say where: -p external_id env:NAME",
            )
        when = Conditions(**{**template.conditions.model_dump(), "external_id": settings.external_id})
        found: Grant = self.run.look_up_secret(template.model_copy(update={"conditions": when}))
        check_external_id(found, asked)
        return replace(grant, template=found)


def asked_fleet_of(run: RunContext) -> AskedFleet | None:
    """Return the request that the parameter `fleet` names; None for a fleet file, or without a file."""
    request = read_fleet_request(run.settings.fleet) if run.settings.fleet else None
    return AskedFleet(run, request) if request else None
