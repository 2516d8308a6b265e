"""The calls of a record as OCSF events, which are valid by the official schema, also by a later one."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded

from support.desk import Desk
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.cli.main import main
from xacct_nb.records.fields import Host, Identity
from xacct_nb.records.model import Record
from xacct_nb.records.ocsf import VERSION, ocsf_events, ocsf_lines

ALICE, ADMIN = "arn:aws:iam::111111111111:user/alice", "arn:aws:iam::222222222222:user/admin"
AT = "2026-11-24T10:15:03Z"
MADE = Entry(AT, "222222222222", "CreateRole", "role role/reader", "made", "req-1", 0.25)


@cache
def schema(version: str) -> Draft202012Validator:
    """Return the validator of API Activity with the profile cloud in a version of OCSF."""
    found = OcsfJsonSchemaEmbedded(declared(version)).get_class_schema("api_activity", ["cloud"])
    return Draft202012Validator(found)


@cache
def declared(version: str) -> dict[str, Any]:
    """Return the classes and objects of a version of OCSF, as its own server publishes them."""
    text = files("ocsf_json_schema").joinpath("ocsf", f"{version}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def wrong(event: dict[str, Any], version: str = VERSION) -> list[str]:
    """Return what is against the JSON Schema, and against the constraints: empty texts do not count."""
    found = [f"{each.json_path}: {each.message}" for each in schema(version).iter_errors(event)]
    return [*found, *unmet(event, declared(version)["classes"]["api_activity"], version)]


def unmet(value: dict[str, Any], kind: dict[str, Any], version: str, path: str = "$") -> Iterator[str]:
    """Yield the constraints (at_least_one, just_one) of OCSF that an object or one below it does not meet."""
    for rule, names in (kind.get("constraints") or {}).items():
        count = sum(bool(value.get(name)) for name in names)
        if not (count >= 1 if rule == "at_least_one" else count == 1):
            yield f"{path}: {rule} of {', '.join(names)}"
    for name, inner in value.items():
        below = kind["attributes"].get(name, {}).get("object_type")
        for each in inner if isinstance(inner, list) else [inner]:
            if below and isinstance(each, dict):
                yield from unmet(each, declared(version)["objects"][below], version, f"{path}.{name}")


def a_record(*entries: Entry, where: str = "AWS", **fields: Any) -> Record:
    usual = {
        "id": "20261124T101500Z-readers-plan_and_apply-1f3a",
        "notebook": "plan_and_apply",
        "status": "succeeded",
        "started": AT,
        "ended": AT,
        "seconds": 1.0,
        "host": Host("desk", "ada"),
        "who": (
            Identity("alice", "caller", "111111111111", ALICE),
            Identity("admin", "destination", "222222222222", ADMIN),
        ),
        "parameters": {"name": "readers"},
        "journal": Journal("readers", (), entries),
        "versions": {"xacct-nb": "0.2.0"},
    }
    return Record(**{**usual, "where": where, **fields})


def event_of(entry: Entry, **fields: Any) -> dict[str, Any]:
    (event,) = ocsf_events(a_record(entry, **fields))
    return event


# https://schema.ocsf.io/1.1.0/classes/api_activity?profiles=cloud
REQUIRED = (
    "activity_id", "actor", "api", "category_uid", "class_uid", "cloud", "metadata", "severity_id",
    "src_endpoint", "time", "type_uid",
)  # fmt: skip
ENTRIES = {
    "made": MADE,
    "refused": Entry(
        AT, "222222222222", "PutRolePolicy", "inline-policy x on role/r", "AccessDenied", "req-2"
    ),
    "never-answered": Entry(AT, "222222222222", "DeleteRole", "role role/reader"),
    "a-wait": Entry(AT, "111111111111", "AssumeRole", f"{ALICE} as role/reader", "waited", "req-3", 2.0, 4),
    "of-a-strange-account": Entry(AT, "", "TagRole", "", "made"),
}


@pytest.mark.parametrize("version", [VERSION, "1.8.0"])
@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.parametrize(
    "fields", [{}, {"who": (), "where": "", "host": Host(), "versions": {}}], ids=["whole", "bare"]
)
def test_an_event_is_valid_by_the_official_schema(kind: str, version: str, fields: dict[str, Any]) -> None:
    assert wrong(event_of(ENTRIES[kind], **fields), version) == []


@pytest.mark.parametrize("missing", REQUIRED)
def test_the_schema_would_find_a_missing_attribute(missing: str) -> None:
    event = event_of(MADE)
    del event[missing]

    assert wrong(event) == [f"$: '{missing}' is a required property"]


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("actor", {}),
        ("src_endpoint", {"ip": ""}),
        ("resources", [{"uid": ""}]),
        ("cloud.account", {"type_id": 10}),
    ],
)
def test_an_object_without_any_of_the_attributes_that_identify_it_is_found(place: str, left: Any) -> None:
    event = event_of(MADE)
    *outer, last = place.split(".")
    inside = event[outer[0]] if outer else event
    inside[last] = left

    assert f"$.{place}: at_least_one" in [each.split(" of ")[0] for each in wrong(event)]


def test_what_is_not_known_is_left_out_and_not_empty() -> None:
    event = event_of(ENTRIES["of-a-strange-account"], who=(), where="", host=Host(), versions={})

    assert "account" not in event["cloud"]
    assert "resources" not in event


def test_a_call_has_who_what_where_when_and_the_result() -> None:
    event = event_of(MADE)

    assert event["time"] == 1_795_515_303_000
    assert event["duration"] == 250
    assert (event["class_uid"], event["type_uid"], event["status"]) == (6003, 600301, "Success")
    assert event["actor"]["user"]["uid"] == ADMIN
    assert event["api"] == {
        "operation": "CreateRole", "service": {"name": "iam.amazonaws.com"}, "request": {"uid": "req-1"},
    }  # fmt: skip
    assert event["cloud"]["provider"] == "AWS"
    assert event["cloud"]["account"]["uid"] == "222222222222"
    assert event["metadata"]["product"] == {"name": "xacct-nb", "vendor_name": "xacct-nb", "version": "0.2.0"}


def test_a_refused_call_is_a_failure_with_the_code_of_aws() -> None:
    event = event_of(ENTRIES["refused"])

    assert (event["status"], event["api"]["response"]) == ("Failure", {"error": "AccessDenied"})


def test_what_aws_never_answered_is_neither_a_success_nor_a_failure() -> None:
    assert event_of(ENTRIES["never-answered"])["status"] == "Unknown"


def test_a_wait_is_a_call_of_the_caller_itself() -> None:
    event = event_of(ENTRIES["a-wait"])

    assert event["actor"]["user"]["uid"] == ALICE
    assert (event["api"]["service"]["name"], event["unmapped"]["tries"]) == ("sts.amazonaws.com", 4)


def test_nobody_is_named_where_the_record_does_not_know_who_called() -> None:
    assert event_of(MADE, who=())["actor"] == {"invoked_by": "xacct-nb"}


def test_calls_to_the_sandbox_do_not_look_like_calls_to_aws() -> None:
    event = event_of(MADE, where="sandbox at http://127.0.0.1:4566")

    assert event["cloud"]["provider"] == "sandbox"


def test_what_a_call_destroyed_is_left_out() -> None:
    kept = Entry(
        AT, "222222222222", "DeletePolicyVersion", "policy x", "made", kept={"document": "SECRET-KEPT"}
    )

    assert "SECRET-KEPT" not in ocsf_lines(a_record(kept))


def test_a_record_without_calls_has_no_events() -> None:
    assert ocsf_lines(a_record(journal=None)) == ""


def test_the_command_writes_an_event_for_each_call_of_a_run(desk: Desk, tmp_path: Path) -> None:
    ended = desk.applied()
    out = tmp_path / "events.jsonl"
    words = ["records", "export", ended.record.id, "--format", "ocsf", "-o", str(out)]
    told = CliRunner().invoke(main, [*words, "--records", str(desk.records)], catch_exceptions=False)
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert ended.record.journal

    assert told.exit_code == 0
    assert [each["api"]["operation"] for each in events] == [
        e.operation for e in ended.record.journal.entries
    ]
    assert [problem for each in events for problem in wrong(each)] == []
    assert {each["cloud"]["account"]["uid"] for each in events} == {desk.world.source, desk.world.destination}
    assert all(each["actor"]["user"]["uid"] for each in events)
    assert all(each["api"]["request"]["uid"] for each in events)
