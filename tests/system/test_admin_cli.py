"""`darkroom admin`: the acts of /v1/admin on the machine itself, with the same effects."""

import json
import subprocess

import pytest
from click.testing import CliRunner

from cli.admin import admin as administering
from tests.people import Person, eventually, expect, refused, sample
from tests.service import DARKROOM

DOT = sample("valid/sharp__2x2_fdcce6.png")


@pytest.fixture(scope="module")
def eve(service) -> Person:
    return Person(service, "eve")


@pytest.fixture
def run(service, admin):
    def done(*arguments: str, exits: int = 0) -> str:
        ended = service.run("admin", *arguments)
        assert ended.returncode == exits, (ended.stdout, ended.stderr)
        return ended.stdout + ended.stderr

    return done


def rows(said: str) -> list[dict]:
    return [json.loads(line) for line in said.splitlines()]


def acts(admin, person):
    asked = {"stream": person.id, "limit": 1_000}
    entries = expect(admin.http.get("/v1/admin/audit", params=asked), 200)["entries"]
    return [it["type"] for it in entries if it["actor"] == admin.id]


def test_accounts_are_found(run, eve):
    (found,) = [
        json.loads(line)
        for line in run("users", "--search", eve.name, "--json").split("\n")
        if line
    ]
    assert (found["userId"], found["email"], found["plan"]) == (eve.id, eve.email, "free")
    assert found["suspended"] is False
    assert eve.name in run("users", "--search", eve.name)
    assert run("users", "--search", "nobody at all") == "None.\n"


def test_an_act_tells_what_is_true_now_and_its_position(run, admin, service):
    eve = Person(service, "told")

    def told(*arguments: str) -> dict:
        (row,) = rows(run(*arguments, "--reason", "why", "--json"))
        return row

    done = told("suspend", eve.email)
    assert (done["userId"], done["suspended"]) == (eve.id, True)
    entries = expect(admin.http.get("/v1/admin/audit", params={"stream": eve.id}), 200)["entries"]
    assert (entries[-1]["position"], entries[-1]["type"]) == (done["position"], "account.suspended")
    assert told("suspend", eve.email)["position"] is None
    assert told("reinstate", eve.id)["suspended"] is False
    assert told("plan", eve.id, "premium")["plan"] == "premium"
    assert told("quota", eve.id, "54321")["quotaBytes"] == 54_321
    image = eve.upload(DOT)["imageId"]
    assert told("takedown", image)["takenDown"] is True
    assert told("reinstate-image", image)["takenDown"] is False
    rescanned = told("rescan", image)
    assert (rescanned["requested"], rescanned["position"] > done["position"]) == (1, True)
    said = run("hold", image, "--reason", "court")
    assert image in said
    assert "legalHold" in said


def test_what_is_done_holds_at_once_and_is_in_the_audit_log(run, admin, eve):
    run("suspend", eve.email, "--reason", "spam")
    refused(eve.http.get("/v1/me"), 403, "account_suspended")
    run("reinstate", eve.id, "--reason", "sorry")
    run("plan", eve.email, "premium", "--reason", "paid")
    run("quota", eve.email, "123456", "--reason", "less")
    me = expect(eve.http.get("/v1/me"), 200)
    eventually(lambda: expect(eve.http.get("/v1/me"), 200)["quotaBytes"] == 123_456)
    assert me["userId"] == eve.id
    done = acts(admin, eve)
    assert done == [
        *("account.suspended", "account.reinstated", "account.plan-changed"),
        "account.quota-changed",
    ]


def test_administrators_are_made_and_unmade(run, eve):
    refused(eve.http.get("/v1/admin/users"), 403, "forbidden")
    run("grant", eve.email)
    expect(eve.http.get("/v1/admin/users"), 200)
    run("withdraw", eve.email, "--reason", "left")
    refused(eve.http.get("/v1/admin/users"), 403, "forbidden")


