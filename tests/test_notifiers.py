"""Messages leave the house: to real peers on loopback, who are well, ill, slow or wrong."""

from __future__ import annotations

import email
import email.policy
import json
import re
import stat
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from threading import Thread

import pytest
from aiosmtpd.controller import Controller
from werkzeug import Response

from engine.notifiers import Message, TryLater, Undeliverable, build, masked, message, web
from engine.notifiers.smtp import key_of
from tests import smsc
from tests.post import E1, Clock, deaf_peer, free_port, letter, notifier, put_off, refused_for_good, sms

# -- choosing ----------------------------------------------------------------------------------------------------------


def test_what_is_not_set_is_written_to_a_file_that_only_its_owner_can_read(tmp_path):
    path = tmp_path / "new" / "messages.jsonl"
    notifiers = build({"log": str(path)}, Clock())

    assert notifiers.keys() == {"sms", "email", "zalo", "facebook", "viber", "webhook"}
    assert notifiers["sms"].send(sms()).reference is None
    notifiers["email"].send(letter(subject="Kết quả", payload={"a": 1}))

    first, second = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert first == {
        "at": "2021-09-03T08:30:00+00:00", "kind": "sms", "key": "1022.BD.20210903.00042:7", "to": "09xx…123",
        "case": "1022.BD.20210903.00042", "subject": "", "text": E1, "payload": {},
    }  # fmt: skip
    assert (second["to"], second["subject"], second["payload"]) == ("a…@example.vn", "Kết quả", {"a": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_log_that_was_open_to_others_is_closed_to_them_and_one_that_cannot_be_written_is_no_loss(tmp_path):
    path = tmp_path / "messages.jsonl"
    path.touch(0o644)

    build({"log": str(path)})["sms"].send(sms())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "cannot be written" in put_off(build({"log": str(tmp_path)})["sms"], sms())


@pytest.mark.parametrize(("settings", "sentence"), [
    ({"fax": {}}, "'fax' is not a kind of message; there are sms, email, zalo, facebook, viber, webhook."),
    ({"sms": {"kind": "pigeon"}}, "sms cannot go by 'pigeon'; it can go by log, http, smpp."),
    ({"sms": "http"}, "The settings of sms must be a table."),
    ({"email": {"kind": "smtp", "host": "x"}}, "email by smtp needs the option 'sender'."),
    ({"email": {"kind": "smtp", "hots": "x"}}, "email by smtp has no option 'hots'; it has host, sender, port"),
    ({"email": {"kind": "smtp", "host": "x", "sender": "an"}}, "email by smtp: The sender 'an' is no e-mail address."),
    ({"sms": {"kind": "http", "url": "ftp://x", "body": {}}}, "sms by http: The URL 'ftp://x' must begin with https://"),
    ({"sms": {"kind": "http", "url": "http://x", "body": {"a": "{txt}"}}}, "sms by http: Nothing fills {txt}"),
    ({"sms": {"kind": "http", "url": "http://x", "body": {}, "timeout": 60}}, "sms by http: A time-out must be more"),
    ({"webhook": {"kind": "http", "secrets": {"https://x/": "short"}}}, "webhook by http: The secret of https://x/…"),
    ({"viber": {"kind": "viber", "tokens": {}, "sender": "x" * 29}}, "viber by viber: sender must have 1 to 28"),
    ({"zalo": {"kind": "zalo"}}, "zalo by zalo needs the option 'accounts'."),
    ({"zalo": {"kind": "zalo", "accounts": {"74": {}}}}, "zalo by zalo: The account of 74: Set either access_token or"),
    ({"zalo": {"kind": "zalo", "accounts": {"74": {"token": "x"}}}}, "The account of 74 has no option 'token'; it has"),
    ({"zalo": {"kind": "zalo", "accounts": {"74": "x"}}}, "The account of 74 must be a table with access_token, "),
    ({"zalo": {"kind": "zalo", "accounts": {"74": {"access_token": "t", "template_data": {"a": "{x}"}}}}},
     "The account of 74: Nothing fills {x}; there are case, key, text."),
])  # fmt: skip
def test_settings_that_will_not_do_are_refused_with_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        build(settings, Clock())


def test_who_needs_a_clock_says_so():
    with pytest.raises(ValueError, match="email by smtp needs the option 'clock'"):
        build({"email": {"kind": "smtp", "host": "x", "sender": "a@b.vn"}})


@pytest.mark.parametrize(("address", "shown"), [
    ("+84912345123", "09xx…123"), ("0912 345 123", "09xx…123"), ("+4930664040900", "+4…00"), ("3573657365", "35…65"),
    ("an.nguyen@example.vn", "a…@example.vn"), ("https://u:p@x.vn/hook?token=1", "https://x.vn/…"), ("115", "…"),
])  # fmt: skip
def test_addresses_are_named_so_that_nobody_else_can_use_them(address, shown):
    assert masked(address) == shown


# -- e-mail ------------------------------------------------------------------------------------------------------------


class Mailbox:
    """What a mail server does with what it is given: keeps it, or answers as told."""

    def __init__(self):
        self.letters = []
        self.answers = {}

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if "RCPT" not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return self.answers.get("DATA", "250 OK")


@pytest.fixture
def mailbox():
    box = Mailbox()
    box.port = free_port()
    server = Controller(box, hostname="127.0.0.1", port=box.port, ready_timeout=60)
    server.start()
    yield box
    server.stop()


SENDER = "Tổng đài 1022 <1022@binhduong.gov.vn>"


def smtp(port, **more):
    return notifier("email", kind="smtp", host="127.0.0.1", port=port, sender=SENDER, tls="none", **more)


def test_a_letter_arrives_with_its_marks_and_a_name_made_from_its_key(mailbox):
    receipt = smtp(mailbox.port).send(letter(subject="Kết quả phản ánh\r\nBcc: x@y.vn"))
    again = smtp(mailbox.port).send(letter())

    got = mailbox.letters[0]
    assert got["Subject"] == "Kết quả phản ánh Bcc: x@y.vn"
    assert got["Bcc"] is None
    assert got["From"] == SENDER
    assert got["To"] == "an@example.vn"
    assert got["Date"] == "Fri, 03 Sep 2021 08:30:00 +0000"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got.get_content().strip() == E1
    assert receipt.reference == again.reference == got["Message-ID"]
    assert receipt.reference == "<1022.BD.20210903.00042%3A8@binhduong.gov.vn>"
    assert got["Reply-To"] is None
    assert mailbox.letters[1]["Subject"] == "1022: 1022.BD.20210903.00042"


def test_answers_to_a_letter_go_where_the_province_says_and_name_its_key(mailbox):
    long = Message("email", "1022.BD.20210903.00042:8:1022.BD.20210903.00043 ô", "an@example.vn", E1)
    receipt = smtp(mailbox.port, reply_to="hoi-dap@binhduong.gov.vn").send(long)

    assert mailbox.letters[0]["Reply-To"] == "hoi-dap@binhduong.gov.vn"
    assert mailbox.letters[0]["Message-ID"] == receipt.reference
    assert key_of(receipt.reference) == long.key
    with pytest.raises(ValueError, match="reply_to is 'x', which is no e-mail address"):
        smtp(mailbox.port, reply_to="x")


@pytest.mark.parametrize(("step", "answer", "kind"), [
    ("RCPT", "550 No such user an@example.vn", Undeliverable), ("RCPT", "450 Greylisted", TryLater),
    ("DATA", "554 Looks like spam", Undeliverable), ("DATA", "451 Disk full", TryLater),
    ("MAIL", "553 Sender not allowed", TryLater),
])  # fmt: skip
def test_a_mail_server_refuses_for_now_or_for_good(mailbox, step, answer, kind):
    mailbox.answers[step] = answer

    with pytest.raises(kind) as failure:
        smtp(mailbox.port).send(letter())
    assert answer[:3] in failure.value.reason
    assert "an@" not in failure.value.reason


def test_a_mail_server_that_is_away_silent_or_unlike_we_were_told_is_tried_again(mailbox):
    assert "Connection refused" in put_off(smtp(free_port()), letter())
    with deaf_peer() as deaf:
        assert "did not answer in time" in put_off(smtp(deaf, timeout=0.2), letter())
    assert "cannot be used" in put_off(smtp(mailbox.port, user="u", password="p"), letter())
    secure = notifier("email", kind="smtp", host="127.0.0.1", port=mailbox.port, sender=SENDER)
    assert "cannot be used" in put_off(secure, letter())


@pytest.mark.parametrize("to", ["", "an", "an@example.vn\nBcc: x@y.vn", "nguyễn@example.vn"])
def test_what_is_no_address_is_not_written_to(to):
    assert "is not an e-mail address" in refused_for_good(smtp(1), letter(to=to))


# -- SMS by HTTP -------------------------------------------------------------------------------------------------------


def gateway(httpserver, **more):
    body = {"Phone": "{to}", "Content": "{text}", "Nested": [{"RequestId": "{key}", "Brand": "1022"}]}
    return notifier("sms", **{"kind": "http", "url": httpserver.url_for("/send"), "body": body} | more)


def test_an_sms_goes_out_as_the_gateway_wants_it(httpserver):
    httpserver.expect_request("/send", method="POST").respond_with_json({"data": [{"id": 991}]}, status=202)

    receipt = gateway(httpserver, reference="data.0.id", user="bd", password="p").send(sms())

    request, _ = httpserver.log[0]
    assert request.json == {
        "Phone": "84912345123", "Content": E1, "Nested": [{"RequestId": "1022.BD.20210903.00042:7", "Brand": "1022"}],
    }  # fmt: skip
    assert request.headers["Idempotency-Key"] == "1022.BD.20210903.00042:7"
    assert request.authorization.username == "bd"
    assert receipt.reference == "991"


@pytest.mark.parametrize(("encoding", "place"), [("form", "form"), ("query", "args")])
def test_gateways_that_know_no_json_are_served_too(httpserver, encoding, place):
    httpserver.expect_request("/send").respond_with_data("OK")
    body = {"to": "{to}", "text": "{text}"}

    gateway(httpserver, encoding=encoding, body=body, number="national").send(sms("a&b={to} {key}"))

    assert getattr(httpserver.log[0][0], place).to_dict() == {"to": "0912345123", "text": "a&b={to} {key}"}


@pytest.mark.parametrize(("status", "kind"), [
    (400, Undeliverable), (422, Undeliverable), (401, TryLater), (429, TryLater), (500, TryLater), (503, TryLater),
    (302, TryLater),
])  # fmt: skip
def test_a_gateway_refuses_for_now_or_for_good(httpserver, status, kind):
    httpserver.expect_request("/send").respond_with_data("+84912345123", status=status, headers={"Location": "/other"})

    with pytest.raises(kind) as failure:
        gateway(httpserver).send(sms())
    assert str(status) in failure.value.reason
    assert "912345" not in failure.value.reason
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(("answer", "kind"), [({"Code": 100}, None), ({"Code": "99"}, Undeliverable), ({}, TryLater)])
def test_a_gateway_may_say_in_a_200_what_it_means(httpserver, answer, kind):
    httpserver.expect_request("/send").respond_with_json(answer)
    sender = gateway(httpserver, code="Code", code_ok=["100"], code_permanent=["99"])

    if kind is None:
        assert sender.send(sms()).reference is None
    else:
        with pytest.raises(kind):
            sender.send(sms())


def test_a_gateway_that_is_away_slow_or_endless_does_not_hold_us_up(httpserver):
    served = []
    endless = (served.append(n) or b"x" * 60_000 for n in range(10_000))
    httpserver.expect_request("/send").respond_with_handler(lambda _: Response(endless))

    assert gateway(httpserver).send(sms()).reference is None
    assert len(served) < 5_000
    away = gateway(httpserver, url=f"http://127.0.0.1:{free_port()}/")
    assert "could not be reached" in put_off(away, sms())
    with deaf_peer() as deaf:
        slow = gateway(httpserver, url=f"http://127.0.0.1:{deaf}/", timeout=0.2)
        assert "did not answer in time" in put_off(slow, sms())


def test_an_answer_given_twice_is_not_taken_for_that_to_the_next_message():
    heard = []

    class Stammering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            before, status = heard.count(self.connection), 200 if not heard else 500
            heard.append(self.connection)
            for each in [200] * before + [status]:  # on the same connection the first answer comes again, late
                self.send_response(each)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Stammering) as gateway:
        thread = Thread(target=gateway.serve_forever, args=(0.01,))
        thread.start()
        notifier_ = notifier("sms", kind="http", url=f"http://127.0.0.1:{gateway.server_port}", body={"to": "{to}"})
        notifier_.send(sms())
        assert "answered 500" in put_off(notifier_, sms())
        gateway.shutdown()
        thread.join()


def test_what_is_no_number_or_says_nothing_is_not_sent(httpserver):
    assert "is not a telephone number" in refused_for_good(gateway(httpserver), sms(to="1022"))
    assert "needs a text" in refused_for_good(gateway(httpserver), sms(""))
    assert httpserver.log == []


# -- Zalo --------------------------------------------------------------------------------------------------------------


LAN = "7655909298596854389"


class ZaloPeer(BaseHTTPRequestHandler):
    """Not `httpserver`: werkzeug drops headers with an underscore, and Zalo's is called access_token."""

    def do_POST(self):  # noqa: N802
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["access_token"], body))
        status, answer = self.server.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def oa():
    with HTTPServer(("127.0.0.1", 0), ZaloPeer) as server:
        server.asked, server.answer = [], (200, {"error": 0})
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def zalo(oa, **more):
    here = f"http://127.0.0.1:{oa.server_port}"
    template = {"template_id": 312345, "template_data": {"ma": "{case}", "noi_dung": "{text}"}}
    accounts = {"74": template | {"access_token": "t-1"}, "75": {"access_token": "t-75", "template_id": 7}}
    options = {"accounts": accounts | more, "zns_url": f"{here}/zns", "oa_url": f"{here}/oa"}
    return notifier("zalo", kind="zalo", **options)


