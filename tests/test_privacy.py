"""Who was shown what, who asked to know, who wrote unseen; how long a person is kept, and one person's data."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update

from engine import model, packages
from engine.channels import arrivals
from engine.erasure import retention
from engine.erasure.emptying import EMPTIED, throw_away
from engine.errors import ProcessFault, WrongState
from engine.files import attachments
from engine.files.attachments import Store
from engine.language.masks import MASK
from engine.notifiers import Message, Receipt, Undeliverable
from engine.people import access, accounts
from engine.queues import incidents
from engine.record import chain
from engine.work.worker import Worker
from tests.hotline import PROVINCE, TYPE, Hotline, package, refused
from tests.test_api_commands import runner
from tests.test_firewall import CCCD, EMAIL, NAME, PHONE, REPORTER, SPELT, ZALO, _Post, dumped, found

KEPT = 'retention = "P60D"\n'
WHY = "Người báo yêu cầu ngày 03/09"


def kinds(hotline: Hotline, number: str, kind: str) -> list[tuple[str, dict]]:
    lines = hotline.as_("vanphong").get(f"/cases/{number}/timeline", limit=200).json["items"]
    return [(one["actor"], one["data"]) for one in lines if one["kind"] == kind]


@pytest.fixture
def sealed(sqlite_url, clock, tmp_path, founded):
    """A hotline of confidential health reports, on SQLite."""
    from tests.apps import bound

    with bound(sqlite_url, tmp_path, clock) as app:
        hotline = Hotline(app, clock, founded)
        with hotline.runtime.begin() as unit:
            packages.deploy(unit, package("C3"), by="test")
        yield hotline


def test_every_view_of_a_c3_case_is_recorded_and_none_of_others(sealed):
    number = sealed.assigned()
    (task,) = sealed.as_("phuong").get("/tasks", case=number).json["items"]
    for path in (f"/cases/{number}", f"/cases/{number}/comments", f"/tasks/{task['id']}"):
        assert sealed.as_("phuong").get(path).status_code == 200
    assert refused(sealed.as_("binh").get(f"/cases/{number}"), 404, "not-found")

    assert kinds(sealed, number, "case-viewed") == [("phuong", {"secrecy": "C3"})] * 3
    assert kinds(sealed, number, "case-viewed")[-1][0] == "vanphong"  # who has just looked at that


def test_who_is_behind_the_veil_asks_a_second_person_agrees_and_a_day_later_it_is_over(hotline):
    number = hotline.assigned(reporter=REPORTER)
    handler, office = hotline.as_("phuong"), hotline.as_("vanphong")
    assert refused(handler.get(f"/cases/{number}/reporter"), 403, "not-allowed")
    assert refused(handler.post(f"/cases/{number}/reporter/ask", {"reason": " "}), 422, "invalid-request")
    asked = handler.post(f"/cases/{number}/reporter/ask", {"reason": "Phải đến tận nhà lấy lời khai"})
    assert asked.status_code == 201, asked.text
    assert refused(handler.post(f"/cases/{number}/reporter/ask", {"reason": "Nữa"}), 409, "wrong-state")
    assert refused(hotline.as_("binh").post(f"/cases/{number}/reporter/ask", {"reason": "x y z"}), 404, "not-found")
    (one,) = office.get("/unmaskings").json["items"]
    assert (one["case"], one["login"], one["reason"]) == (number, "phuong", "Phải đến tận nhà lấy lời khai")
    assert handler.get("/unmaskings").json["items"] == []
    assert refused(handler.post(f"/unmaskings/{one['id']}/grant"), 403, "not-allowed")
    assert refused(office.post("/unmaskings/99/grant"), 404, "not-found")

    granted = office.post(f"/unmaskings/{one['id']}/grant")
    assert granted.status_code == 200 and granted.json["until_at"]
    assert refused(office.post(f"/unmaskings/{one['id']}/refuse"), 409, "wrong-state")
    assert handler.get(f"/cases/{number}/reporter").json["items"][0]["name"] == NAME
    assert refused(hotline.as_("hoa").get(f"/cases/{number}/reporter"), 403, "not-allowed")  # a colleague asks herself
    hotline.waits(24)
    assert refused(handler.get(f"/cases/{number}/reporter"), 403, "not-allowed")
    steps = ("person-asked", "person-granted", "person-viewed")
    told = [line for kind in steps for line in kinds(hotline, number, kind)]
    assert [who for who, _ in told] == ["phuong", "vanphong", "phuong"] and told[-1][1]["unmasking"] == one["id"]


def test_nobody_agrees_to_what_they_asked_themselves_nor_to_what_was_asked_too_long_ago(hotline):
    number = hotline.assigned(reporter=REPORTER)
    early = hotline.as_("hoa").post(f"/cases/{number}/reporter/ask", {"reason": "Phải đến tận nhà"}).json["id"]
    hotline.waits(72)
    assert refused(hotline.as_("vanphong").post(f"/unmaskings/{early}/grant"), 409, "wrong-state")
    asked = hotline.as_("phuong").post(f"/cases/{number}/reporter/ask", {"reason": "Phải đến tận nhà"}).json["id"]
    assert [one["id"] for one in hotline.as_("vanphong").get("/unmaskings").json["items"]] == [asked]

    with hotline.runtime.begin() as unit:  # who asked has become one of those who answer
        accounts.change(unit, "phuong", {"role": "office", "agency": "vp_74"}, None)
    assert hotline.as_("phuong").get("/unmaskings").json["items"] == []
    assert "second person" in refused(hotline.as_("phuong").post(f"/unmaskings/{asked}/grant"), 403, "not-allowed")


def test_a_handler_writes_to_whoever_reported_and_never_sees_whom(hotline):
    number = hotline.assigned(reporter=REPORTER)
    sent = hotline.as_("phuong").post(f"/cases/{number}/reporter/message", {"text": "Quán ở số nhà nào ạ?"})
    assert sent.status_code == 200 and found(sent.text) == [] and sent.json == {"channel": "zalo"}
    post: list = []
    Worker(hotline.runtime, {"zalo": _Post(post)}).drain()
    assert (post[-1].to, post[-1].text) == (ZALO, f"{number}: Quán ở số nhà nào ạ?")

    assert refused(hotline.as_("mattran").post(f"/cases/{number}/reporter/message", {"text": "?"}), 403, "not-allowed")
    assert refused(hotline.as_("binh").post(f"/cases/{number}/reporter/message", {"text": "?"}), 404, "not-found")
    for _ in range(4):
        assert hotline.as_("phuong").post(f"/cases/{number}/reporter/message", {"text": "?"}).status_code == 200
    assert "tomorrow" in refused(hotline.as_("phuong").post(f"/cases/{number}/reporter/message", {"text": "?"}), 409,
                                 "wrong-state")  # fmt: skip
    hotline.waits(24)
    assert hotline.as_("phuong").post(f"/cases/{number}/reporter/message", {"text": "?"}).status_code == 200
    nobody = hotline.assigned(reporter={"anonymous": True})
    assert refused(hotline.as_("phuong").post(f"/cases/{nobody}/reporter/message", {"text": "?"}), 409, "wrong-state")


def over(hotline: Hotline, said: str = SPELT, besides: Callable[[Hotline, str], None] | None = None) -> str:
    """A case that is closed, and whose process has ended, with whatever a person leaves behind."""
    hotline.deploys(type__toml=KEPT + TYPE.format(secrecy="C2"))
    number = hotline.receives(said, reporter=REPORTER, place="Nhà bốn tầng, Chợ Bàu Bàng")
    hotline.does("truc", number, lead_agency="ubnd_74_718")
    file = {"file": (io.BytesIO(b"whoever reported, on paper"), "giay.txt")}
    assert hotline.as_("truc").call("POST", f"/cases/{number}/attachments", data=file).status_code == 201
    assert hotline.as_("truc").post(f"/cases/{number}/comments", {"text": SPELT}).status_code == 201
    if besides:
        besides(hotline, number)
    asked = hotline.as_("mattran").post(f"/cases/{number}/hold", {"reason": "x"})
    assert asked.status_code == 403
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua=SPELT)
    hotline.waits(24 * 11)
    Worker(hotline.runtime, {"zalo": _Post([])}).drain()
    return number


def worker(hotline: Hotline) -> Worker:
    return Worker(hotline.runtime, {"zalo": _Post([])}, store=store(hotline))


def store(hotline: Hotline) -> Store:
    return Store(Path(hotline.app.config["INSTANCE"]) / "attachments")


def files(hotline: Hotline) -> int:
    return sum(one.is_file() for one in store(hotline).folder.rglob("*"))


def test_retention_empties_a_person_in_time_and_says_so(hotline):
    number = over(hotline)
    worker(hotline).tidy()
    (line,) = report(hotline)
    assert (line.days, line.kept, line.due, line.soon, line.emptied) == (60, 1, 0, 0, 0) and files(hotline) == 1
    searched = {"q": "bon tang cho bau bang"}
    assert [one["number"] for one in hotline.as_("vanphong").get("/cases", **searched).json["items"]] == [number]
    hotline.waits(24 * 40)
    assert report(hotline)[0].soon == 1
    held = hotline.as_("vanphong").post(f"/cases/{number}/hold", {"reason": "Tòa án yêu cầu"})
    assert held.status_code == 200, held.text
    assert refused(hotline.as_("vanphong").post(f"/cases/{number}/hold", {"reason": "Nữa"}), 409, "wrong-state")
    hotline.waits(24 * 10)
    worker(hotline).tidy()
    (line,) = report(hotline)
    assert (line.kept, line.due, line.held, line.emptied) == (1, 1, 1, 0)
    assert hotline.case(number)["report"]["noi_dung"] == SPELT
    assert hotline.as_("vanphong").post(f"/cases/{number}/release-hold", {"reason": "Xong"}).status_code == 200
    while chain.step(hotline.runtime):  # what is emptied now has been linked
        pass
    worker(hotline).tidy()

    (line,) = report(hotline)
    assert (line.kept, line.due, line.emptied) == (0, 0, 1) and files(hotline) == 0
    told = hotline.case(number)
    assert MASK in told["report"]["noi_dung"] and found(json.dumps(told)) == [] and told["place"] == ""
    assert told["status"] == "da_giai_quyet"  # what the office counts stays
    for part in ("comments", "timeline", "reporter", "attachments", "deadlines"):
        assert found(hotline.as_("truc").get(f"/cases/{number}/{part}").text) == []
    assert hotline.as_("vanphong").get("/cases", **searched).json["items"] == []
    assert kinds(hotline, number, EMPTIED) == [("system", {"why": "retention"})]
    with hotline.runtime.read() as unit:
        assert [row[0] for row in unit.all(select(model.people.c.phone))] == [None]
    assert leaks(hotline) == []
    again = {"comments": {"json": {"text": SPELT}}, "attachments": {"data": {"file": (io.BytesIO(b"x"), "giay.txt")}}}
    for part, said in again.items():  # nobody would ever empty that
        refused(hotline.as_("truc").call("POST", f"/cases/{number}/{part}", **said), 409, "wrong-state")
    worker(hotline).tidy()  # nothing is left to do
    while chain.step(hotline.runtime):
        pass
    verdict = chain.verify(hotline.runtime, [])
    assert verdict.broken is None and verdict.emptied, "the record knows that lines have been emptied"
    assert len(kinds(hotline, number, EMPTIED)) == 1


def report(hotline: Hotline) -> list[retention.Line]:
    with hotline.runtime.read() as unit:
        return retention.report(unit)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_case_that_cannot_be_emptied_keeps_no_other_waiting(hotline, caplog):
    broken, other = over(hotline), over(hotline)
    with hotline.runtime.begin() as unit:
        unreadable = update(model.instances).where(model.instances.c.case_id == model.cases.c.id)
        unit.execute(unreadable.where(model.cases.c.number == broken).values(state=b"?"))
    hotline.waits(24 * 90)
    worker(hotline).tidy()

    assert (report(hotline)[0].due, report(hotline)[0].emptied) == (1, 1)
    assert found(hotline.case(other)["report"]["noi_dung"]) == []
    [said] = [record.message for record in caplog.records if record.__dict__.get("action") == "emptying-failed"]
    assert said.startswith("The case 1 cannot be emptied: JSONDecodeError")


def test_a_file_that_went_with_one_case_is_never_promised_to_another(hotline):
    hotline.deploys(type__toml=KEPT + TYPE.format(secrecy="C2"))
    number, place = hotline.receives(SPELT, reporter=REPORTER), store(hotline)
    slip = place.put(io.BytesIO(b"on paper"), 100)  # what a page keeps until it is sent off

    def adds() -> None:
        with hotline.runtime.begin() as unit:
            attachments.add(unit, number, slip, "giay.txt", by=accounts.account(unit, "truc"))

    throw_away(hotline.runtime, place, [slip.sha256])  # with a case that had the same
    with pytest.raises(WrongState, match="thrown away with another case just now: send it again"):
        adds()
    assert hotline.as_("truc").get(f"/cases/{number}/attachments").json["items"] == []

    place.put(io.BytesIO(b"on paper"), 100)
    adds()
    throw_away(hotline.runtime, place, [slip.sha256])
    assert files(hotline) == 1


def exported(hotline: Hotline, phone: str = PHONE) -> dict:
    """All of it: the office agrees to what the administrator asks for."""
    admin, office = hotline.as_("quantri"), hotline.as_("vanphong")
    body = {"phone": phone, "reason": WHY}
    asked = admin.post("/persons/export", body).json
    for one in office.get("/unmaskings").json["items"]:
        if one["case"] in asked["left_out"] and one["login"] == "quantri":
            assert one["reason"] == WHY
            assert office.post(f"/unmaskings/{one['id']}/grant").status_code == 200
    told = admin.post("/persons/export", body).json
    assert told["left_out"] == []
    return told


@pytest.mark.parametrize("secrecy", ["C0", "C1", "C2", "C3", "C4"])
def test_nobody_exports_alone_what_nobody_learns_alone(hotline, secrecy):
    hotline.deploys(type__toml=TYPE.format(secrecy=secrecy))
    hotline.names("vanphong")  # of C4 nobody else at the office decides
    number, alone = hotline.receives(SPELT, reporter=REPORTER), secrecy in ("C0", "C1")
    admin, body = hotline.as_("quantri"), {"phone": PHONE, "reason": f"{WHY}: {NAME}, {PHONE}"}
    for reason in ({}, {"reason": " "}):
        refused(admin.post("/persons/export", {"phone": PHONE} | reason), 422, "invalid-request")

    told = [admin.post("/persons/export", body).json for _ in range(2)]
    assert [[one["number"] for one in each["cases"]] for each in told] == [[number] if alone else []] * 2
    assert [each["left_out"] for each in told] == [[] if alone else [number]] * 2
    waiting = hotline.as_("vanphong").get("/unmaskings").json["items"]
    assert [one["case"] for one in waiting] == ([] if alone else [number]), "asked once, however often it is exported"
    if not alone:
        assert found(json.dumps([each | {"phone": ""} for each in told], ensure_ascii=False)) == []
        assert hotline.as_("vanphong").post(f"/unmaskings/{waiting[0]['id']}/grant").status_code == 200
        assert [one["number"] for one in admin.post("/persons/export", body).json["cases"]] == [number]
        hotline.waits(25)
        assert admin.post("/persons/export", body).json["left_out"] == [number], "a day later it is over"

    said = [row for row in admin.get("/audit/acts").json["items"] if row["kind"] == "person-exported"]
    assert len(said) == (2 if alone else 4) and {row["actor"] for row in said} == {"quantri"}
    assert said[-1]["data"]["reason"].startswith(WHY) and found(json.dumps(said, ensure_ascii=False)) == []


def test_one_persons_data_is_written_out_and_erased(hotline, monkeypatch, tmp_path):
    number, other = over(hotline), hotline.receives(phone="0911222333")
    running = hotline.receives(reporter=REPORTER)
    admin = hotline.as_("quantri")
    for login in ("vanphong", "truc", "phuong"):
        refused(hotline.as_(login).post("/persons/export", {"phone": PHONE, "reason": WHY}), 403, "not-allowed")
    assert refused(admin.post("/persons/export", {"phone": "12", "reason": WHY}), 422, "invalid-request")
    told = exported(hotline, phone="0987 650 321")
    assert [one["number"] for one in told["cases"]] == [number, running]
    assert set(found(json.dumps(told, ensure_ascii=False))) >= {CCCD, EMAIL} and told["cases"][0]["messages"]
    assert kinds(hotline, number, "person-exported") == [("quantri", {"secrecy": "C2"})]
    assert told["not_understood"] == []

    assert refused(admin.post("/persons/erase", {"phone": PHONE, "reason": " "}), 422, "invalid-request")
    gone = admin.post("/persons/erase", {"phone": PHONE, "reason": "Người báo yêu cầu ngày 03/09"})
    assert gone.json["cases"] == {number: "erased", running: "open"}
    assert admin.post("/persons/erase", {"phone": PHONE, "reason": "Lần hai"}).json["cases"] == {running: "open"}
    assert [one["number"] for one in exported(hotline)["cases"]] == [running]
    assert hotline.case(other)["report"]["noi_dung"] == "Tụ tập đông người tại chợ"
    assert found(dumped(hotline)) == []


class _Refuses:
    """A gateway that says to whom it will not send."""

    def send(self, message: Message) -> Receipt:
        raise Undeliverable(f"550 5.1.1 {NAME} <{EMAIL}>, {message.to}: no such user")


def beside(hotline: Hotline, number: str) -> None:
    """What is left of a person outside of what they said: in reasons, errors, keys, and what nobody understood."""
    asked = hotline.as_("phuong").post(f"/cases/{number}/reporter/ask", {"reason": f"Cần gặp {SPELT}"})
    assert asked.status_code == 201
    sent = hotline.as_("phuong").post(f"/cases/{number}/reporter/message", {"text": "Ở đâu ạ?"})
    assert sent.status_code == 200
    Worker(hotline.runtime, {"zalo": _Refuses()}).drain()
    with hotline.runtime.begin() as unit:
        case = access.find(unit, accounts.account(unit, "vanphong"), "see", number)
        fault = ProcessFault(f"No row fits. The inputs were: ten = {NAME!r}, sdt = {PHONE}")
        incidents.settle(unit, case.id, {"kind": "timer"}, "system")
        incidents.resolve(unit, incidents.open(unit, case.id, fault, {"kind": "timer"}), "phantich")
        of_before = {"case_id": case.id, "message": f"ten = {NAME!r}", "step": {}, "opened_at": unit.now,
                     "resolved_at": unit.now}  # fmt: skip
        unit.execute(insert(model.incidents), of_before)
        told = {"source": "x", "kind": "message", "name": "msg", "province": "74", "key": PHONE, "payload": {},
                "sender_id": case.id, "state": "dead", "created_at": unit.now, "due_at": unit.now,
                "until_at": unit.now, "last_error": "x"}  # fmt: skip
        unit.execute(insert(model.case_messages), told)


def unread(hotline: Hotline, said: str) -> int:
    """A message that nobody could understand; its id."""
    event = arrivals.Event(uuid4().hex, json.dumps({"who": said}).encode())
    [arrival] = arrivals.put(hotline.runtime, "74", "sms", [event])
    with hotline.runtime.begin() as unit:
        unit.execute(update(model.arrivals).where(model.arrivals.c.id == arrival).values(state="dead"))
    return arrival


def test_an_address_or_number_within_another_is_somebody_elses(hotline):
    ours = ("từ an@gmail.com", "ạ\nan@gmail.com.", "gọi 0912 345.678", "ạ0912345678", "+84 (0)912-345-678")
    for said in (*ours, "lan@gmail.com", "an@gmail.com.vn", "mã 110912345678", "09123456789"):
        unread(hotline, said)

    with hotline.runtime.read() as unit:
        found = arrivals.naming(unit, {"an@gmail.com", "+84912345678"})

    assert [json.loads(row.body)["who"] for row in found] == [*ours]


def leaks(hotline: Hotline) -> list[tuple[str, list[str]]]:
    """The tables in which a mark stands in what is sealed or not, as whoever has the keys reads it."""
    with hotline.runtime.read() as unit:
        return [(name, marks) for name, table in model.metadata.tables.items() for row in unit.all(select(table))
                if (marks := found(json.dumps(list(row), default=str)))]  # fmt: skip


def test_what_was_said_beside_the_case_goes_with_it_and_never_lies_there_unsealed(hotline):
    number = over(hotline, besides=beside)
    other = unread(hotline, "+84911222333: Xin chào")
    unread(hotline, f"{PHONE[:4]} {PHONE[4:7]}.{PHONE[7:]}: Xin chào")
    unread(hotline, f"Tin của {EMAIL}")
    assert {"unmaskings", "arrivals", "case_messages"} <= {name for name, _ in leaks(hotline)}
    with hotline.runtime.read() as unit:
        [error] = {row.last_error for row in unit.all(select(model.outbox)) if row.last_error}
        message, _of_before = [row.message for row in unit.all(select(model.incidents).order_by(model.incidents.c.id))]
    assert error == f"550 5.1.1 {MASK} <{MASK}>, {MASK}: no such user"
    assert message == f"No row fits. The inputs were: ten = '{MASK}', sdt = {MASK}"

    told = exported(hotline)
    assert len(told["not_understood"]) == 2 and EMAIL in json.dumps(told["not_understood"])
    gone = hotline.as_("quantri").post("/persons/erase", {"phone": PHONE, "reason": "Người báo yêu cầu"}).json

    assert (gone["cases"], gone["not_understood"]) == ({number: "erased"}, 2)
    assert leaks(hotline) == []
    assert hotline.as_("vanphong").get(f"/arrivals/{other}").json["emptied"] is False


def test_what_nobody_understood_is_kept_for_three_months(hotline):
    arrival = unread(hotline, SPELT)
    hotline.waits(24 * 89)
    worker(hotline).tidy()
    assert hotline.as_("vanphong").get(f"/arrivals/{arrival}").json["body"]
    hotline.waits(24 * 2)
    worker(hotline).tidy()

    assert leaks(hotline) == []
    assert "has been emptied" in refused(hotline.as_("vanphong").post(f"/arrivals/{arrival}/retry"), 409, "wrong-state")


def test_the_commands(sqlite_url, clock, tmp_path, founded):
    from tests.apps import bound

    with bound(sqlite_url, tmp_path, clock) as app:
        hotline = Hotline(app, clock, founded)
        number = over(hotline)
    run = runner(sqlite_url, tmp_path)
    asked = run("person", "export", "--phone", PHONE, "--reason", WHY)
    assert f'"left_out": [\n    "{number}"\n  ]' in asked and '"cases": []' in asked
    assert "Missing option '--reason'" in run("person", "export", "--phone", PHONE, exits=2)
    assert "Say why" in run("person", "export", "--phone", PHONE, "--reason", " ", exits=1)
    told = run("retention", "--dry-run")  # the commands live today, the case was closed in 2021
    assert "60 days: 1 kept, 0 due within 30 days, 1 due (0 held, 0 still running), 0 emptied" in told
    assert "1 to be emptied." in told and "1 to be emptied." in run("retention", "--dry-run")
    assert run("retention").endswith("1 emptied, 0 left.\n")
    assert run("person", "erase", "--phone", PHONE, "--reason", "Nữa").endswith("0 of 0 erased.\n")
    assert "no number" in run("person", "export", "--phone", "12", "--reason", WHY, exits=1)


@pytest.mark.parametrize(("said", "good"), [("P30D", True), ("P3650D", True), ("P29D", False), ("P1Y", False)])
def test_how_long_is_kept_is_checked_before_it_comes_into_force(said, good):
    from engine.flow.check import check
    from tests.hotline import package

    faults = check(package(type__toml=f'retention = "{said}"\n' + TYPE.format(secrecy="C2")))
    assert [one.code for one in faults if one.severity == "error"] == ([] if good else ["table-value"])
    wrong = PROVINCE + '\n[retention]\nC3 = "P90D"\nC7 = "P90D"\n'
    assert [one.code for one in check(package(province__toml=wrong))] == ["table-value"]
    assert retention.days(packages.Package(package(province__toml=wrong)), "C3") == 90
