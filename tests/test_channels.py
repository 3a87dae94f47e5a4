"""What people write by Zalo, Messenger and Viber, as those send it: signed, now and then twice, seldom in order."""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select

from engine import model
from engine.queues.outbox import BACK_OFF
from engine.work.worker import Worker
from tests.apps import bound
from tests.clock import Clock
from tests.hotline import refused
from tests.province import Province, topics
from tests.shipped import Shipped
from webapi import channels, create_app
from webapi.config import BadSetting
from webapi.limits import Limits

SECRETS = {
    "zalo": {"app_id": "3608465249409039", "secret": "oa-secret"},
    "messenger": {"app_secret": "app-secret", "verify_token": "Agreed-Word"},
    "viber": {"token": "4453b6ac-token"},
}
WORDS = "Khu phố tôi có người hết gạo"
LAN = "7655909298596854389"


def zalo(
    text: str = WORDS, name: str = "96d3cdf3af15", who: str = LAN, event: str = "user_send_text", **more: Any
) -> Any:
    return {
        "app_id": "3608465249409039", "sender": {"id": who}, "recipient": {"id": "388613280878808645"},
        "event_name": event, "message": {"text": text, "msg_id": name} | more, "timestamp": "1630630800000",
    }  # fmt: skip


def messenger(text: str = WORDS, name: str = "m_AbC1", who: str = LAN, **more: Any) -> Any:
    said = {"sender": {"id": who}, "recipient": {"id": "104"}, "timestamp": 1630630800000,
            "message": {"mid": name, "text": text} | more}  # fmt: skip
    return {"object": "page", "entry": [{"id": "104", "time": 1630630800500, "messaging": [said]}]}


def viber(text: str = WORDS, name: int = 4912661846655238145, who: str = LAN, **more: Any) -> Any:
    return {
        "event": "message", "timestamp": 1630630800000, "message_token": name,
        "sender": {"id": who, "name": "Nguyễn Thị Lan", "language": "vi", "country": "VN", "api_version": 10},
        "message": {"type": "text", "text": text} | more,
    }  # fmt: skip


EVENTS: dict[str, Callable[..., Any]] = {"zalo": zalo, "messenger": messenger, "viber": viber}
CHANNELS = {"zalo": "zalo", "messenger": "facebook", "viber": "viber"}
every = pytest.mark.parametrize("name", EVENTS)


def signature(name: str, body: bytes, secrets: Any = SECRETS) -> dict[str, str]:
    """As each of them says it is made, written down here once more."""
    known = secrets[name]
    if name == "zalo":
        timestamp = json.loads(body).get("timestamp", "") if body.startswith(b"{") else ""
        made = hashlib.sha256(f"{known['app_id']}{body.decode()}{timestamp}{known['secret']}".encode())
        return {"X-ZEvent-Signature": f"mac={made.hexdigest()}"}
    key = known["app_secret" if name == "messenger" else "token"]
    made = hmac.new(key.encode(), body, hashlib.sha256)
    if name == "messenger":
        return {"X-Hub-Signature-256": f"sha256={made.hexdigest()}"}
    return {"X-Viber-Content-Signature": made.hexdigest()}


@pytest.fixture
def office(database_url: str, tmp_path: Path, clock: Clock, shipped: Shipped) -> Iterator[Province]:
    """The shipped hotlines; the one of Bình Dương can be written to."""
    with bound(database_url, tmp_path, clock) as app:
        app.config["CHANNELS"] = {"74": SECRETS}
        yield Province(app, clock, shipped)


def posts(office: Province, name: str, body: Any, headers: dict[str, str] | None = None, province: str = "74") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    headers = signature(name, raw) if headers is None else headers
    path = f"/api/v1/channels/{province}/{name}"
    return office.app.test_client().post(path, data=raw, headers=headers, content_type="application/json")


def says(office: Province, name: str, *given: Any, **more: Any) -> None:
    answer = posts(office, name, EVENTS[name](*given, **more))
    assert (answer.status_code, answer.json["new"]) == (200, 1), answer.text