def by_zalo(to="0912345123", province="74", text=E1, key="k", **more):
    return Message("zalo", key, to, text, province=province, **more)


def test_a_telephone_number_gets_the_template_that_zalo_approved(oa):
    oa.answer = (200, {"error": 0, "data": {"msg_id": "z1"}})

    assert zalo(oa).send(by_zalo(case_number="1022.BD.1")).reference == "z1"
    own = {"template_id": "9", "template_data": {"a": "{text}"}}
    zalo(oa).send(by_zalo(key="k2", text="b", payload=own))

    template = {"template_id": "312345", "template_data": {"ma": "1022.BD.1", "noi_dung": E1}}
    assert oa.asked[0] == ("/zns", "t-1", {"phone": "84912345123", "tracking_id": "k"} | template)
    assert oa.asked[1][2]["template_data"] == {"a": "b"}


def test_each_province_writes_by_its_own_official_account(oa):
    oa.answer = (200, {"error": 0})
    sender = zalo(oa, **{"01": {"access_token": "t-01"}})
    sender.send(by_zalo(LAN))
    sender.send(by_zalo(LAN, "75"))
    sender.send(by_zalo(province="75"))

    assert [(path, token) for path, token, _ in oa.asked] == [("/oa", "t-1"), ("/oa", "t-75"), ("/zns", "t-75")]
    assert refused_for_good(sender, by_zalo(LAN, "79")) == "No Official Account is set up for the province 79."
    assert "province 01 has no template for telephone numbers" in refused_for_good(sender, by_zalo(province="01"))
    assert len(oa.asked) == 3


