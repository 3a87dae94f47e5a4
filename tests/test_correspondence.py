"""What cases tell each other: messages by key, with a buffer; signals in the whole province."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from engine import intake, lines, messages, model, packages, tasks
from engine.errors import WrongState
from engine.flow.addressing import ENGINES_OWN
from engine.messaging import correlation, courier
from engine.people import accounts
from tests.exchange import ENDS, INPUT, SENDS, WAITS, Exchange, kind
from tests.hotline import Hotline, refused
from tests.sources import ROOT


@pytest.fixture
def exchange(hotline: Hotline) -> Exchange:
    return Exchange(hotline)


# -- messages ----------------------------------------------------------------------------------------------------------


def test_a_message_reaches_the_case_that_waits_under_its_key(exchange):
    other, waiting = exchange.begins("CHO", "BN-8"), exchange.begins("CHO", "BN-7")
    sender = exchange.sent("BN-7")
    assert exchange.at(waiting) == []

    exchange.carries()

    assert (exchange.at(waiting), exchange.heard(waiting)) == (["xem"], "duong_tinh")
    assert (exchange.at(other), exchange.states()) == ([], ["taken"])
    (heard,) = exchange.told(waiting, "message")
    assert (heard["data"]["message"], heard["data"]["sender"]) == ("msg_ket_qua", sender)
    thrown, taken = exchange.told(sender, "message-thrown", "message-taken")
    assert (thrown["element"], taken["data"]["number"]) == ("bao", waiting)


def test_a_message_that_finds_nobody_waits_and_is_shown_when_its_time_is_over(exchange):
    soon, never = exchange.sent("BN-1"), exchange.sent("BN-2")
    exchange.carries()
    assert exchange.states() == ["waiting", "waiting"]

    waiting = exchange.begins("CHO", "BN-1")
    exchange.carries()
    assert (exchange.at(waiting), exchange.states()) == (["xem"], ["taken", "waiting"])
    exchange.hotline.waits(47.5)
    exchange.carries()
    assert exchange.states() == ["taken", "waiting"]
    exchange.hotline.waits(0.5)
    exchange.carries()

    assert exchange.states() == ["taken", "dead"]
    incident = exchange.incident()
    assert (incident["case"], incident["element"]) == (never, "bao") and soon != never
    assert incident["message"].startswith("The message 'msg_ket_qua': No case of the province has waited for it")
    assert "2 days and 0 hours" in incident["message"] and "BN-2" not in incident["message"]

    assert exchange.retries(incident).status_code == 200
    late = exchange.begins("CHO", "BN-2")
    exchange.carries()
    assert (exchange.at(late), exchange.heard(late), exchange.states()) == (["xem"], "duong_tinh", ["taken", "taken"])
    refused(exchange.retries(incident), 409, "wrong-state")

    exchange.hotline.waits(31 * 24)
    exchange.worker.tidy()
    assert exchange.rows() == []


def test_of_two_that_wait_for_one_key_each_takes_one_message_the_oldest_first(exchange):
    first, second = exchange.begins("CHO"), exchange.begins("CHO")
    exchange.sent(what="mot")
    [row] = exchange.rows()

    exchange.carries()
    assert (exchange.heard(first), exchange.heard(second)) == ("mot", None)
    with exchange.hotline.runtime.begin() as unit:  # a courier that was slow
        assert courier._carried(unit, row) == "gone"
    assert exchange.heard(second) is None

    exchange.sent(what="hai")
    exchange.carries()
    assert (exchange.heard(first), exchange.heard(second)) == ("mot", "hai")


def test_a_case_that_is_held_is_passed_over_or_waited_for(exchange):
    office = exchange.hotline.as_("vanphong")
    first, second = exchange.begins("CHO"), exchange.begins("CHO")
    for held in (first, second):
        assert office.post(f"/cases/{held}/suspend", {"reason": "Rà soát"}).status_code < 300
    exchange.sent()
    exchange.carries()
    assert exchange.states() == ["waiting"]

    assert office.post(f"/cases/{second}/release", {}).status_code < 300
    exchange.carries()

    assert (exchange.states(), exchange.at(first), exchange.at(second)) == (["taken"], [], ["xem"])


def test_without_a_key_a_case_waits_under_its_number(exchange):
    exchange.deploys("CHO", WAITS.replace(" key=${ma}", ""))
    other, waiting = exchange.begins("CHO"), exchange.begins("CHO")

    exchange.sent(waiting)
    exchange.carries()

    assert (exchange.at(other), exchange.at(waiting)) == ([], ["xem"])


def test_a_key_that_is_none_and_a_fault_at_the_hearer_are_incidents_that_lose_nothing(exchange):
    sender = exchange.begins("GUI", "")
    answers = {"noi_dung_ket_qua": "Đã xong", "ket_luan_cua_toi": "am_tinh"}
    task = exchange.hotline.task("truc", sender)["id"]
    exchange.hotline.as_("truc").post(f"/tasks/{task}/complete", {"answers": answers})
    incident = exchange.incident()
    assert "its key came out as ''" in incident["message"]
    assert (incident["case"], incident["element"]) == (sender, "bao")
    with exchange.hotline.runtime.begin() as unit:
        unit.execute(model.incidents.delete())

    exchange.deploys("CHO", WAITS.replace("user xem", "script tinh script='x = ket_luan + 1'\nuser xem")
                     .replace("cho -> xem", "cho -> tinh -> xem"))  # fmt: skip
    hearer = exchange.begins("CHO")
    exchange.sent()
    exchange.carries()

    incident = exchange.incident()
    assert (incident["case"], incident["element"], exchange.states()) == (hearer, "tinh", ["taken"])
    kept = exchange.hotline.as_("phantich").get(f"/incidents/{incident['id']}").json["step"]
    assert (kept["kind"], kept["payload"]) == ("Deliver", {"ket_luan": "duong_tinh"})


# -- whoever dies, and whatever happens at once ------------------------------------------------------------------------

CHILD = """
import tests  # the keys
import os, signal, sys
from datetime import UTC, datetime
from engine.messaging import courier
from engine.storage.database import connect
from engine.runtime import Runtime

