"""The page of a share link: what it shows, how its password opens it, who it counts."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from adapters.data_folder import DataFolder
from domain.ids import from_text
from settings import load
from tests.api.test_albums import at, new_album, put
from tests.api.test_share_links import query, routes, shared
from tests.people import Person, eventually, expect, refused
from tests.service import coming_from

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
WORD = "Sesam öffne dich"
HOSTILE = "\"><script>alert(1)</script> & 'x' </title>"


@pytest.fixture(scope="module")
def image(ann, dot):
    return ann.developed(ann.upload(dot, "lent.png", title=HOSTILE, description="<b>bold</b>"))


@pytest.fixture(scope="module")
def locked(ann, image):
    return shared(ann, image, password=WORD)


@pytest.fixture
def browser(service):
    """Of somebody without an account; keeps cookies."""
    http = service.client()
    http.headers.update(HTML)
    return http


def path(link):
    return urlsplit(link["pageUrl"]).path


def sources(page):
    return [unescape(it) for it in re.findall(r'(?:src|href)="([^"]*)"', page.text)]


def unlock(http, link, word=WORD, **more):
    return http.post(f"{path(link)}/unlock", data={"password": word}, **more)


def rows(service, statement, *parameters):
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url) as connection:
        return connection.execute(statement, parameters).fetchall()


def kept(service, image):
    statement = "select hash from secrets.share_passwords where subject_id = %s"
    return rows(service, statement, from_text("img", image["imageId"]))


def counted(service, image):
    statement = "select views from counting.links where subject_id = %s"
    return rows(service, statement, from_text("img", image["imageId"]))


def test_a_page_shows_the_image_and_nothing_of_it_runs(ann, browser, image, dot):
    link = shared(ann, image, permissions=["view", "download"])

    page = browser.get(path(link))

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src 'self'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert page.headers["x-robots-tag"] == "noindex"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script|<b>|\bon\w+=|javascript:", page.text)
    assert unescape(re.search(r"<title>(.*?)</title>", page.text)[1]) == HOSTILE
    assert unescape(re.search(r'alt="([^"]*)"', page.text)[1]) == HOSTILE
    shown, original = sources(page)
    assert browser.get(shown).headers["content-type"].startswith("image/")
    download = browser.get(original)
    assert download.content == dot
    assert download.headers["content-disposition"].startswith("attachment; ")
    assert browser.head(path(link)).status_code == 200
    only_seen = browser.get(path(shared(ann, image)))
    assert len(sources(only_seen)) == 1


def test_programs_are_told_that_there_is_a_password(ann, anyone, image, locked):
    assert locked["hasPassword"] is True
    for route in routes(image):
        refused(anyone.get(f"{route}?{query(locked)}"), 403, "password_required")
    refused(anyone.get(path(locked)), 403, "password_required")
    for word in ("", "sesam öffne dich", WORD + " "):
        wrong = anyone.post(f"{path(locked)}/unlock", json={"password": word})
        refused(wrong, 403, "password_wrong")
    for body in ({}, {"password": 7}, {"password": WORD, "x": 1}, []):
        refused(anyone.post(f"{path(locked)}/unlock", json=body), 422, "validation")
    assert ann.http.get(locked["shareUrl"]).status_code == 200, "its owner needs none"

    opened = expect(anyone.post(f"{path(locked)}/unlock", json={"password": WORD}), 200)

    assert set(opened) == {"shareUrl", "expiresAt"}
    for route in routes(image):
        assert anyone.get(f"{route}?{query(opened)}").status_code == 200, route
    refused(anyone.get(f"{opened['shareUrl']}&download=1"), 403, "forbidden")
    given = {name: values[0] for name, values in parse_qs(query(locked)).items()}
    forged = anyone.get(f"/images/{image['imageId']}", params=given | {"page": "1"})
    refused(forged, 403, "signature_invalid")
    form = anyone.post(f"{path(locked)}/unlock", data={"password": WORD})
    assert expect(form, 200)["shareUrl"].startswith(f"{ann.service.url}/images/")


def test_a_person_is_asked_for_it_and_asked_no_more(browser, locked, image):
    asking = browser.get(path(locked))
    assert asking.status_code == 403
    assert f'action="{path(locked)}/unlock"' in asking.text
    assert image["imageId"] not in asking.text
    assert "alert" not in asking.text
    wrong = unlock(browser, locked, "wrong")
    assert wrong.status_code == 403
    assert 'type="password"' in wrong.text
    assert "set-cookie" not in wrong.headers

    right = unlock(browser, locked)

    assert (right.status_code, right.headers["location"]) == (303, path(locked))
    cookie = right.headers["set-cookie"]
    assert {f"Path={path(locked)}", "HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))
    assert WORD not in cookie
    page = browser.get(path(locked))
    assert page.status_code == 200
    (shown,) = sources(page)
    browser.cookies.clear()
    assert browser.get(shown).status_code == 200, "images need no cookie"
    assert browser.get(path(locked)).status_code == 403


def test_what_opens_one_link_opens_no_other(ann, browser, locked, image, dot):
    other = shared(ann, image, password=WORD)
    elsewhere = shared(ann, ann.upload(dot), password=WORD)
    cookie = unlock(browser, locked).cookies["darkroom-share"]
    browser.cookies.clear()
    exp, kid, sig = cookie.split(".")
    other_sig = sig[:-1] + ("1" if sig.endswith("0") else "0")
    for link in (other, elsewhere):
        answer = browser.get(path(link), headers={"Cookie": f"darkroom-share={cookie}"})
        assert answer.status_code == 403
    for forged in (
        *(f"{int(exp) + 300}.{kid}.{sig}", f"{exp}.{kid}.{other_sig}", f"{exp}.2.{sig}", "x", ""),
        *(f"{exp}.{kid}", f"{exp}.{kid}.{sig}.1", f"x.{kid}.{sig}", "..", f"{exp}.{kid}.ü"),
    ):
        answer = browser.get(
            path(locked), headers={"Cookie": f"darkroom-share={forged}".encode("latin-1")}
        )
        assert answer.status_code == 403, forged
    good = browser.get(path(locked), headers={"Cookie": f"darkroom-share={cookie}"})
    assert good.status_code == 200


def test_passwords_cannot_be_tried_out(service, ann, image):
    link = shared(ann, image, password=WORD)
    with coming_from(service, "127.0.3.1") as guesser, coming_from(service, "127.0.3.2") as friend:
        for _ in range(10):
            refused(unlock(guesser, link, "guess"), 403, "password_wrong")

        problem = refused(unlock(guesser, link), 429, "rate_limited")

        assert problem["retryAfter"] > 0
        page = unlock(guesser, link, headers=HTML)
        assert (page.status_code, "set-cookie" in page.headers) == (429, False)
        assert int(page.headers["retry-after"]) > 0
        assert unlock(friend, link).status_code == 200
        assert unlock(guesser, shared(ann, image, password=WORD)).status_code == 200


def test_a_link_without_a_password_needs_none(ann, anyone, image):
    link = shared(ann, image)

    assert "shareUrl" in expect(unlock(anyone, link, "whatever"), 200)


def test_ending_it_ends_its_page_and_all_that_the_page_gave_out(service, ann, anyone, browser, dot):
    image = ann.upload(dot)
    link = shared(ann, image, password=WORD)
    opened = expect(unlock(anyone, link), 200)
    unlock(browser, link)
    (shown,) = sources(browser.get(path(link)))
    share = f"/v1/images/{image['imageId']}/shares/{link['shareId']}"

    assert ann.http.delete(share).status_code == 204

    for url in (path(link), shown, opened["shareUrl"], link["shareUrl"]):
        refused(anyone.get(url), 403, "share_revoked")
    refused(unlock(anyone, link), 403, "share_revoked")
    page = browser.get(path(link))
    assert page.status_code == 403
    assert "revoked" in page.text
    assert kept(service, image) == []


def test_deleting_and_purging_end_it_and_nothing_of_the_password_is_left(
    service, ann, anyone, browser, dot
):
    image = ann.upload(dot)
    link = shared(ann, image, password=WORD)
    ((hash,),) = kept(service, image)
    assert hash.startswith("$argon2id$")
    told = "select from log.darkroom_events where position(%s in state) > 0"
    assert rows(service, told, WORD.encode()) == []
    expect(unlock(anyone, link), 200)
    eventually(lambda: counted(service, image) == [(1,)], within=20)

    expect(ann.http.delete(f"/v1/images/{image['imageId']}"), 200)
    refused(anyone.get(path(link)), 404, "not_found")
    refused(unlock(anyone, link), 404, "not_found")
    expect(ann.http.post(f"/v1/images/{image['imageId']}/purge"), 202)

    refused(anyone.get(path(link)), 404, "not_found")
    assert browser.get(path(link)).status_code == 404
    eventually(lambda: not kept(service, image) + counted(service, image), within=120)


@pytest.mark.parametrize("id", ["x", "shr_", "shr_" + "0" * 26, "img_" + "0" * 26, "%00", "ä"])
def test_a_page_of_nothing_is_not_there(anyone, browser, id):
    refused(anyone.get(f"/s/{id}"), 404, "not_found")
    refused(anyone.post(f"/s/{id}/unlock", json={"password": "x"}), 404, "not_found")
    assert browser.get(f"/s/{id}").status_code == 404


def test_what_is_made_out_to_somebody_has_no_page(ann, ben, anyone, image):
    link = shared(ann, image, sharedWith=ben.id)

    assert link["pageUrl"] is None
    refused(anyone.get(f"/s/{link['shareId']}"), 403, "forbidden")
    body = {"sharedWith": ben.id, "password": "x"}
    asked = ann.http.post(f"/v1/images/{image['imageId']}/share", json=body)
    problem = refused(asked, 422, "validation")
    assert [it["field"] for it in problem["errors"]] == ["password"]


def test_the_owner_sees_how_often_each_link_was_followed(ann, anyone, browser, dot):
    image = ann.upload(dot)
    followed, other = shared(ann, image), shared(ann, image)

    def looks():
        found = expect(ann.http.get(f"/v1/images/{image['imageId']}/shares"), 200)["shares"]
        return {it["shareId"]: (it["views"], it["lastViewedAt"]) for it in found}

    assert looks()[followed["shareId"]] == (0, None)
    for _ in range(3):
        page = browser.get(path(followed))
    for _ in range(2):
        assert anyone.get(followed["shareUrl"]).status_code == 200
    for source in sources(page):
        browser.get(source)
    browser.head(path(followed))
    anyone.head(followed["shareUrl"])
    browser.get(path(followed), headers={"User-Agent": "Googlebot/2.1"})
    invalid = followed["shareUrl"].replace(followed["shareId"], other["shareId"])
    refused(anyone.get(invalid), 403, "signature_invalid")

    eventually(lambda: looks()[followed["shareId"]][0] >= 5, within=20)

    views, last = looks()[followed["shareId"]]
    assert views == 5
    assert last > image["createdAt"]
    assert looks()[other["shareId"]] == (0, None)


def test_an_album_has_a_page_too(service, anyone, browser, dot):
    owner = Person(service, "album")
    album, image, hidden = new_album(owner, HOSTILE), owner.upload(dot), owner.upload(dot)
    put(owner, album, image)
    body = {"password": WORD}
    link = expect(owner.http.post(f"{at(album)}/share", json=body), 201)
    assert (link["hasPassword"], path(link)) == (True, f"/s/{link['shareId']}")
    delivered = f"/images/{image['imageId']}"
    refused(anyone.get(link["shareUrl"]), 403, "password_required")
    refused(anyone.get(f"{delivered}?{query(link)}"), 403, "password_required")
    assert browser.get(path(link)).status_code == 403

    opened = expect(unlock(anyone, link), 200)
    assert unlock(browser, link).status_code == 303
    page = browser.get(path(link))
    assert page.status_code == 200, page.text

    listed = expect(anyone.get(opened["shareUrl"]), 200)["images"]
    assert [it["imageId"] for it in listed] == [image["imageId"]]
    large, thumb = sources(page)
    for url in (large, thumb, f"{delivered}?{query(opened)}"):
        assert anyone.get(url).status_code == 200
    assert "<script" not in page.text
    refused(anyone.get(f"/images/{hidden['imageId']}?{query(opened)}"), 404, "not_found")

    def listing():
        (share,) = expect(owner.http.get(f"{at(album)}/shares"), 200)["shares"]
        return share

    eventually(lambda: listing()["views"] >= 2, within=20)
    assert owner.http.delete(f"{at(album)}/shares/{link['shareId']}").status_code == 204
    for url in (path(link), large, opened["shareUrl"]):
        refused(anyone.get(url), 403, "share_revoked")
