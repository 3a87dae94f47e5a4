"""Closed cases, replayed through an edited report type: what would have become of them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, func, select, text, update

from engine import model, packages, replays
from engine.notifiers import Undeliverable
from engine.people import accounts
from engine.queues import outbox
from engine.work.worker import Worker
from tests.drawing import choice, draw, form
from tests.external import ASKING
from tests.hotline import LIFE, TYPE, _text, package, refused
from tests.test_duplicates import finding
from webapi.cli import main

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # where cases come from
OLD_TYPE = TYPE.format(secrecy="C2")


def passes(hotline, minutes=10):
    """Time passes, and what falls due is done when it does."""
    end, worker = hotline.clock.now + timedelta(minutes=minutes), Worker(hotline.runtime, {})
    while (due := worker.next_due()) is not None and due <= end:
        hotline.clock.now = max(hotline.clock.now, due)
        worker.work()
        if not worker.work():
            break
    hotline.clock.now = end


def does(hotline, who, number, **answers):
    passes(hotline)
    hotline.does(who, number, **answers)


def says(hotline, who, number, what, body, minutes=10):
    passes(hotline, minutes)
    tag = hotline.case(number)["etag"]
    answer = hotline.as_(who).post(f"/cases/{number}/{what}", body, If_Match=tag)
    assert answer.status_code == 200, answer.text


def ended(hotline, result="da_giai_quyet", minutes=10, number=None):
    """A case that goes its way, each step after ten minutes."""
    if number is None:
        number = hotline.receives()
        does(hotline, "truc", number, lead_agency="ubnd_74_718")
    passes(hotline, minutes - 10)
    does(hotline, "phuong", number, ket_qua=result, noi_dung_ket_qua="Xong")
    return number


def crowd(hotline):
    """Cases with all that people do to cases; all closed in the end."""
    plain, untrue = ended(hotline), ended(hotline, "khong_dung")
    late = ended(hotline, minutes=60 * 6)
    returned = hotline.receives()
    does(hotline, "truc", returned, lead_agency="ubnd_74_719")
    passes(hotline)
    task = hotline.task("binh", returned)["id"]
    assert hotline.as_("binh").post(f"/tasks/{task}/return", {"reason": "Không phải địa bàn"}).status_code == 200
    does(hotline, "truc", returned, lead_agency="ubnd_74_718")
    ended(hotline, number=returned)
    again = ended(hotline)
    says(hotline, "app", again, "reopen", {"reason": "Vẫn còn"})
    does(hotline, "phuong", again, ket_qua="da_giai_quyet", noi_dung_ket_qua="Lần hai")
    says(hotline, "app", again, "rating", {"stars": 5})
    held = hotline.receives()
    does(hotline, "truc", held, lead_agency="ubnd_74_718")
    says(hotline, "phuong", held, "pause", {"reason": "Chờ"})
    says(hotline, "phuong", held, "resume", None, 60 * 3)
    until = hotline.clock.now + timedelta(hours=9)
    says(hotline, "phuong", held, "extend", {"reason": "Xa", "until": until.isoformat()})
    passes(hotline, 60 * 4)
    does(hotline, "phuong", held, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")
    other = hotline.receives()
    does(hotline, "truc", other, lead_agency="ubnd_74_718")
    says(hotline, "truc", other, "reassign", {"agency": "ubnd_74_719", "reason": "Đúng địa bàn"})
    does(hotline, "binh", other, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")
    return {"plain": plain, "untrue": untrue, "late": late, "returned": returned, "again": again, "held": held,
            "other": other}  # fmt: skip


def replayed(hotline, files=None, by="quantri", **changes):
    with hotline.runtime.read() as unit:
        by = accounts.account(unit, by)
    since, before = (hotline.clock.now + timedelta(days=days) for days in (-30, 1))
    return replays.replay(hotline.runtime, files or package(**changes), since, before, by=by)


def drawn(*changes):
    life = LIFE
    for was, now in changes:
        assert was in life
        life = life.replace(was, now)
    return {"process__bpmn": draw(life, "PAKN")}


def rows(hotline):
    with hotline.runtime.read() as unit:
        return {table.name: unit.scalar(select(func.count()).select_from(table))
                for table in model.metadata.sorted_tables}  # fmt: skip


def told(groups):
    return {one.en: sorted(one.numbers) for one in groups}


@on_postgresql
def test_a_case_goes_as_it_went_and_otherwise_only_where_the_edit_says_so(hotline):
    numbers = crowd(hotline)
    passes(hotline, 60 * 24 * 11)  # the last timers, too
    before = rows(hotline)

    same = replayed(hotline)
    assert (same.cases, same.same, same.left_out, same.missing) == (7, 7, [], [])

    shorter = replayed(hotline, type__toml=OLD_TYPE.replace("PT5H", "PT2H").replace("PT4H", "PT5M"))
    assert shorter.changed == {"path": 0, "agency": 0, "breach": 6, "outcome": 0}  # one was late anyhow
    assert told(shorter.differences["breach"]) == {
        "Late now: “Xử lý”.": sorted(number for name, number in numbers.items() if name != "late")}  # fmt: skip

    longer = replayed(hotline, type__toml=OLD_TYPE.replace("PT5H", "P9D").replace("PT4H", "P8D"))
    assert told(longer.differences["breach"]) == {"No longer late: “the whole case”, “Xử lý”.": [numbers["late"]]}
    assert longer.same == 6

    told_off = replayed(hotline, **drawn(
        ("xu_ly -> bao_ket_qua -> cho", 'xu_ly -> re\nre -> bo : ket_qua == "khong_dung"\nre -> bao_ket_qua default\n'
                                        'bo -> bao_ket_qua -> cho'),
        ("end dong", 'xor re "Đúng?"\nscript bo "Ghi sổ" script="so = 1"\nend dong')))  # fmt: skip
    assert told_off.changed["path"] == 7
    paths = told(told_off.differences["path"])
    assert paths["Also “Ghi sổ”, “Đúng?”."] == [numbers["untrue"]]
    assert paths["Also “Đúng?” ×2."] == [numbers["again"]]

    kinder = replayed(hotline, **drawn(('outcome="${ket_qua}"', 'outcome="da_giai_quyet"')))
    (group,) = kinder.differences["outcome"]
    assert (group.vi, group.numbers) == ("Kết quả “Không đúng thực tế” thành “Đã giải quyết”.", [numbers["untrue"]])

    for_others = replayed(hotline, **drawn(('"Phân công" group=tongdai_74', '"Phân công" group=vp_74')))
    assert for_others.changed == {"path": 0, "agency": 7, "breach": 0, "outcome": 0}
    assert told(for_others.differences["agency"]) == {
        "Also for: “Văn phòng UBND tỉnh”. No longer for: “Tổng đài 1022”.": sorted(numbers.values())}  # fmt: skip
    assert rows(hotline) == before


@on_sqlite
def test_an_answer_that_was_never_given_is_not_made_up(hotline):
    plain, untrue = ended(hotline), ended(hotline, "khong_dung")
    approved = replayed(hotline, **drawn(
        ("end dong", 'user duyet "Duyệt" group=vp_74\nend dong'),
        ("xu_ly -> bao_ket_qua", "xu_ly -> duyet -> bao_ket_qua")))  # fmt: skip
    assert told(approved.missing) == {
        "It needs an answer that was never given: “Duyệt” (duyet)": sorted([plain, untrue])}  # fmt: skip
    assert approved.same == 0 and sum(approved.changed.values()) == 0

    asked = replayed(hotline, ket_qua__form=form("ket_qua", choice("ket_qua", "da_giai_quyet", "khong_dung"),
                                                 _text("noi_dung_ket_qua"), _text("bien_ban")))  # fmt: skip
    (question,) = asked.missing
    assert question.cases == 2 and "“Xử lý” (xu_ly): bien_ban" in question.en and "chưa từng có" in question.vi

    fewer = replayed(hotline, ket_qua__form=form("ket_qua", choice("ket_qua", "da_giai_quyet"),
                                                 _text("noi_dung_ket_qua")))  # fmt: skip
    assert told(fewer.missing).popitem()[1] == [untrue] and fewer.same == 1


@on_sqlite
def test_a_fault_of_the_edit_holds_cases_up(hotline):
    number = ended(hotline)
    files = drawn(('outcome="${ket_qua}"', 'outcome="${noi_dung_ket_qua[40]}"'))
    found = replayed(hotline, **files)
    assert told(found.held_up)[found.held_up[0].en] == [number] and "bao_ket_qua" in found.held_up[0].en


@on_sqlite
def test_no_edit_brings_to_light_what_a_case_says_that_one_may_not_see(hotline):
    number = ended(hotline)
    with hotline.runtime.begin() as unit:
        unit.execute(update(model.cases).where(model.cases.c.number == number).values(secrecy="C4"))

    def says(outcome):
        edit = drawn(('outcome="${ket_qua}"', f'outcome="${{{outcome}}}"'))
        return json.dumps(vars(replayed(hotline, by="phantich", **edit)), default=vars)

    told = [says("noi_dung_ket_qua"), says("int(noi_dung_ket_qua)")]
    assert not [one for one in told if number in one or "Xong" in one]
    assert "would be another" in told[0] and "The edited one holds it up." in told[1]


@on_sqlite
def test_what_cannot_be_replayed_is_said(hotline):
    moved, held, lost, good = (ended(hotline) for _ in range(4))
    with hotline.runtime.begin() as unit:
        ids = {row.number: row.id for row in unit.all(select(model.cases.c.number, model.cases.c.id))}
        unit.record(ids[moved], "modified", "vanphong")
        unit.record(ids[held], "incident-opened", "system")
        line = unit.first(select(model.events.c.id).where(model.events.c.case_id == ids[lost],
                                                          model.events.c.kind == "task-completed"))  # fmt: skip
        unit.execute(text("DROP TRIGGER events_never_go"))  # what the database would refuse
        unit.execute(delete(model.events).where(model.events.c.id == line.id))
    found = replayed(hotline, type__toml=OLD_TYPE.replace("PT5H", "P1D"))
    assert told(found.left_out) == {
        "Somebody put its tokens elsewhere.": [moved],
        "A fault of its report type held it up.": [held],
        "Replayed in its own version it does not go as it is recorded.": [lost],
    }
    assert (found.cases, found.same) == (4, 1) and good


@on_sqlite
def test_reports_like_it_are_there_again(hotline):
    files = finding()
    hotline.as_("phantich").post("/deployments", files)
    first, second = hotline.receives(), hotline.receives()
    for number, desk in ((first, "truc"), (second, "vanphong")):
        does(hotline, desk, number, lead_agency="ubnd_74_718")
        ended(hotline, number=number)
    found = replayed(hotline, files)
    assert (found.cases, found.same, found.left_out) == (2, 2, [])
    blind = replayed(hotline, files | {"process.bpmn": files["process.bpmn"].replace('"vp_74" if', '"so_yt_74" if')})
    assert told(blind.differences["agency"]) == {"Also for: “Sở Y tế”. No longer for: “Văn phòng UBND tỉnh”.": [second]}


ROUTED = ASKING.replace("end dong", 'user hoi_lai "Hỏi lại" group=vp_74 form=hoi\nboundary hong on=tra_cuu error=MAT\n'
                                    'xor noi "Ở đâu?"\nend dong')  # fmt: skip
ROUTED = ROUTED.replace("tra_cuu -> tiep_nhan", 'tra_cuu -> noi\nnoi -> hoi_lai : ${ho["quan"] == "719"}\n'
                        'noi -> tiep_nhan default\nhong -> hoi_lai -> tiep_nhan')  # fmt: skip


@on_sqlite
def test_returns_are_counted_again_and_people_come_before_clocks(hotline):
    """The process asks how often a case was returned; and somebody is done at the very moment a timer would strike."""
    more = "xor lan\nuser nhieu group=vp_74 form=hoi\nboundary gap on=xu_ly timer=PT4H\nend dong"
    life = LIFE.replace("end dong", more)
    life = life.replace("tra_lai -> tiep_nhan", "tra_lai -> lan\nlan -> nhieu : ${so_lan_tra_lai == 2}\n"
                        "lan -> tiep_nhan default\nnhieu -> tiep_nhan\ngap -> nhieu")  # fmt: skip
    changes = {"process__bpmn": draw(life, "PAKN"), "hoi__form": form("hoi", _text("quan", required=False))}
    hotline.deploys(**changes)
    number = hotline.receives()
    for asked in (False, True):
        does(hotline, "truc", number, lead_agency="ubnd_74_719")
        passes(hotline)
        task = hotline.task("binh", number)["id"]
        assert hotline.as_("binh").post(f"/tasks/{task}/return", {"reason": "Không phải"}).status_code == 200
        if asked:
            does(hotline, "vanphong", number)
    does(hotline, "truc", number, lead_agency="ubnd_74_718")
    hotline.waits(4)
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")

    same = replayed(hotline, package(**changes))

    assert (same.cases, same.same, same.left_out) == (1, 1, [])


class Register:
    """A type that asks a service, and what the service says next; a case for each way in which that may go."""

    def __init__(self, hotline):
        hoi = {"hoi__form": form("hoi", _text("quan", required=False))}
        self.hotline, self.files = hotline, package(process__bpmn=draw(ROUTED, "PAKN"), **hoi)
        hotline.deploys(process__bpmn=draw(ROUTED, "PAKN"), **hoi)

    def answers(self, answer, minutes=10):
        def service(payload, key):
            assert payload == {"noi": "718", "kieu": "nhanh"}
            if isinstance(answer, Exception):
                raise answer
            return answer

        passes(self.hotline, minutes)
        Worker(self.hotline.runtime, {}, {"tra_cuu": service}).drain()

    def goes_on(self, number):
        does(self.hotline, "truc", number, lead_agency="ubnd_74_718")
        return ended(self.hotline, number=number)

    def here(self):
        number = self.hotline.receives()
        self.answers({"ho": "Lê", "quan": "718"})
        return self.goes_on(number)

    def there(self):
        number = self.hotline.receives()
        self.answers({"quan": "719"})
        does(self.hotline, "vanphong", number)
        return self.goes_on(number)

    def slow(self):
        number = self.hotline.receives()
        self.answers(Undeliverable("down"))
        [dead] = self.hotline.as_("vanphong").get("/incidents").json["items"]
        assert dead["case"] == number
        with self.hotline.runtime.begin() as unit:
            given_up = (model.outbox.c.state == "dead", model.outbox.c.kind == "service")
            outbox.resend(unit, unit.scalar(select(model.outbox.c.id).where(*given_up)), "vanphong")
        self.answers({"quan": "718"}, 60 * 6)
        return self.goes_on(number)

    def failed(self):
        """A program outside ends its task with an error that the diagram foresees."""
        number, path = self.hotline.receives(), "/engine-rest/external-task"
        passes(self.hotline)
        headers = {"Authorization": f"Bearer {self.hotline.tokens['dich_vu']}"}
        wish = {"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "tra_cuu", "lockDuration": 60_000}]}
        app = self.hotline.as_("app").client
        [task] = app.post(f"{path}/fetchAndLock", json=wish, headers=headers).json
        error = {"workerId": "w", "errorCode": "MAT", "errorMessage": "?", "variables": {"quan": {"value": "0"}}}
        assert app.post(f"{path}/{task['id']}/bpmnError", json=error, headers=headers).status_code == 204
        does(self.hotline, "vanphong", number)
        return self.goes_on(number)


@on_postgresql
def test_what_services_answered_is_answered_again(hotline):
    register = Register(hotline)
    here, there, slow, failed = register.here(), register.there(), register.slow(), register.failed()
    everyone, files = sorted([here, there, slow, failed]), register.files

    same = replayed(hotline, files)
    assert (same.cases, same.same, same.left_out, same.missing) == (4, 4, [], [])

    turned = files | {"process.bpmn": files["process.bpmn"].replace('quan"] == "719"', 'quan"] == "718"')}
    found = replayed(hotline, turned)
    assert told(found.missing) == {"It needs an answer that was never given: “Hỏi lại” (hoi_lai)": sorted([here, slow])}
    assert told(found.differences["path"]) == {"Not “Hỏi lại”.": [there]} and found.same == 1

    quick = replayed(hotline, files | {"type.toml": OLD_TYPE.replace("PT5H", "P1D")})
    assert told(quick.differences["breach"]) == {"No longer late: “the whole case”.": [slow]}

    other = files | {"process.bpmn": files["process.bpmn"].replace(">nhanh<", ">kỹ<")}
    assert told(replayed(hotline, other).missing) == {
        "It needs an answer that was never given: “tra_cuu” (tra_cuu): kieu": everyone}  # fmt: skip

    with hotline.runtime.begin() as unit:
        unit.execute(update(model.outbox).where(model.outbox.c.kind == "service").values(answer=None))
    left_out = told(replayed(hotline, files).left_out)
    assert left_out == {"A service answered it when answers were not kept yet.": everyone}


@on_sqlite
def test_over_the_api_and_on_the_command_line(hotline, database_url, tmp_path):
    ended(hotline), ended(hotline)
    analyst = hotline.as_("phantich")
    span = {"since": "2021-09-01T00:00:00+07:00", "before": "2021-10-01T00:00:00+07:00"}

    def ask(login, files, **more):
        return hotline.as_(login).call("POST", "/deployments/replay", json=files, query_string=span | more)

    edited = package(**drawn(('"Phân công" group=tongdai_74', '"Phân công" group=vp_74')))
    answer = ask("phantich", edited)
    assert answer.status_code == 200, answer.text
    assert (answer.json["cases"], answer.json["same"], answer.json["changed"]["agency"]) == (2, 0, 2)
    (group,) = answer.json["differences"]["agency"]
    assert group["vi"] == "Thêm cơ quan: “Văn phòng UBND tỉnh”. Không còn cơ quan: “Tổng đài 1022”."
    assert len(group["numbers"]) == 2
    assert ask("phantich", edited, limit=1).json["cases"] == 1
    refused(ask("truc", edited), 403, "not-allowed")
    refused(ask("phantich", edited, limit=0), 422, "invalid-request")
    refused(ask("phantich", edited, since="2021-10-02T00:00:00+07:00"), 422, "invalid-request")
    refused(ask("phantich", edited | {"process.bpmn": "<x/>"}), 422, "invalid-package")
    refused(analyst.post("/deployments/replay", edited), 422, "invalid-request")

    folder = tmp_path / "PAKN"
    folder.mkdir()
    for name, content in edited.items():
        (folder / name).write_text(content, encoding="utf-8")
    environment = {"THONGSUOT_DATABASE": database_url, "THONGSUOT_INSTANCE": str(tmp_path)}

    def command(*arguments):
        return CliRunner().invoke(main, ["replay", str(folder), *arguments], env=environment)

    done = command("--since", "2021-09-01", "--before", "2021-10-01")
    assert done.exit_code == 0, done.output
    assert "PAKN: 2 closed, 0 as they went; would change: 2 agency" in done.output
    assert "agency, 2: Thêm cơ quan: “Văn phòng UBND tỉnh”." in done.output
    assert "There is no report type KHAC" in command("--type", "KHAC").output
    assert "ends before it begins" in command("--since", "2021-10-02", "--before", "2021-10-01").output


@on_sqlite
def test_other_versions_and_settings_are_theirs(hotline):
    """A case of an earlier version is compared with that one, and numbers are told to whom they concern."""
    old = ended(hotline)
    hotline.deploys(type__toml=OLD_TYPE.replace("PT4H", "PT5M"))
    new = ended(hotline)
    found = replayed(hotline, type__toml=OLD_TYPE.replace("PT4H", "PT5M"))
    assert told(found.differences["breach"]) == {"Late now: “Xử lý”.": [old]} and found.same == 1
    back = replayed(hotline)
    assert told(back.differences["breach"]) == {"No longer late: “Xử lý”.": [new]}
    assert json.dumps(vars(back), default=vars)  # data, and nothing else
    with hotline.runtime.begin() as unit:
        packages.load_province(unit, packages.Package(package()).province)
