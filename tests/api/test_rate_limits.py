"""Limits over HTTP: so many and not one more, over three processes; and for the right client."""

import base64
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import httpx
import pytest

from tests.api.conftest import ANONYMOUS, OURS, PROXY, SIGNING_IN
from tests.people import PASSWORD, Person, expect, refused
from tests.service import TRUST, coming_from

pytestmark = pytest.mark.xdist_group("rates")


def burst(service, times, **headers):
    """Each on a connection of its own, so that every process gets its share."""

    def ask(_):
        return httpx.get(f"{service.url}/v1/me", headers=headers, verify=TRUST, timeout=60)

    with ThreadPoolExecutor(30) as threads:
        return list(threads.map(ask, range(times)))


def test_of_300_at_once_100_get_through_whichever_process_they_meet(strict):
    ann, ben = Person(strict, "ann"), Person(strict, "ben")

    answers = burst(strict, 300, Authorization=f"Bearer {ann.tokens['accessToken']}")

    assert Counter(answer.status_code for answer in answers) == {200: OURS, 429: 300 - OURS}
    left = [it.headers["ratelimit"] for it in answers if it.status_code == HTTPStatus.OK]
    assert len(set(left)) == OURS, "each was told another rest"
    problem = refused(ann.http.get("/v1/me"), 429, "rate_limited")
    assert (problem["policy"], problem["limit"], problem["windowSeconds"]) == ("requests", OURS, 60)
    assert 1 <= problem["retryAfter"] <= 16
    expect(ben.http.get("/v1/me"), 200)


def test_every_answer_says_where_its_client_stands(strict):
    cat = Person(strict, "cat")
    asked = [
        cat.http.get("/v1/me"),
        cat.http.get("/v1/images/img_nonsense"),
        cat.http.post("/v1/images", content=b"{"),
        cat.http.post("/v1/uploads", content=b"{}", headers={"Idempotency-Key": "two words"}),
        cat.http.delete("/v1/me", params={"x": "y"}),
        cat.http.get("/health/live"),
    ]

    for used, answer in enumerate(asked, start=1):
        assert answer.headers["ratelimit-policy"] == f'"requests";q={OURS};w=60'
        assert answer.headers["ratelimit"].startswith(f'"requests";r={OURS - used};t=')
    assert [answer.status_code for answer in asked] == [200, 404, 400, 422, 400, 200]


def test_who_is_over_the_limit_is_told_when_to_come_again(strict):
    with coming_from(strict, "127.0.0.11") as http:
        for _ in range(ANONYMOUS):
            expect(http.get("/v1/images"), 200)

        answer = http.post("/v1/images", content=b"x" * 10_000)

    refused(answer, 429, "rate_limited")
    assert int(answer.headers["retry-after"]) == answer.json()["retryAfter"]
    assert answer.headers["ratelimit"].startswith('"anonymous";r=0;t=')
    assert answer.headers["cache-control"] == "no-store"


def test_what_a_request_says_of_its_address_changes_nothing(strict):
    spoofs = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "CF-Connecting-IP")
    with coming_from(strict, "127.0.0.12") as http:
        answers = [
            http.get("/v1/images", headers={spoofs[n % len(spoofs)]: f"10.0.0.{n}"})
            for n in range(ANONYMOUS + 5)
        ]

    assert Counter(it.status_code for it in answers) == {200: ANONYMOUS, 429: 5}


def test_behind_a_trusted_proxy_the_client_is_whom_the_proxy_names(strict):
    def ask(http, forwarded):
        return http.get("/v1/images", headers={"X-Forwarded-For": forwarded}).headers["ratelimit"]

    with coming_from(strict, PROXY) as http:
        spoofed = [ask(http, f"10.0.0.{n}, 192.0.2.1") for n in range(3)]
        chained = ask(http, f"192.0.2.1, {PROXY}")
        neighbours = [ask(http, f"2001:db8::{n}") for n in range(3)]
        nonsense = [ask(http, text) for text in ("nonsense", "unknown")]

    def rest(told):
        return int(told.partition("r=")[2].partition(";")[0])

    assert [rest(it) for it in (*spoofed, chained)] == [ANONYMOUS - n for n in range(1, 5)]
    assert [rest(it) for it in neighbours] == [ANONYMOUS - n for n in range(1, 4)]
    assert [rest(it) for it in nonsense] == [ANONYMOUS - 1, ANONYMOUS - 2]


def test_bad_credentials_are_counted_by_address(strict):
    made_up = base64.b64encode(b"x" * 30).decode()
    with coming_from(strict, "127.0.0.13") as http:
        answers = [
            http.get("/v1/me", headers={"Authorization": f"Bearer {n}{made_up}"})
            for n in range(ANONYMOUS + 2)
        ]

    assert Counter(it.status_code for it in answers) == {401: ANONYMOUS, 429: 2}


def test_where_credentials_are_taken_the_address_counts_whoever_is_asking(strict):
    dan = Person(strict, "dan")
    token = {"Authorization": f"Bearer {dan.tokens['accessToken']}"}
    with coming_from(strict, "127.0.0.14", **token) as http:
        first = http.post("/v1/auth/login", json={"email": dan.email, "password": PASSWORD})

    assert expect(first, 200)
    assert first.headers["ratelimit"].startswith(f'"signing-in";r={SIGNING_IN - 1};t=')


WRONG = "wrong"


def log_in(http, email, password=WRONG):
    return http.post("/v1/auth/login", json={"email": email, "password": password})


def test_passwords_can_be_guessed_only_so_often_and_the_refusal_tells_nothing(strict):
    eve = Person(strict, "eve")
    with coming_from(strict, "127.0.0.21") as thief, coming_from(strict, "127.0.0.22") as home:
        known = [log_in(thief, eve.email.upper() if n % 2 else eve.email) for n in range(12)]
        unknown = [log_in(thief, "nobody@example.org") for _ in range(12)]
        right = log_in(thief, eve.email, PASSWORD)
        elsewhere = log_in(home, eve.email, PASSWORD)

    statuses = [[it.status_code for it in answers] for answers in (known, unknown)]
    assert statuses == [[401] * 10 + [429] * 2] * 2
    told = [it[-1].json() | {"retryAfter": 0, "detail": ""} for it in (known, unknown)]
    assert told[0] == told[1]
    refused(right, 429, "rate_limited")
    expect(elsewhere, 200)


def test_many_guesses_at_once_are_no_way_round(strict):
    fay = Person(strict, "fay")
    with coming_from(strict, "127.0.0.23") as thief, ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: log_in(thief, fay.email), range(30)))

    assert Counter(it.status_code for it in answers) == {401: 10, 429: 20}


def test_the_right_password_is_no_guess(strict):
    guy = Person(strict, "guy")
    with coming_from(strict, "127.0.0.24") as http:
        for _ in range(12):
            expect(log_in(http, guy.email, PASSWORD), 200)


def test_a_borrowed_token_guesses_no_more_often(strict):
    hal = Person(strict, "hal")

    answers = [hal.http.request("DELETE", "/v1/me", json={"password": "no"}) for _ in range(11)]

    assert [it.status_code for it in answers] == [401] * 10 + [429]