def rows(office: Province, table: Any) -> list[Any]:
    with office.runtime.read() as unit:
        return unit.all(select(table).order_by(table.c.id))


# -- in ----------------------------------------------------------------------------------------------------


@every
def test_a_message_is_a_case_of_the_desk_and_is_answered_by_the_way_it_came(office: Province, name: str) -> None:
    says(office, name, unicodedata.normalize("NFD", WORDS))

    [case], [person], [contact] = (rows(office, each) for each in (model.cases, model.people, model.contacts))
    assert (case.report_type, case.channel, case.report["noi_dung"]) == ("BDTN", CHANNELS[name], WORDS)
    assert (getattr(person, CHANNELS[name]), person.phone, contact.outcome) == (LAN, None, "case")
    office.does("tongdai_74", case.number, "doc_tin", xu_tri="tra_loi", ket_qua_ngan="phường sẽ mang gạo đến")
    office.worker.drain()
    assert [(one.kind, one.to) for one in office.post.sent] == [(CHANNELS[name], LAN)] * 2
    assert topics(office.told(LAN)) == ["T24", "T25"]


@every
def test_the_same_message_again_is_acknowledged_and_changes_nothing(office: Province, name: str) -> None:
    says(office, name)

    again = posts(office, name, EVENTS[name]())

    assert (again.status_code, again.json) == (200, {"events": 1, "new": 0})
    assert [len(rows(office, each)) for each in (model.arrivals, model.cases, model.comments)] == [1, 1, 0]


def test_the_same_message_eight_times_at_once_is_one_case(office: Province) -> None:
    start, answers = Barrier(8), []

    def sends() -> None:
        start.wait()
        answers.append(posts(office, "viber", viber()).status_code)

    threads = [Thread(target=sends) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200] * 8
    assert [len(rows(office, each)) for each in (model.arrivals, model.cases, model.contacts)] == [1, 1, 1]


