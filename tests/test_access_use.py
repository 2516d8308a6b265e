"""How the access is used: the three ways on one page, for the caller whose profile is there."""

from support.examples import a_grant, grant_in, sessions_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.grants.grant import resolve
from xacct_nb.runs.access_use import how_to_use
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox


def test_the_ways_are_for_the_caller_of_the_grant_and_nothing_is_written(world: World) -> None:
    grant, before = grant_in(world), world.config_file.read_bytes()
    shown = str(how_to_use(grant, sessions_in(world, grant)))

    assert 'xa.session(grant, source_profile="alice")' in shown
    assert "+source_profile = alice" in shown
    assert f"+endpoint_url = {world.endpoint}" in shown
    assert "reports: A session lasts 1 hour" in shown
    assert f"--source-profile alice --config-file {world.config_file}" in shown
    assert "https://signin.aws.amazon.com/switchrole?account=" in shown
    assert world.config_file.read_bytes() == before


def test_what_a_way_cannot_do_is_said_in_its_place_and_no_external_id_is_shown(world: World) -> None:
    grant = grant_in(world, conditions={"external_id": "env:VENDOR_ID"})
    grant = resolve(grant, lambda reference: "an-external-id-1")
    found = how_to_use(grant, sessions_in(world, grant))

    assert "It requires an external ID, which the console cannot pass." in str(found)
    assert "# external_id = the external ID that the role's owner gave you" in str(found)
    assert "an-external-id-1" not in f"{found!r}{found._repr_html_()}"


def test_without_sessions_the_text_of_the_profile_is_shown() -> None:
    shown = str(how_to_use(a_grant()))

    assert "[profile reports]" in shown
    assert "--source-profile YOUR_PROFILE" in shown


def test_a_profile_of_that_name_that_does_something_else_is_said(world: World) -> None:
    with world.config_file.open("a") as file:
        file.write("[profile reports]\nsso_session = corp\n")
    grant = grant_in(world)

    assert "The profile 'reports' exists already. It has sso_session" in str(
        how_to_use(grant, sessions_in(world, grant))
    )
