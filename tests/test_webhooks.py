"""Web hooks: signed, and never into our own network."""

from __future__ import annotations

import hashlib
import hmac
import socket

import pytest

from engine.notifiers import Message, TryLater, Undeliverable, addresses, webhook
from tests.post import NOW, SECRET, Clock, deaf_peer, free_port, notifier, put_off, refused_for_good


def hook(httpserver, **more):
    url = httpserver.url_for("/hook?x=1")
    options = {"kind": "http", "secrets": {url: SECRET}, "allow_private": True} | more
    return notifier("webhook", **options), Message("webhook", "k:9", url, "Đã xong", "T05", {"n": 1}, "1022.BD.1")


def test_a_partner_can_tell_who_speaks_and_that_nothing_was_changed(httpserver):
    httpserver.expect_request("/hook", method="POST").respond_with_json({"id": "p-7"}, status=201)
    sender, message = hook(httpserver)

    assert sender.send(message).reference == "p-7"

    request, _ = httpserver.log[0]
    seconds, _, mac = request.headers["X-Signature"].partition(",")
    assert seconds == f"t={int(NOW.timestamp())}"
    signed = seconds[2:].encode() + b"." + request.data
    assert mac == "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert request.json == {"key": "k:9", "case": "1022.BD.1", "subject": "T05", "text": "Đã xong", "payload": {"n": 1}}
    assert request.headers["Idempotency-Key"] == "k:9"
    assert request.headers["Host"] == f"{httpserver.host}:{httpserver.port}"
    assert request.query_string == b"x=1"


@pytest.mark.parametrize(("status", "kind"), [
    (400, Undeliverable), (404, Undeliverable), (410, Undeliverable), (301, Undeliverable), (307, Undeliverable),
    (401, TryLater), (409, TryLater), (429, TryLater), (500, TryLater), (503, TryLater),
])  # fmt: skip
def test_a_partner_refuses_for_now_or_for_good_and_is_not_followed_elsewhere(httpserver, status, kind):
    httpserver.expect_request("/hook").respond_with_data("", status=status, headers={"Location": "/elsewhere"})
    sender, message = hook(httpserver)

    with pytest.raises(kind) as failure:
        sender.send(message)
    assert str(status) in failure.value.reason
    assert len(httpserver.log) == 1


def test_a_partner_who_is_away_or_silent_is_tried_again():
    with deaf_peer() as deaf:
        for port, words in ((free_port(), "could not be reached"), (deaf, "did not answer in time")):
            url = f"http://127.0.0.1:{port}/"
            sender = notifier("webhook", kind="http", secrets={url: SECRET}, allow_private=True, timeout=0.2)
            assert words in put_off(sender, Message("webhook", "k", url))


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
    "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[fec0::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "2130706433", "0x7f.1", "224.0.0.1", "255.255.255.255",
])  # fmt: skip
def test_a_web_hook_may_not_lead_into_our_own_network(host):
    url = f"http://{host}/admin"
    sender = notifier("webhook", kind="http", secrets={url: SECRET})

    assert "is an address inside the network" in refused_for_good(sender, Message("webhook", "k", url))


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_one_in_whatever_coat(address):
    assert addresses.is_public(address)


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Undeliverable):
        addresses.resolve("x.vn", 443, allow_private=False)
    found.pop()
    assert addresses.resolve("x.vn", 443, allow_private=False) == "8.8.8.8"


def test_a_name_that_means_something_else_the_second_time_changes_nothing(httpserver, monkeypatch):
    httpserver.expect_request("/hook").respond_with_data("")
    url = f"http://partner.example:{httpserver.port}/hook"
    sender = notifier("webhook", kind="http", secrets={url: SECRET}, allow_private=True)
    answers = iter([[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", httpserver.port))]])
    real = socket.getaddrinfo
    monkeypatch.setattr(
        addresses.socket, "getaddrinfo",
        lambda host, *rest, **more: next(answers) if host == "partner.example" else real(host, *rest, **more),
    )  # fmt: skip

    sender.send(Message("webhook", "k", url))

    assert httpserver.log[0][0].headers["Host"] == f"partner.example:{httpserver.port}"


@pytest.mark.parametrize("url", [
    "ftp://x.vn/", "file:///etc/passwd", "gopher://x.vn/", "x.vn", "", "http://", "https://u:p@x.vn/", "http://x\0.vn/",
])  # fmt: skip
def test_a_web_hook_is_http_and_nothing_else(url):
    sender = webhook.Webhook(secrets={}, clock=Clock())
    sender.secrets[url] = SECRET

    assert "must begin with" in (reason := refused_for_good(sender, Message("webhook", "k", url))) or "read" in reason


def test_a_url_without_a_secret_is_not_called():
    sender = notifier("webhook", kind="http", secrets={})

    reason = refused_for_good(sender, Message("webhook", "k", "https://x.vn/hook?token=1"))
    assert reason == "No secret is set for https://x.vn/…: add it to the web hook settings."