def test_someone_who_wrote_to_the_account_gets_a_plain_message(oa, tmp_path):
    oa.answer = (200, {"error": 0, "data": {"message_id": "z2"}})
    token = tmp_path / "token"
    sender = zalo(oa, **{"74": {"access_token_file": str(token)}})

    assert "cannot be read" in put_off(sender, by_zalo(LAN))
    token.write_text("renewed\n")
    assert sender.send(by_zalo(LAN)).reference == "z2"
    plain = {"recipient": {"user_id": LAN}, "message": {"text": E1}}
    assert oa.asked == [("/oa", "renewed", plain)]


@pytest.mark.parametrize(("status", "answer", "kind"), [
    (200, {"error": -118, "message": "Zalo account not existed"}, Undeliverable),
    (200, {"error": -124, "message": "Access token invalid"}, TryLater), (200, {"error": -1}, TryLater),
    (200, [], TryLater), (502, {"error": 0}, TryLater), (400, {}, TryLater),
])  # fmt: skip
def test_zalo_refuses_for_now_or_for_good(oa, status, answer, kind):
    oa.answer = (status, answer)

    with pytest.raises(kind):
        zalo(oa).send(by_zalo())


def facebook(httpserver, **more):
    tokens = {"74": "page-token"}
    url = httpserver.url_for("/me/messages")
    return notifier("facebook", **{"kind": "messenger", "access_tokens": tokens, "url": url} | more)


