"""Files that people send by chat are fetched before their links expire: over https, from a real server."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update
from werkzeug import Request, Response

from engine import model
from engine.channels import downloads, fetches
from engine.channels.downloads import Downloads
from engine.channels.fetches import AGAIN, ATTEMPTS_MAX
from engine.files.attachments import Store
from engine.language.masks import MASK
from engine.notifiers import TryLater, Undeliverable
from engine.people import access
from engine.work.worker import Worker
from tests import databases
from tests.hotline import Hotline, refused
from tests.post import deaf_peer

PEM = Path(__file__).parent / "photos.pem"  # key and certificate of 127.0.0.1, for nothing but these tests
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
LARGEST = 100_000
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def serving() -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        yield server


@pytest.fixture
def photos(serving: HTTPServer) -> Iterator[HTTPServer]:
    """Where the messenger keeps pictures."""
    serving.clear()
    yield serving


def fetcher(photos: HTTPServer, folder: Path, **more: Any) -> Downloads:
    options = {"inside": [f"127.0.0.1:{photos.port}"], "ca_file": str(PEM)} | more
    return Downloads(Store(folder), LARGEST, **options)


def sent(hotline: Hotline, *urls: str) -> str:
    """Somebody sends pictures for a case; its number."""
    number = hotline.assigned()
    with hotline.runtime.begin() as unit:
        case_id = unit.scalar(select(model.cases.c.id).where(model.cases.c.number == number))
        fetches.owe(unit, case_id, urls)
    return number


def links(hotline: Hotline, number: str) -> list[dict[str, Any]]:
    return hotline.as_("vanphong").get(f"/cases/{number}/links").json["items"]


def files(hotline: Hotline, number: str) -> list[dict[str, Any]]:
    return hotline.as_("vanphong").get(f"/cases/{number}/attachments").json["items"]


@pytest.fixture
def worker(hotline: Hotline, photos: HTTPServer) -> Worker:
    folder = Path(hotline.app.config["INSTANCE"]) / "attachments"
    return Worker(hotline.runtime, {}, fetcher=fetcher(photos, folder))


def test_a_picture_becomes_a_file_of_the_case(hotline, worker, photos):
    photos.expect_request("/a/1.jpg").respond_with_data(PNG, content_type="image/jpeg")
    photos.expect_request("/a/2").respond_with_data("", status=302, headers={"Location": "1.jpg?again"})
    number = sent(hotline, photos.url_for("/a/1.jpg?sig=x"), photos.url_for("/a/2"))

    worker.tick()
    assert worker.fetch() == 0
    first, second = files(hotline, number)
    assert (first["name"], first["media_type"], first["author"]) == ("1.jpg", "image/png", "citizen")
    assert (second["name"], second["sha256"]) == ("2.png", first["sha256"])
    content = hotline.as_("phuong").get(f"/cases/{number}/attachments/{first['id']}")
    assert content.data == PNG
    assert [(one["state"], one["attachment_id"]) for one in links(hotline, number)] == \
        [("done", first["id"]), ("done", second["id"])]  # fmt: skip
    assert {request.headers["Host"] for request, _ in photos.log} == {f"127.0.0.1:{photos.port}"}


def test_behind_the_veil_no_link_leads_to_the_file(hotline, photos):
    url = photos.url_for("/a/Đơn.pdf?sig=x_Y-1&to=2")
    number = sent(hotline, url)
    assert hotline.as_("truc").post(f"/cases/{number}/comments", {"text": f"Đơn đây:\n{url}\nnhé"}).status_code == 201
    told = {who: (hotline.as_(who).get(f"/cases/{number}/links").json["items"][0]["url"],
                  hotline.as_(who).get(f"/cases/{number}/comments").json["items"][0]["text"])
            for who in ("truc", "phuong")}  # fmt: skip
    assert told["truc"] == (url, f"Đơn đây:\n{url}\nnhé")
    assert told["phuong"] == (MASK, f"Đơn đây:\n{MASK}\nnhé")


def test_workers_that_look_at_once_fetch_each_file_once(hotline, worker, photos):
    photos.expect_request("/1.png").respond_with_data(PNG)
    number = sent(hotline, *(photos.url_for(f"/1.png?{n}") for n in range(4)))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: worker.fetch(), range(3)))

    assert len(files(hotline, number)) == 4 == len(photos.log)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer
def test_a_file_that_comes_while_somebody_has_the_case_is_added_after_them(hotline, worker, photos):
    photos.expect_request("/1.png").respond_with_data(PNG)
    number = sent(hotline, photos.url_for("/1.png"))
    with ThreadPoolExecutor(1) as pool:
        with hotline.runtime.begin() as unit:
            access.hold(unit, number)
            fetching = pool.submit(worker.fetch)
            while not databases.somebody_waits(hotline.runtime):
                assert not fetching.done()
            unit.execute(update(model.fetches).values(last_error="seen"))  # as who empties a case writes to its links
        assert fetching.result() == 1

    assert len(files(hotline, number)) == 1
    assert [(one["state"], one["last_error"]) for one in links(hotline, number)] == [("done", None)]


@on_sqlite
def test_a_server_that_does_not_answer_now_is_asked_again_later(hotline, worker, photos):
    photos.expect_ordered_request("/1.png").respond_with_data("", status=503)
    photos.expect_ordered_request("/1.png").respond_with_data(PNG)
    number = sent(hotline, photos.url_for("/1.png"))

    assert worker.fetch() == 1 and worker.fetch() == 0
    (waiting,) = links(hotline, number)
    assert (waiting["state"], waiting["attempts"], waiting["last_error"]) == \
        ("waiting", 1, f"https://127.0.0.1:{photos.port}/… answered 503.")  # fmt: skip
    assert worker.next_due() <= hotline.clock() + AGAIN[0]
    hotline.clock.advance(AGAIN[0])
    assert worker.fetch() == 1
    assert (links(hotline, number)[0]["last_error"], len(files(hotline, number))) == (None, 1)


@on_sqlite
def test_what_is_given_up_is_seen_by_the_office_which_can_have_it_tried_again(hotline, worker, photos):
    photos.expect_oneshot_request("/1.png").respond_with_data("expired", status=403)
    number = sent(hotline, photos.url_for("/1.png"))
    worker.fetch()

    (dead,) = links(hotline, number)
    why = f"https://127.0.0.1:{photos.port}/… answered 403: the file is not there, or not any more."
    assert (dead["state"], dead["last_error"]) == ("dead", why)
    (line,) = (one for one in hotline.as_("vanphong").get(f"/cases/{number}/timeline").json["items"]
               if one["kind"] == "file-not-fetched")  # fmt: skip
    assert line["data"]["reason"] == why
    again = f"/cases/{number}/links/{dead['id']}/retry"
    refused(hotline.as_("binh").post(again), 404, "not-found")
    refused(hotline.as_("mattran").get(f"/cases/{number}/links"), 403, "not-allowed")
    photos.expect_request("/1.png").respond_with_data(PNG)
    assert hotline.as_("vanphong").post(again).json["state"] == "waiting"
    assert "is 'waiting'" in refused(hotline.as_("vanphong").post(again), 409, "wrong-state")
    worker.fetch()
    assert len(files(hotline, number)) == 1
    refused(hotline.as_("vanphong").post(f"/cases/{number}/links/99/retry"), 404, "not-found")


@on_sqlite
def test_whoever_dies_while_fetching_leaves_it_to_another_but_not_for_ever(hotline, worker, photos):
    photos.expect_request("/1.png").respond_with_data(PNG)
    number = sent(hotline, photos.url_for("/1.png"))

    def dies(url: str) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetches.step(hotline.runtime, dies)
    assert worker.fetch() == 0  # it may still be at it
    hotline.clock.advance(AGAIN[0])
    assert worker.fetch() == 1 and len(files(hotline, number)) == 1

    with hotline.runtime.begin() as unit:
        unit.execute(update(model.fetches).values(state="waiting", attempts=ATTEMPTS_MAX, due_at=unit.now))
    assert worker.fetch() == 0
    assert links(hotline, number)[0]["last_error"] == "whoever tried has died, in each of 5 attempts"


# -- what is not fetched -------------------------------------------------------------------------------------------


def drips(_request: Request) -> Response:
    def body() -> Iterator[bytes]:
        for _ in range(600):
            yield b"x" * 10
            time.sleep(0.05)

    return Response(body(), content_type="image/png")


def goes_to(address: str) -> Callable[[Request], Response]:
    return lambda _request: Response("", 302, {"Location": address})


def test_what_is_no_file_or_leads_where_it_may_not_is_refused_for_good(photos, tmp_path):
    def said(path: str, answer: Callable[[Request], Response] | Response) -> str:
        photos.clear()
        handler = photos.expect_request(path)
        if callable(answer) and not isinstance(answer, Response):
            handler.respond_with_handler(answer)
        else:
            handler.respond_with_response(answer)
        with pytest.raises(Undeliverable) as refusal:
            fetcher(photos, tmp_path)(photos.url_for(path))
        return refusal.value.reason

    assert "answered 410: the file is not there" in said("/1", Response("", 410))
    assert "a web page" in said("/2", Response(PNG, content_type="text/html; charset=utf-8"))
    assert "larger than 100000 bytes" in said("/3", Response(b"x" * (LARGEST + 1)))
    assert "is empty" in said("/4", Response(b""))
    assert "must begin with https://" in said("/5", goes_to("http://127.0.0.1/"))
    assert "must begin with https://" in said("/6", goes_to("file:///etc/passwd"))
    assert "169.254.169.254 is an address inside the network" in said("/7", goes_to("https://169.254.169.254/"))
    assert "leads on and on" in said("/8", goes_to("/8"))
    assert len(photos.log) == 1 + downloads.REDIRECTS
    assert list(tmp_path.rglob(".new-*")) == []


@pytest.mark.parametrize("url", [
    "https://127.0.0.1/1", "https://localhost/1", "https://10.1.2.3/1", "https://[::ffff:127.0.0.1]/1",
    "https://2130706433/1", "http://photos.example/1", "https://u:p@photos.example/1", "ftp://x.vn/1", "", "https://",
    "https://x\0.vn/",
])  # fmt: skip
def test_an_address_that_may_not_be_is_refused_before_anybody_is_asked(url, photos, tmp_path):
    with pytest.raises(Undeliverable):
        fetcher(photos, tmp_path)(url)


def test_a_machine_of_our_own_is_only_asked_at_the_port_that_was_named(photos, tmp_path):
    photos.expect_request("/1.png").respond_with_data(PNG)
    with pytest.raises(Undeliverable, match="inside the network"):
        fetcher(photos, tmp_path, inside=["127.0.0.1", f"127.0.0.2:{photos.port}"])(photos.url_for("/1.png"))

    assert photos.log == []


def test_who_is_slow_away_or_somebody_else_is_asked_again(photos, tmp_path, monkeypatch):
    def said(url: str, **more: Any) -> str:
        with pytest.raises(TryLater) as failure:
            fetcher(photos, tmp_path, **more)(url)
        return failure.value.reason

    photos.expect_request("/1.png").respond_with_handler(drips)
    monkeypatch.setattr(downloads, "LONGEST", 0.2)
    begun = time.monotonic()
    assert "takes longer than 0.2 seconds" in said(photos.url_for("/1.png"))
    assert time.monotonic() - begun < 15  # not only when the server has come to its end
    with deaf_peer() as port:
        deaf = {"inside": [f"127.0.0.1:{port}"], "timeout": 0.2}
        assert "did not answer in time" in said(f"https://127.0.0.1:{port}/1", **deaf)
    assert "could not be reached (ConnectError)" in said(photos.url_for("/1.png"), ca_file=None)
    assert list(tmp_path.rglob("*")) == []


def test_a_setting_that_will_not_do_is_said_at_the_start(tmp_path):
    with pytest.raises(ValueError, match="inside must be a list of hosts"):
        Downloads(Store(tmp_path), LARGEST, inside="127.0.0.1")