takes = courier.instances.advance
def dies(unit, *args, **more):
    takes(unit, *args, **more)
    unit.flush()
    os.kill(os.getpid(), signal.SIGKILL)

courier.instances.advance = dies
courier.step(Runtime(connect(sys.argv[1]), lambda: datetime(2021, 9, 3, 1, tzinfo=UTC)))
"""


def test_what_is_undone_was_never_said_and_what_is_half_delivered_is_delivered_once(exchange, database_url):
    waiting, sender = exchange.begins("CHO"), exchange.begins("GUI")
    task = exchange.hotline.task("truc", sender)["id"]
    with pytest.raises(ZeroDivisionError), exchange.hotline.runtime.begin() as unit:
        tasks.complete(unit, task, {"noi_dung_ket_qua": "Đã xong"}, by=accounts.account(unit, "truc"))
        unit.flush()
        raise ZeroDivisionError
    assert (exchange.rows(), exchange.at(sender)) == ([], ["lam"])

    exchange.says(sender)
    killed = subprocess.run([sys.executable, "-c", CHILD, database_url], cwd=ROOT, timeout=60, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    assert (exchange.states(), exchange.at(waiting)) == (["waiting"], [])

    exchange.hotline.clock.advance("1 second")
    exchange.carries()
    assert (exchange.states(), exchange.at(waiting)) == (["taken"], ["xem"])
    assert len(exchange.told(waiting, "message")) == 1


def test_many_couriers_bring_each_message_once(exchange):
    waiting = [exchange.begins("CHO", f"BN-{n}") for n in range(6)]
    for n in range(6):
        exchange.sent(f"BN-{n}", f"ket_qua_{n}")

    def carries(_: int) -> int:
        return sum(1 for _ in iter(lambda: courier.step(exchange.hotline.runtime), None))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(carries, range(4)))
    exchange.hotline.clock.advance("1 second")  # what had to give way to another
    exchange.carries()

    assert exchange.states() == ["taken"] * 6
    assert [exchange.heard(number) for number in waiting] == [f"ket_qua_{n}" for n in range(6)]
    assert [len(exchange.told(number, "message")) for number in waiting] == [1] * 6


def test_a_case_that_comes_to_wait_while_the_message_is_sent_gets_it(exchange):
    if not exchange.hotline.runtime.database.dialect.name == "postgresql":
        pytest.skip("SQLite lets one write at a time")
    sender, runtime = exchange.begins("GUI"), exchange.hotline.runtime
    with runtime.begin() as unit:
        report = intake.Report("CHO", {"noi_dung": "Chờ", "ma": "BN-7"})
        receipt = intake.receive(unit, report, by=accounts.account(unit, "truc"))
        unit.flush()  # it waits, and nobody knows
        exchange.says(sender)
        exchange.carries()
        assert exchange.states() == ["waiting"]
    exchange.hotline.clock.advance("1 second")
    exchange.carries()

    assert (exchange.states(), exchange.at(receipt.number)) == (["taken"], ["xem"])


def test_a_case_that_comes_to_wait_while_an_old_message_is_looked_at_gets_it_at_once(exchange):
    runtime, clock = exchange.hotline.runtime, exchange.hotline.clock
    if not runtime.database.dialect.name == "postgresql":
        pytest.skip("SQLite lets one write at a time")
    exchange.sent()
    for pause in courier.PAUSES:
        exchange.carries()
        clock.advance(pause)
    with runtime.begin() as unit:  # just when it is to be looked at again, and then not for an hour
        report = intake.Report("CHO", {"noi_dung": "Chờ", "ma": "BN-7"})
        receipt = intake.receive(unit, report, by=accounts.account(unit, "truc"))
        unit.flush()
        exchange.carries()
    exchange.carries()

    assert (exchange.states(), exchange.at(receipt.number)) == (["taken"], ["xem"])


def gone(*_: object) -> str:
    raise WrongState("The case does not wait for this message now.")


def test_an_old_message_whose_taker_has_just_moved_on_is_for_the_next_one_soon(exchange, monkeypatch):
    exchange.sent()
    for pause in courier.PAUSES:
        exchange.carries()
        exchange.hotline.clock.advance(pause)
    waiting = exchange.begins("CHO")
    with monkeypatch.context() as patch:  # another courier was faster with another message
        patch.setattr(courier, "_carried", gone)
        exchange.carries()
    assert exchange.states() == ["waiting"]
    exchange.hotline.clock.advance("1 second")
    exchange.carries()

    assert (exchange.states(), exchange.at(waiting)) == (["taken"], ["xem"])


# -- signals -----------------------------------------------------------------------------------------------------------

LISTENS = """
start bat_dau
tell da_nhan "Báo đã nhận" text=T01 to=reporter
user lam "Làm" group=tongdai_74 form=lam
boundary dung on=lam signal=sig_qua_tai scope=province aside
user xem "Xem" group=tongdai_74 form=xem
end thoi
bat_dau -> da_nhan -> lam -> xong -> dong
dung -> xem -> thoi
""" + ENDS
PRIVATE = """
start bat_dau
tell da_nhan "Báo đã nhận" text=T01 to=reporter
and tach
user lam "Làm" group=tongdai_74 form=lam
throw bao "Báo quá tải" signal=sig_qua_tai
catch nghe signal=sig_qua_tai
and gop
bat_dau -> da_nhan -> tach -> lam -> bao -> gop -> xong -> dong
tach -> nghe -> gop
""" + ENDS
SAYS_SO = INPUT.format("ket_luan", "qua_tai")
SHOUTS = PRIVATE.replace("=sig_qua_tai", "=sig_qua_tai scope=province").replace(
    "province\ncatch", f"province extension='{SAYS_SO}'\ncatch"
)


def test_a_signal_of_the_province_is_heard_by_all_who_wait_when_it_is_thrown(exchange):
    exchange.deploys("CHO", LISTENS)
    exchange.deploys("GUI", SHOUTS)
    exchange.deploys("RIENG", PRIVATE)
    hearers = [exchange.begins("CHO") for _ in range(3)]
    private, gone = exchange.begins("RIENG"), exchange.begins("CHO")
    shouts = exchange.sent()
    later = exchange.begins("CHO")
    exchange.says(gone)

    exchange.carries()

    assert [(exchange.at(number), exchange.heard(number)) for number in hearers] == [(["lam", "xem"], "qua_tai")] * 3
    assert exchange.states() == ["taken", "taken", "taken", "missed"]
    assert (exchange.at(later), exchange.at(private)) == (["lam"], ["lam"])
    assert exchange.hotline.case(shouts)["closed_at"] is not None  # it heard itself
    assert [line["data"]["sender"] for line in exchange.told(hearers[0], "signal")] == [shouts]
    assert exchange.told(gone, "came-too-late")[0]["data"]["what"] == "signal"

    exchange.says(private)
    assert exchange.hotline.case(private)["closed_at"] is not None and len(exchange.rows()) == 4
    exchange.sent()
    exchange.carries()
    assert exchange.at(later) == ["lam", "xem"] and exchange.at(hearers[0]) == ["lam", "xem", "xem"]


AGAIN = """
start bat_dau
tell da_nhan "Báo đã nhận" text=T01 to=reporter
user lam "Làm" group=tongdai_74 form=lam
throw bao "Báo quá tải" signal=sig_qua_tai scope=province
catch nghe signal=sig_qua_tai scope=province
user xem "Xem" group=tongdai_74 form=xem
xor nua
sub canh handler { ; start cs signal=sig_qua_tai scope=province aside ; end ce tells=nobody ; cs -> ce ; }
bat_dau -> da_nhan -> lam -> bao -> nghe -> xem -> nua
nua -> nghe : noi_dung_ket_qua == "nua"
nua -> xong default
xong -> dong
""" + ENDS


def test_a_case_hears_itself_once_and_nothing_that_was_thrown_before_it_came_to_wait(exchange):
    exchange.deploys("GUI", AGAIN)
    first, office = exchange.begins("GUI"), exchange.hotline.as_("vanphong")
    exchange.says(first)
    exchange.carries()
    assert (exchange.at(first), exchange.rows()) == ([], [])

    second = exchange.sent()  # which the first is to hear; it hears another before, and comes to wait again
    signals(exchange, first)
    task = exchange.hotline.task("truc", first)["id"]
    exchange.hotline.as_("truc").post(f"/tasks/{task}/complete", {"answers": {"noi_dung_ket_qua": "nua"}})
    exchange.carries()
    assert (exchange.at(first), exchange.at(second), exchange.states()) == ([], [], ["taken"])

    for number in (first, second):
        signals(exchange, number)
        exchange.hotline.does("truc", number, noi_dung_ket_qua="Đã xong")
        assert office.get(f"/cases/{number}").json["closed_at"] is not None
    with exchange.hotline.runtime.read() as unit:
        assert unit.scalar(select(func.count()).select_from(model.subscriptions)) == 0


def signals(exchange: Exchange, number: str) -> None:
    with exchange.hotline.runtime.begin() as unit:
        correlation.throw_into(unit, "sig_qua_tai", {}, number, by=accounts.account(unit, "vanphong"))


def test_nothing_is_heard_in_another_province(exchange):
    hotline = exchange.hotline
    more = "throw keu signal=sig_qua_tai scope=province"
    exchange.deploys("GUI", SENDS.replace("-> bao ->", "-> bao -> keu ->") + more)

    def elsewhere(code: str, life: str) -> dict[str, str]:
        moved = {"_74": "_75", '"74"': '"75"', '"BD"': '"DN"', '"718"': '"731"', '"719"': '"732"', "718": "731",
                 "719": "732"}  # fmt: skip
        files = kind(code, life)
        for old, new in moved.items():
            files = {name: text.replace(old, new) for name, text in files.items()}
        return files

    with hotline.runtime.begin() as unit:
        for code, life in (("CHOM", WAITS), ("CHOS", LISTENS)):
            packages.deploy(unit, elsewhere(code, life), by="test")
        packages.load_province(unit, packages.Package(elsewhere("CHOM", WAITS)).province)
        person = {"login": "truc75", "name": "Trực", "role": "operator", "agency": "tongdai_75"}
        accounts.create(unit, person, None)
        hotline.tokens["truc75"] = accounts.issue(unit, accounts.account(unit, "truc75"), "test").token
    for code in ("CHOM", "CHOS"):
        exchange.begins(code, by="truc75", area="731")

    exchange.sent()
    exchange.carries()

    assert [(row.kind, row.state) for row in exchange.rows()] == [("message", "waiting")]
    with hotline.runtime.read() as unit:
        assert unit.scalar(select(func.count()).select_from(model.subscriptions)) == 2


def test_what_people_say_to_a_case_is_no_message_between_cases():
    assert ENGINES_OWN == {messages.RETURNED, messages.QUESTION, lines.MESSAGE, *messages.FROM_CITIZENS}


# -- other versions ----------------------------------------------------------------------------------------------------


def test_a_case_that_moves_to_another_version_goes_on_waiting_there(exchange):
    hotline = exchange.hotline
    exchange.deploys("TIN", LISTENS)
    hearer, listener = exchange.begins("CHO"), exchange.begins("TIN")
    exchange.deploys("CHO", WAITS.replace("msg_ket_qua", "msg_ket_qua_moi"))
    exchange.deploys("TIN", LISTENS.replace("sig_qua_tai", "sig_moi"))
    exchange.deploys("GUI", SENDS.replace("msg_ket_qua", "msg_ket_qua_moi"))
    exchange.sent()
    exchange.carries()
    assert exchange.states() == ["waiting"]

    assert exchange.moves("CHO") == exchange.moves("TIN") == {"moved": 1}
    exchange.carries()
    with hotline.runtime.begin() as unit:
        correlation.throw(unit, "sig_moi", {}, by=accounts.account(unit, "vanphong"))
    exchange.carries()

    assert (exchange.at(hearer), exchange.at(listener)) == (["xem"], ["lam", "xem"])
    exchange.deploys("TIN", LISTENS.replace("signal=sig_qua_tai scope=province", "message=msg_khac"))
    assert exchange.moves("TIN") == {"refused": 1}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_signal_called_like_a_message_of_people_is_no_door_for_them(hotline, exchange):
    """The gate lets none in; what waits for one is not taken for what waits for people, all the same."""
    number = hotline.settled()
    with hotline.runtime.begin() as unit:
        [case] = unit.all(select(model.cases).where(model.cases.c.number == number))
        unit.execute(model.subscriptions.delete().where(model.subscriptions.c.case_id == case.id))
        waits = [{"case_id": case.id, "token": 900 + n, "message": name, "kind": "signal"}
                 for n, name in enumerate(sorted(ENGINES_OWN))]  # fmt: skip
        unit.execute(model.subscriptions.insert(), waits)

    secret = hotline.receipt["secret"]
    tracked = hotline.as_(None).get(f"/track/{number}", secret=secret).json
    assert (tracked["awaited"], tracked["may"]) == (False, ["information", "rating"])
    rated = hotline.as_(None).post(f"/track/{number}/message", {"secret": secret, "kind": "rating", "stars": 5})
    assert rated.status_code == 200, rated.text
    with hotline.runtime.read() as unit:
        table = model.instances.c
        assert unit.scalar(select(table.finished_at).where(table.case_id == case.id)) is None  # nobody moved it on
    other = hotline.assigned()
    with hotline.runtime.begin() as unit:
        [task] = unit.all(select(model.tasks).join(model.cases).where(
            model.cases.c.number == other, model.tasks.c.status == "open"))  # fmt: skip
        assert tasks.can_be_returned(unit, task)
        unit.execute(model.subscriptions.delete().where(model.subscriptions.c.case_id == task.case_id))
        row = {"case_id": task.case_id, "token": 900, "message": messages.RETURNED, "kind": "signal"}
        unit.execute(model.subscriptions.insert(), row)
        assert not tasks.can_be_returned(unit, task)