def viber(httpserver, **more):
    url = httpserver.url_for("/pa/send_message")
    return notifier("viber", **{"kind": "viber", "tokens": {"74": "bot-token"}, "url": url} | more)


@pytest.mark.parametrize(("more", "kind"), [
    ({}, {"messaging_type": "RESPONSE"}),
    ({"tag": "HUMAN_AGENT"}, {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}),
])  # fmt: skip
def test_who_wrote_to_a_page_is_answered_by_that_page(httpserver, more, kind):
    said = {"recipient": {"id": "618"}, "message": {"text": E1}} | kind
    asked = httpserver.expect_oneshot_request(
        "/me/messages", "POST", json=said, headers={"Authorization": "Bearer page-token"}
    )
    asked.respond_with_json({"recipient_id": "618", "message_id": "m_1"})

    assert facebook(httpserver, **more).send(Message("facebook", "k", "618", E1, province="74")).reference == "m_1"


@pytest.mark.parametrize(("status", "answer", "kind"), [
    (400, {"error": {"code": 10, "error_subcode": 2018278}}, Undeliverable),
    (400, {"error": {"code": 551}}, Undeliverable),
    (400, {"error": {"code": 190}}, TryLater), (500, {"error": {"code": 2}}, TryLater), (502, [], TryLater),
])  # fmt: skip
def test_facebook_refuses_for_now_or_for_good(httpserver, status, answer, kind):
    httpserver.expect_request("/me/messages").respond_with_json(answer, status=status)

    with pytest.raises(kind):
        facebook(httpserver).send(Message("facebook", "k", "618", E1, province="74"))


