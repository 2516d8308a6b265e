"""Answers the AWS CLI's calls of StackSets in a test, and makes real stacks in accounts of a sandbox."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError, WaiterError

from support.owner_templates import cloudformation
from xacct_nb.sandbox.server.accounts import World

OFTEN: dict[str, Any] = {"Delay": 0.1, "MaxAttempts": 300}


@dataclass
class StackSets:
    """The stack sets of an organization, whose units have these accounts; `calls` are what was asked.

    MiniStack has no StackSets. This is what AWS's API reference says of the calls that the scripts make.
    """

    world: World
    units: Mapping[str, list[str]]
    endpoint: str = ""
    ended: str = "SUCCEEDED"
    suspended: set[str] = field(default_factory=set)
    sets: dict[str, dict[str, str]] = field(default_factory=dict)
    stacks: dict[str, dict[str, str]] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    looks: int = 0

    def environment(self) -> dict[str, str]:
        services = ("CLOUDFORMATION", "STS")
        return {"XACCT_PAUSE": "0"} | {f"AWS_ENDPOINT_URL_{each}": self.endpoint for each in services}

    def asked(self, action: str) -> list[dict[str, str]]:
        return [call for call in self.calls if call["Action"] == action]

    def answer(self, call: dict[str, str]) -> tuple[int, str]:
        if call["Action"] == "GetCallerIdentity":
            who = _element("Account", self.world.source) + _element("Arn", "administrator")
            return 200, _result("GetCallerIdentity", who)
        self.calls.append(call)
        action, name = call["Action"], call["StackSetName"]
        if action != "CreateStackSet" and name not in self.sets:
            return 404, _error("StackSetNotFoundException", f"StackSet {name} not found")
        return 200, _result(action, getattr(self, f"_{action}")(call))

    def _CreateStackSet(self, call: dict[str, str]) -> str:
        self.sets[call["StackSetName"]] = dict(call)
        return f"<StackSetId>{call['StackSetName']}:1</StackSetId>"

    def _DescribeStackSet(self, call: dict[str, str]) -> str:
        there = self.sets[call["StackSetName"]]
        shown = ("PermissionModel", "Description")
        return f"<StackSet>{''.join(_element(each, there[each]) for each in shown)}</StackSet>"

    def _UpdateStackSet(self, call: dict[str, str]) -> str:
        self.sets[call["StackSetName"]].update(call)
        for account in self.stacks:
            self._deploy(account, call)
        return self._operation()

    def _CreateStackInstances(self, call: dict[str, str]) -> str:
        for unit in _listed(call, "DeploymentTargets.OrganizationalUnitIds"):
            self.targets.append(unit)
            for account in self.units[unit]:
                if account not in self.stacks:
                    self._deploy(account, self.sets[call["StackSetName"]])
        return self._operation()

    def _DeleteStackInstances(self, call: dict[str, str]) -> str:
        for unit in _listed(call, "DeploymentTargets.OrganizationalUnitIds"):
            self.targets.remove(unit)
            for account in self.units[unit]:
                client = cloudformation(self.world, account)
                client.delete_stack(StackName=f"StackSet-{call['StackSetName']}")
                client.get_waiter("stack_delete_complete").wait(
                    StackName=f"StackSet-{call['StackSetName']}", WaiterConfig=OFTEN
                )
                del self.stacks[account]
        return self._operation()

    def _DeleteStackSet(self, call: dict[str, str]) -> str:
        del self.sets[call["StackSetName"]]
        return ""

    def _DescribeStackSetOperation(self, call: dict[str, str]) -> str:
        """It is running at the first look, and has ended at the second."""
        self.looks += 1
        status = "RUNNING" if self.looks % 2 else self.ended
        return f"<StackSetOperation>{_element('Status', status)}</StackSetOperation>"

    def _ListStackInstances(self, call: dict[str, str]) -> str:
        rows = [
            _element("Account", account) + _element("Region", call["region"]) + "".join(about.values())
            for account, about in self.stacks.items()
        ]
        return f"<Summaries>{''.join(f'<member>{row}</member>' for row in rows)}</Summaries>"

    def _ListStackSetOperations(self, _call: dict[str, str]) -> str:
        return "<Summaries/>"

    def _ListStackSetAutoDeploymentTargets(self, call: dict[str, str]) -> str:
        rows = [f"<member>{_element('OrganizationalUnitId', unit)}</member>" for unit in set(self.targets)]
        return f"<Summaries>{''.join(rows)}</Summaries>"

    def _deploy(self, account: str, call: dict[str, str]) -> None:
        if account in self.suspended:
            self.stacks[account] = _status("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT", "")
            return
        client, name = cloudformation(self.world, account), f"StackSet-{call['StackSetName']}"
        wanted = {
            "StackName": name,
            "TemplateBody": call["TemplateBody"],
            "Capabilities": _listed(call, "Capabilities"),
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": call[f"Parameters.member.{number}.ParameterValue"]}
                for number, key in enumerate(_keys(call), start=1)
            ],
        }
        is_new = account not in self.stacks
        try:
            (client.create_stack if is_new else client.update_stack)(**wanted)
            client.get_waiter(f"stack_{'create' if is_new else 'update'}_complete").wait(
                StackName=name, WaiterConfig=OFTEN
            )
        except (ClientError, WaiterError) as problem:
            self.stacks[account] = _status("OUTDATED", "FAILED", str(problem))
        else:
            self.stacks[account] = _status("CURRENT", "SUCCEEDED", "")

    def _operation(self) -> str:
        return f"<OperationId>operation-{len(self.calls)}</OperationId>"


@contextmanager
def serve(sets: StackSets) -> Iterator[StackSets]:
    """Answer on the loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            region = self.headers["Authorization"].split("/")[2]
            status, text = sets.answer({**dict(parse_qsl(body)), "region": region})
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sets.endpoint = f"http://127.0.0.1:{server.server_port}"
        yield sets
        server.shutdown()


def _listed(call: Mapping[str, str], name: str) -> list[str]:
    return [value for key, value in call.items() if key.startswith(f"{name}.member.")]


def _keys(call: Mapping[str, str]) -> list[str]:
    return [value for key, value in call.items() if key.endswith(".ParameterKey")]


def _status(status: str, detailed: str, reason: str) -> dict[str, str]:
    about = f"<StackInstanceStatus>{_element('DetailedStatus', detailed)}</StackInstanceStatus>"
    return {"status": _element("Status", status), "detailed": about, "why": _element("StatusReason", reason)}


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def _result(action: str, result: str) -> str:
    return f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"


def _error(code: str, message: str) -> str:
    about = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
    return f"<ErrorResponse><Error>{about}</Error><RequestId>1</RequestId></ErrorResponse>"