def test_what_was_held_back_comes_again_late_twice_and_in_any_order_and_counts_once(
    office: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setitem(office.app.extensions, "thongsuot.limits", Limits({"zalo": 1}, lambda: now[0]))
    says(office, "zalo", "Một", "m1")

    held = [posts(office, "zalo", zalo(said, name)) for said, name in (("Hai", "m2"), ("Ba", "m3"))]

    for answer in held:
        assert refused(answer, 429, "too-many") and 0 < int(answer.headers["Retry-After"]) <= 60
    assert len(rows(office, model.arrivals)) == 1, "what was not taken is not kept"
    for name in ("m3", "m2", "m3", "m1", "m2"):
        now[0] += 60
        said = {"m1": "Một", "m2": "Hai", "m3": "Ba"}[name]
        assert posts(office, "zalo", zalo(said, name)).status_code == 200
    assert [case.report["noi_dung"] for case in rows(office, model.cases)] == ["Một"]
    assert [comment.text for comment in rows(office, model.comments)] == ["Ba", "Hai"]


def test_what_is_said_within_a_day_is_one_conversation_and_later_another(office: Province) -> None:
    says(office, "zalo", "Xin chào")
    says(office, "zalo", "Nhà tôi hết gạo", "m2")
    says(office, "zalo", "Tôi là người khác", "m3", who="999")
    office.waits("24 hours")
    says(office, "zalo", "Hôm nay vẫn chưa có", "m4")

    assert [case.report["noi_dung"] for case in rows(office, model.cases)] == [
        "Xin chào", "Tôi là người khác", "Hôm nay vẫn chưa có"
    ]  # fmt: skip
    [comment] = rows(office, model.comments)
    assert (comment.text, comment.author, comment.public) == ("Nhà tôi hết gạo", "citizen", True)
    first = rows(office, model.cases)[0].id
    assert [contact.case_id for contact in rows(office, model.contacts)][:2] == [first, first]


def test_an_answer_to_what_was_asked_goes_where_it_was_asked(office: Province) -> None:
    number = office.receives("BDTT", channel="zalo", reporter={"zalo": LAN})
    office.does("tongdai_74", number, "phan_loai", quyet_dinh="bo_sung", muc_bo_sung="số nhà")

    says(office, "zalo", "Số 12 Lê Lợi")

    assert office.tasks(number) == {"phan_loai": "tongdai_74"}
    assert [comment.text for comment in rows(office, model.comments)] == ["Số 12 Lê Lợi"]
    assert len(rows(office, model.cases)) == 1


def test_a_number_alone_rates_what_waits_for_a_rating(office: Province) -> None:
    number = office.passes_on("BDCS", channel="zalo", reporter={"zalo": LAN})
    office.lives(number, "bhxh_74 tra_loi -> da_giai_quyet")

    says(office, "zalo", " 4 ")

    assert office.case(number)["rating"] == 4 and len(rows(office, model.cases)) == 1
    says(office, "zalo", "5", "m2")  # nobody waits for a rating now: they have thought again
    assert office.case(number)["rating"] == 5 and len(rows(office, model.cases)) == 1
    says(office, "zalo", "0", "m3")  # not solved: nobody would read that in a rating
    assert [case.report_type for case in rows(office, model.cases)] == ["BDCS", "BDTN"]


@pytest.mark.parametrize(("name", "event"), [
    ("zalo", zalo(event="user_seen_message")), ("zalo", zalo(event="oa_send_text")), ("zalo", zalo(event="follow")),
    ("messenger", messenger(is_echo=True)), ("messenger", {"object": "page", "entry": [{"messaging": [{"read": {}}]}]}),
    ("messenger", {"object": "page", "entry": [7, {"messaging": 7}]}), ("messenger", {"object": "instagram"}),
    ("viber", {"event": "webhook", "message_token": 1}), ("viber", {"event": "delivered", "message_token": 2}),
])  # fmt: skip
def test_what_nobody_said_is_acknowledged_and_not_kept(office: Province, name: str, event: Any) -> None:
    answer = posts(office, name, event)

    assert (answer.status_code, answer.json) == (200, {"events": 0, "new": 0})
    assert rows(office, model.arrivals) == []


@pytest.mark.parametrize(("name", "event", "said"), [
    ("zalo", zalo("", event="user_send_image", attachments=[{"type": "image", "payload": {"url": "https://z/1.jpg"}}]),
     "https://z/1.jpg"),
    ("messenger", messenger("", attachments=[{"type": "location", "payload": {"coordinates": {"lat": 1, "long": 2}}}]),
     "https://www.openstreetmap.org/?mlat=1&mlon=2"),
    ("viber", viber("Đây", location={"lat": 1, "lon": 2}), "Đây\nhttps://www.openstreetmap.org/?mlat=1&mlon=2"),
    ("viber", viber("", media="https://v/2.jpg", type="picture"), "https://v/2.jpg"),
    ("viber", viber("", media="https://v/shared.jpg", type="url"), "https://v/shared.jpg"),
    ("messenger", messenger("", attachments=[{"type": "image", "payload": {"url": "https://m/3.jpg"}}]),
     "https://m/3.jpg"),
    ("zalo", zalo("", event="user_send_sticker"), channels.parts.NOT_SHOWN),
    ("zalo", zalo("a\x00b"), "a b"),
])  # fmt: skip
def test_pictures_and_places_are_links_and_pictures_owed(office: Province, name: str, event: Any, said: str) -> None:
    posts(office, name, event)

    assert [case.report["noi_dung"] for case in rows(office, model.cases)] == [said]
    is_theirs = said.endswith(".jpg") and "shared" not in said  # what they only point at is no file that they sent
    assert [one.url for one in rows(office, model.fetches)] == ([said] if is_theirs else [])


def test_nothing_of_a_long_message_is_lost(office: Province) -> None:
    says(office, "viber", "gạo " * 1_800)

    [case], comments = rows(office, model.cases), rows(office, model.comments)
    assert " ".join([case.report["noi_dung"], *(one.text for one in comments)]).split() == ["gạo"] * 1_800


def test_one_request_of_messenger_brings_many_events_and_each_is_its_own(office: Province) -> None:
    batch = messenger("Một", "m1")
    batch["entry"] += [messenger(str(number), f"m{number}", who=str(number))["entry"][0] for number in range(2, 9)]

    answer = posts(office, "messenger", batch)

    assert answer.json == {"events": 8, "new": 8}
    assert len(rows(office, model.cases)) == channels.AT_ONCE
    office.clock.advance(BACK_OFF[0])
    Worker(office.runtime, {}, readers=channels.READERS).understand()
    assert {arrival.state for arrival in rows(office, model.arrivals)} == {"done"}
    assert posts(office, "messenger", messenger("Ba", "m3")).json["new"] == 0


# -- refusals ----------------------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("forged", ["", "mac=", "sha256=00", "é"])
def test_a_wrong_or_missing_signature_is_refused(office: Province, name: str, forged: str) -> None:
    [header] = signature(name, b"{}")
    headers = {header: forged.encode().decode("latin-1")} if forged else {}

    assert "signature" in refused(posts(office, name, EVENTS[name](), headers), 401, "not-authenticated")
    assert rows(office, model.arrivals) == []


@every
def test_the_signature_of_another_body_or_secret_is_refused(office: Province, name: str) -> None:
    other = signature(name, json.dumps(EVENTS[name]("Khác")).encode())
    foreign = {name: dict.fromkeys(SECRETS[name], "foreign")}
    raw = json.dumps(EVENTS[name]()).encode()

    refused(posts(office, name, raw, other), 401, "not-authenticated")
    refused(posts(office, name, raw, signature(name, raw, foreign)), 401, "not-authenticated")


@pytest.mark.parametrize("name", ["messenger", "viber"])
@pytest.mark.parametrize("body", ["{}".encode("utf-16"), b"[" * 9_999, b"[]", b""])
def test_a_signed_body_that_is_no_json_object_is_refused(office: Province, name: str, body: bytes) -> None:
    assert "JSON" in refused(posts(office, name, body), 400, "bad-request")


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_signed_message_with_broken_letters_is_not_lost(office: Province, name: str) -> None:
    half_an_emoji = json.dumps(EVENTS[name]("Hết gạo \ud83d rồi", "1" if name != "viber" else 1)).encode()
    cut = json.dumps(EVENTS[name]("Mất nước", "2" if name != "viber" else 2), ensure_ascii=False).encode()
    bodies = [half_an_emoji] if name == "zalo" else [half_an_emoji, cut.replace("ấ".encode(), b"\xe1\xba")]

    for body in bodies:
        assert posts(office, name, body).json == {"events": 1, "new": 1}
    said = [case.report["noi_dung"] for case in rows(office, model.cases)]
    said += [comment.text for comment in rows(office, model.comments)]
    assert said[0] == "Hết gạo ? rồi" and len(said) == len(bodies)
    assert all(one.endswith("t nước") for one in said[1:])


@every
def test_ten_megabytes_are_refused(office: Province, name: str) -> None:
    refused(posts(office, name, b" " * 10_000_000, {}), 413, "request-entity-too-large")


def test_a_signed_message_without_a_sender_is_kept_for_somebody_to_look_at(office: Province) -> None:
    """Two of them must not become one person's."""
    for number, sender in enumerate((None, "x", {}, {"id": None}, {"id": " "}, {"id": ["a"]}, {"id": True})):
        assert posts(office, "viber", viber(name=number + 1) | {"sender": sender}).json == {"events": 1, "new": 1}

    kept = office.as_("vpubnd_74").get("/arrivals").json["items"]
    assert {(one["state"], one["last_error"]) for one in kept} == {
        ("waiting", "The event does not say who wrote: sender.id is missing.")
    }
    assert rows(office, model.cases) == []


def test_a_message_without_a_name_is_known_again_by_what_it_says(office: Province) -> None:
    event = zalo()
    del event["message"]["msg_id"]

    assert [posts(office, "zalo", event).json["new"] for _ in range(2)] == [1, 0]


@every
def test_a_channel_that_is_not_set_up_does_not_exist(office: Province, name: str) -> None:
    assert f"75 has no {name} channel" in refused(posts(office, name, EVENTS[name](), province="75"), 404, "not-found")


@pytest.mark.parametrize(("name", "body"), [("zalo", zalo()), ("messenger", messenger())])
def test_what_was_written_to_another_account_is_refused_and_not_kept(office: Province, name: str, body: Any) -> None:
    theirs = {"zalo": "388613280878808645", "messenger": "104"}[name]
    known = SECRETS | {name: SECRETS[name] | {"account": theirs}}
    office.app.config["CHANNELS"] = {"74": known, "75": {name: known[name] | {"account": "9"}}}
    raw = json.dumps(body).encode()

    sentence = refused(posts(office, name, raw, signature(name, raw), province="75"), 403, "not-allowed")
    assert sentence == f"This was written to the account '{theirs}'; the {name} channel of the province 75 is '9'."
    assert rows(office, model.arrivals) == []
    assert posts(office, name, raw, signature(name, raw)).json["new"] == 1
    # the signature is the account's own: another province's secret does not open this door
    office.app.config["CHANNELS"]["75"] = {name: dict.fromkeys(SECRETS[name], "another")}
    refused(posts(office, name, raw, signature(name, raw), province="75"), 401, "not-authenticated")


@pytest.mark.parametrize("given", [{"app_id": "1"}, {"app_id": "1", "secret": ""}, {"app_id": "1", "secret": 2}, "x"])
def test_secrets_that_will_not_do_are_named_when_the_server_starts(tmp_path: Path, given: Any) -> None:
    with pytest.raises(BadSetting, match="zalo of 74 needs app_id, secret"):
        create_app({"INSTANCE": str(tmp_path), "CHANNELS": {"74": {"zalo": given}}})


def test_messenger_shakes_hands_with_who_knows_the_word(office: Province) -> None:
    def asks(**hub: str) -> Any:
        query = {f"hub.{key}": value for key, value in hub.items()}
        return office.app.test_client().get("/api/v1/channels/74/messenger", query_string=query)

    answer = asks(mode="subscribe", verify_token="Agreed-Word", challenge="1158201444")
    assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/plain", "1158201444")
    for wrong in ("agreed-word", "", "é"):
        assert asks(mode="subscribe", verify_token=wrong, challenge="1").status_code == 403
    assert asks(mode="unsubscribe", verify_token="Agreed-Word", challenge="1").status_code == 403


def test_a_fault_of_ours_is_acknowledged_and_a_worker_makes_it_good(office: Province, monkeypatch: Any) -> None:
    monkeypatch.setattr("engine.channels.conversations.take", lambda *given: 1 / 0)
    says(office, "zalo")
    assert rows(office, model.cases) == []

    monkeypatch.undo()
    office.clock.advance(BACK_OFF[0])
    Worker(office.runtime, {}, readers=channels.READERS).understand()
    assert len(rows(office, model.cases)) == 1


@pytest.mark.parametrize(("given", "said"), [
    ({"viber": {"token": "t", "account": "x"}}, "viber of 74 needs token, each a text."),
    ({"sms": {"account": "1022"}}, "sms of 74 needs secret, each a text; it may have account."),
    ({"zallo": {}}, "74 has 'zallo'; there are zalo, messenger, viber, sms, calls, email"),
    ("zalo", "74 must be a table of channels"),
])  # fmt: skip
def test_a_channel_that_does_not_exist_is_named_at_the_start(given, said, tmp_path):
    with pytest.raises(BadSetting, match=said):
        create_app({"INSTANCE": str(tmp_path), "CHANNELS": {"74": given}})