def test_reports_are_judged(run, eve):
    image = eve.upload(DOT)["imageId"]
    filed = expect(eve.http.post("/v1/reports", json={"imageId": image, "reason": "spam"}), 202)
    eventually(lambda: filed["reportId"] in run("reports", "--json", "--limit", "1000"))
    run("resolve", filed["reportId"], "dismiss", "--reason", "fine")
    assert "resolved already" in run(
        "resolve", filed["reportId"], "takedown", "--reason", "no", exits=1
    )


def test_what_is_held_is_not_destroyed(run, eve):
    image = eve.upload(DOT)["imageId"]
    run("hold", image, "--reason", "court")
    refused(eve.http.post(f"/v1/images/{image}/purge"), 409, "legal_hold")
    eventually(lambda: image in run("holds", "--limit", "1000"))
    (listed,) = [
        it for it in rows(run("holds", "--json", "--limit", "1000")) if it["imageId"] == image
    ]
    assert (listed["ownerId"], listed["reason"]) == (eve.id, "court")
    run("hold", image, "--lift", "--reason", "case closed")
    eventually(lambda: image not in run("holds", "--limit", "1000"))
    expect(eve.http.post(f"/v1/images/{image}/purge"), 202)


def test_it_is_told_how_full_everything_is(run, admin, eve):
    eve.upload(DOT)
    (mine,) = [it for it in rows(run("quotas", "--json", "--limit", "1000")) if it["id"] == eve.id]
    assert mine["used"] >= len(DOT) + mine["derivatives"]
    (whole,) = rows(run("overview", "--json"))
    told = expect(admin.http.get("/v1/admin/quotas"), 200)
    assert whole["holders"] == told["holders"]
    assert whole["reached80"] == told["reached"]["80"]
    assert "quarantine" in run("overview")


def test_what_is_blocked_does_not_come_again(run, eve, service):
    picture = DOT + b"<blocked by hand>"
    image = eve.upload(picture)["imageId"]
    (added,) = rows(run("block", image, "--reason", "never again", "--json"))
    assert added["quarantined"] == 1
    ticket = eve.initiate(picture)
    eve.put(ticket, picture)
    refused(eve.finalize(ticket), 422, "blocked_image")
    (entry,) = [it for it in rows(run("blocked", "--json")) if it["blockId"] == added["blockId"]]
    assert (entry["manner"], entry["reason"]) == ("exact", "never again")
    run("unblock", added["blockId"], "--reason", "a mistake")
    assert added["blockId"] not in run("blocked")
    assert eve.upload(picture)["status"] in ("processing", "ready")
    assert "an image to look at" in run("block", "0" * 64, "--looks", "--reason", "x", exits=2)
    assert "no such image" in run("block", "img_" + "0" * 26, "--reason", "x", exits=1)


def test_all_of_their_sessions_end(run, service):
    person = Person(service, "many")
    run("sign-out", person.id, "--reason", "stolen")
    refused(person.http.get("/v1/me"), 401, "unauthenticated")


def test_what_is_wrong_is_said(run):
    assert "no account" in run("suspend", "nobody@example.org", "--reason", "x", exits=1)
    assert "nothing here" in run("suspend", "u_" + "0" * 26, "--reason", "x", exits=1)
    assert "is no id" in run("resolve", "rep_x", "dismiss", "--reason", "x", exits=2)
    assert "--reason" in run("suspend", "nobody@example.org", exits=2)
    assert "why must it be kept" in run("hold", "img_" + "0" * 26, exits=2)


def test_help_teaches():
    said = subprocess.run(
        [DARKROOM, "admin", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for word in (*administering.commands, "Examples:"):
        assert word in said


@pytest.mark.parametrize("name", administering.commands)
def test_every_command_shows_an_example_and_speaks_to_machines(name):
    said = CliRunner().invoke(administering, [name, "--help"]).output
    assert f"darkroom admin {name} " in said
    assert "--json" in said