def test_who_wrote_to_a_bot_is_answered_by_that_bot(httpserver):
    said = {"receiver": "01A=", "type": "text", "text": E1, "sender": {"name": "1022"}, "tracking_data": "k",
            "min_api_version": 1}  # fmt: skip
    asked = httpserver.expect_oneshot_request(
        "/pa/send_message", "POST", json=said, headers={"X-Viber-Auth-Token": "bot-token"}
    )
    asked.respond_with_json({"status": 0, "status_message": "ok", "message_token": 5741311803571721087})

    assert viber(httpserver).send(Message("viber", "k", "01A=", E1, province="74")).reference == "5741311803571721087"


@pytest.mark.parametrize(("status", "answer", "kind"), [
    (200, {"status": 6}, Undeliverable), (200, {"status": 5}, Undeliverable), (200, {"status": 12}, TryLater),
    (200, {"status": 2}, TryLater), (200, [], TryLater), (502, {"status": 0}, TryLater),
])  # fmt: skip
def test_viber_refuses_for_now_or_for_good(httpserver, status, answer, kind):
    httpserver.expect_request("/pa/send_message").respond_with_json(answer, status=status)

    with pytest.raises(kind):
        viber(httpserver).send(Message("viber", "k", "01A=", E1, province="74"))


@pytest.mark.parametrize("sender", [facebook, viber])
def test_a_province_without_a_page_or_bot_sends_nothing(httpserver, sender):
    with pytest.raises(Undeliverable, match="province 75"):
        sender(httpserver).send(Message("viber", "k", "618", E1, province="75"))


# -- all of them -------------------------------------------------------------------------------------------------------


def test_nobodys_number_or_words_are_in_the_servers_log(httpserver, mailbox, caplog):
    caplog.set_level("DEBUG")
    httpserver.expect_request("/send").respond_with_data("", status=500)
    put_off(gateway(httpserver, encoding="query"), sms())
    with smsc.serving() as operator:
        line = {"kind": "smpp", "host": "127.0.0.1", "port": operator.port, "system_id": "bd", "source": "TD1022"}
        sender = notifier("sms", password="secret", **line)
        sender.send(sms())
        sender.close()
    smtp(mailbox.port).send(letter())

    peers = ("mail.", "aiosmtpd", "werkzeug")
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(peers)]
    assert not [line for line in ours if re.search("912345|393132333435|an@example|Tổng|giải", line)]


def test_every_telephone_style_is_one_of_three():
    assert [message.telephone(sms(), style) for style in ("e164", "international", "national")] == [
        "+84912345123", "84912345123", "0912345123",
    ]  # fmt: skip
    assert web.part({"a": [{"b": 1}]}, "a.1.b") is None
