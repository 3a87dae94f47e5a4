"""Running cases move to another version: nothing is lost, no due time moves; and they go back."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from engine import model, packages
from engine.people import accounts
from engine.versions import migrations
from engine.work import batches
from engine.work.worker import Worker
from tests.drawing import draw
from tests.hotline import LIFE, TYPE, package, refused
from tests.sources import ROOT


def again(life):
    """The same with a step of another name."""
    return re.sub(r"\bxu_ly\b", "giai_quyet", life).replace('"Xử lý"', '"Giải quyết"')


RENAMED = again(LIFE)
FAULTY = LIFE.replace("xu_ly -> bao_ket_qua", "xu_ly -> chia -> bao_ket_qua") + """
script chia "Chia" script="ty_le = 10 / (len(noi_dung_ket_qua) - 3)"
"""
NEW_LIFE = RENAMED + """
boundary nhac "Nhắc" on=giai_quyet timer='${due("giai_quyet")}' aside
end nhac_xong
nhac -> nhac_xong
"""
NEW_TYPE = TYPE.format(secrecy="C2").replace("\nxu_ly = {term", "\ngiai_quyet = {term")
NEW = {"process__bpmn": draw(NEW_LIFE, "PAKN"), "type__toml": NEW_TYPE}
PLAN = {"xu_ly": "giai_quyet"}
KEPT = {  # what moving a case must not touch, by table
    "cases": ("id", "number", "status", "due_at", "warned_at", "breached_at", "paused_at", "closed_at", "extensions"),
    "tasks": ("id", "token", "group", "assignee", "status", "created_at", "due_at", "warned_at", "answers"),
    "deadlines": ("id", "token", "started_at", "due_at", "warn_at", "settled_at", "story"),
    "jobs": ("id", "token", "kind", "due_at", "state", "attempts"),
    "subscriptions": ("case_id", "token", "message"),
    "outbox": ("id", "key", "topic", "token", "payload", "state"),
}


def in_unit(hotline, do, login="phantich"):
    with hotline.runtime.begin() as unit:
        return do(unit, accounts.account(unit, login))


def deployed(hotline, **changes):
    """The ids of the version before and of this one, which is deployed now."""
    hotline.deploys(**changes)
    with hotline.runtime.read() as unit:
        ids = [row.id for row in unit.all(select(model.definitions.c.id).order_by(model.definitions.c.version))]
    return ids[-2], ids[-1]


def started(hotline, versions, elements=PLAN, **more):
    return in_unit(hotline, lambda unit, by: migrations.start(unit, *versions, "Đổi tên bước", elements, by=by, **more))


def works(hotline):
    return Worker(hotline.runtime, {}).migrate(limit=10_000)


def shown(hotline, migration):
    return in_unit(hotline, lambda unit, by: migrations.show(unit, migration, by=by))


def everything(hotline, columns=KEPT):
    with hotline.runtime.read() as unit:
        return {name: sorted(map(repr, unit.all(select(*(model.metadata.tables[name].c[one] for one in wanted)))))
                for name, wanted in columns.items()}  # fmt: skip


def crowd(hotline, times=1):
    """Cases in many states: waiting for the desk, for an agency, claimed, warned, paused, extended, to be rated."""
    later = (hotline.clock.now + timedelta(hours=8)).isoformat()
    for _ in range(times):
        hotline.receives()
        hotline.assigned()
        taken = hotline.task("phuong", hotline.assigned())
        hotline.as_("phuong").post(f"/tasks/{taken['id']}/claim")
        hotline.settled()
        for action, body in (("pause", {"reason": "chờ"}), ("extend", {"reason": "xa", "until": later})):
            number = hotline.assigned()
            tag = hotline.case(number)["etag"]
            answer = hotline.as_("phuong").post(f"/cases/{number}/{action}", body, If_Match=tag)
            assert answer.status_code == 200, answer.text


def test_all_cases_move_and_nothing_of_theirs_does(hotline):
    crowd(hotline, 3)
    hotline.waits(3.5)
    Worker(hotline.runtime, {}).work()  # warnings
    crowd(hotline, 1)
    before = everything(hotline)
    versions = deployed(hotline, process__bpmn=draw(RENAMED, "PAKN"), type__toml=NEW_TYPE)
    migration = started(hotline, versions)

    assert works(hotline) == 24
    assert shown(hotline, migration)["counts"] == {"moved": 24}
    assert everything(hotline) == before
    with hotline.runtime.read() as unit:
        assert unit.all(select(model.tasks.c.element).where(model.tasks.c.element == "xu_ly",
                                                            model.tasks.c.status == "open")) == []  # fmt: skip
        assert {row.definition_id for row in unit.all(select(model.cases.c.definition_id))} == {versions[1]}

    number = hotline.assigned()  # of the new version, beside those that came from the old one
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")


def test_a_moved_case_goes_on_in_the_new_version(hotline):
    number = hotline.assigned()
    hotline.waits(1)
    started(hotline, deployed(hotline, **NEW))
    works(hotline)

    task = hotline.task("phuong", number)
    assert (task["element"], task["name"], task["due_at"]) == ("giai_quyet", "Giải quyết", "2021-09-03T05:00:00+00:00")
    with hotline.runtime.read() as unit:  # the new reminder follows the deadline that runs, not one from now
        timer = unit.first(select(model.jobs).where(model.jobs.c.kind == "timer"))
    assert timer.due_at.isoformat() == "2021-09-03T05:00:00+00:00" and timer.payload["term"] == "giai_quyet"
    hotline.waits(3.5)
    Worker(hotline.runtime, {}).work()
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")
    kinds = [one["kind"] for one in hotline.as_("vanphong").get(f"/cases/{number}/timeline").json["items"]]
    assert kinds.count("migrated") == 1 and kinds[-1] == "closed"


def test_a_preview_says_who_can_move_and_why_others_cannot(hotline):
    number = hotline.assigned()
    hotline.receives()
    files = package(**NEW)

    def look(elements):
        target = packages.Package(files)
        return in_unit(hotline, lambda unit, by: migrations.preview(unit, target, None, elements, by=by))

    found = look({})
    assert (found.running, found.can_move) == (2, 1)
    (obstacle,) = found.cannot
    assert obstacle.why == "It stands at 'Xử lý' (xu_ly), which the other version does not have."
    assert obstacle.numbers == [number]
    assert look(PLAN).can_move == 2


@pytest.mark.parametrize(("change", "why"), [
    (lambda life, type_: (life, type_.replace("\ngiai_quyet = {term", "\nkhac = {term")), "[deadlines.giai_quyet]"),
    (lambda life, type_: (life, type_.replace("moi = {", "moi_nhan = {")), "status 'moi'"),
])  # fmt: skip
def test_a_case_that_does_not_fit_stays_and_says_why(hotline, change, why):
    hotline.receives(), hotline.assigned()
    life, type_ = change(RENAMED, NEW_TYPE)
    files = package(process__bpmn=draw(life, "PAKN"), type__toml=type_)
    found = in_unit(hotline, lambda unit, by: migrations.preview(unit, packages.Package(files), None, PLAN, by=by))

    assert found.can_move == 1 and why in found.cannot[0].why


def test_a_canary_waits_and_an_undo_puts_back_all_that_have_not_gone_on(hotline):
    first = hotline.assigned()
    crowd(hotline)
    before = everything(hotline, KEPT | {"tasks": ("id", "element", "name", "version", "form"), "jobs":
                                          ("id", "token", "kind", "due_at", "payload", "state")})  # fmt: skip
    migration = started(hotline, deployed(hotline, **NEW), canary=2)

    assert works(hotline) == 2
    assert shown(hotline, migration)["state"] == "canary"
    in_unit(hotline, lambda unit, by: migrations.go_on(unit, migration, by=by))
    assert works(hotline) == 5
    assert shown(hotline, migration)["state"] == "done"

    hotline.does("phuong", first, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")
    in_unit(hotline, lambda unit, by: migrations.undo(unit, migration, by=by))
    works(hotline)
    found = shown(hotline, migration)
    assert found["state"] == "undone" and found["counts"] == {"undone": 6, "kept": 1}
    (kept,) = found["kept"]
    assert (kept.why, kept.numbers) == ("It has gone on since.", [first])
    after = everything(hotline, KEPT | {"tasks": ("id", "element", "name", "version", "form"), "jobs":
                                        ("id", "token", "kind", "due_at", "payload", "state")})  # fmt: skip
    others = {name: [row for row in rows if row in after[name]] for name, rows in before.items()}
    assert {name: len(before[name]) - len(rows) for name, rows in others.items()} == {
        "cases": 1, "tasks": 1, "deadlines": 2, "jobs": 4, "subscriptions": 1, "outbox": 0}  # only those of the first


def test_a_canary_waits_also_if_its_cases_could_not_be_moved(hotline):
    numbers = [hotline.assigned() for _ in range(4)]
    migration = started(hotline, deployed(hotline, **NEW), elements={}, canary=3)

    assert works(hotline) == 3
    found = shown(hotline, migration)
    assert (found["state"], found["counts"]) == ("canary", {"refused": 3, "waiting": 1})
    assert [one.numbers for one in found["refused"]] == [numbers[:3]]


def test_the_api_says_how_far_it_is_and_to_whom_it_is_open(hotline):
    number = hotline.assigned()
    source, target = deployed(hotline, **NEW)
    plan = {"source_id": source, "target_id": target, "elements": PLAN}

    found = hotline.as_("phantich").post("/migrations/preview", plan).json
    assert found == {"running": 1, "can_move": 1, "cannot": []}
    refused(hotline.as_("vanphong").post("/migrations/preview", plan), 403, "not-allowed")
    for wrong, said in (({"target_id": source}, "two versions"), ({"elements": {"khong": "xu_ly"}}, "'khong'")):
        assert said in refused(hotline.as_("phantich").post("/migrations", plan | {"reason": "x"} | wrong), 422,
                               "invalid-request")  # fmt: skip
    made = hotline.as_("phantich").post("/migrations", plan | {"reason": "Đổi tên"})
    assert (made.status_code, made.json["counts"]) == (201, {"waiting": 1})
    said = refused(hotline.as_("quantri").post("/migrations", plan | {"reason": "x"}), 409, "wrong-state")
    assert said == "The migration 1 of PAKN is still under way: cancel it, or let it end."
    assert hotline.as_("phantich").post("/migrations/1/cancel").json["state"] == "cancelled"
    assert works(hotline) == 0
    refused(hotline.as_("vanphong").get("/migrations/1"), 404, "not-found")
    assert [one["state"] for one in hotline.as_("quantri").get("/migrations").json["items"]] == ["cancelled"]
    assert hotline.task("phuong", number)["element"] == "xu_ly"


def test_a_camunda_client_generates_validates_and_executes_a_plan(hotline):
    number = hotline.assigned()
    source, target = deployed(hotline, **NEW)
    ids = {"sourceProcessDefinitionId": f"PAKN:1:{source}", "targetProcessDefinitionId": f"PAKN:2:{target}"}

    def asks(path, body):
        headers = {"Authorization": f"Bearer {hotline.tokens['phantich']}"}
        return hotline.app.test_client().post(f"/engine-rest/migration/{path}", json=body, headers=headers)

    plan = asks("generate", ids).json
    assert {"sourceActivityIds": ["cho"], "targetActivityIds": ["cho"], "updateEventTrigger": False} in \
        plan["instructions"]  # fmt: skip
    (report,) = asks("validate", plan).json["instructionReports"]
    assert report["failures"] == ["It stands at 'Xử lý' (xu_ly), which the other version does not have. (1)"]
    plan["instructions"].append({"sourceActivityIds": ["xu_ly"], "targetActivityIds": ["giai_quyet"]})
    assert asks("validate", plan).json["instructionReports"] == []
    assert asks("execute", {"migrationPlan": plan, "processInstanceQuery": {"active": True}}).status_code == 400
    hotline.assigned()  # of the new version by now
    batch = asks("executeAsync", {"migrationPlan": plan, "processInstanceIds": [number]})
    assert (batch.status_code, batch.json["totalJobs"]) == (200, 1)
    works(hotline)
    assert hotline.task("phuong", number)["element"] == "giai_quyet"


def a_dozen(hotline, times):
    """Cases in a dozen states, so many in each."""

    def post(path, body=None, login="phuong", **headers):
        answer = hotline.as_(login).post(path, body, **headers)
        assert answer.status_code in (200, 201), answer.text

    for hours in (1, 3.5):  # those that will be late; those that are warned
        [hotline.assigned() for _ in range(times)]
        hotline.waits(hours)
    Worker(hotline.runtime, {}).work(limit=100 * times)
    for _ in range(times):
        hotline.receives()  # at the desk
        hotline.assigned("ubnd_74_719")
        post(f"/tasks/{hotline.task('phuong', hotline.assigned())['id']}/claim")
        hotline.settled()  # waits for the citizen, three ways
        post(f"/tasks/{hotline.task('phuong', hotline.assigned())['id']}/return", {"reason": "không thuộc"})
        post(f"/cases/{hotline.assigned()}/suspend", {"reason": "chờ"}, "quantri")
        number = hotline.settled()
        post(f"/cases/{number}/reopen", {"reason": "vẫn còn"}, "vanphong", If_Match=hotline.case(number)["etag"])
        later = (hotline.clock.now + timedelta(hours=8)).isoformat()
        for action, body in (("pause", {"reason": "chờ"}), ("extend", {"reason": "xa", "until": later})):
            number = hotline.assigned()
            post(f"/cases/{number}/{action}", body, If_Match=hotline.case(number)["etag"])
        said = {"ket_qua": "da_giai_quyet", "noi_dung_ket_qua": "Lỗi"}
        hotline.does("phuong", hotline.assigned(), **said)  # an open incident


def killed(what, database_url, now, pauses=(1, 7)):
    """Workers that are killed when they have done something to so many cases, and are at the next."""
    for cases in pauses:
        command = [sys.executable, "-m", "tests.moving_actor", database_url, what, now.isoformat()]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
        with subprocess.Popen(command, cwd=ROOT, **pipes) as actor:
            for _ in range(cases):
                actor.stdin.write("next\n")
                assert actor.stdout.readline() == "done\n"
            actor.stdin.write("next\n")
            actor.kill()
        assert actor.returncode == -signal.SIGKILL


@pytest.mark.parametrize("times", [2, pytest.param(84, marks=pytest.mark.whole)])  # 24 cases; 1,008
def test_a_dozen_states_move_whole_though_workers_are_killed(hotline, database_url, times):
    hotline.deploys(process__bpmn=draw(FAULTY, "PAKN"))
    a_dozen(hotline, times)
    before, cases = everything(hotline), 12 * times
    with hotline.runtime.read() as unit:
        count = lambda table, *where: unit.scalar(select(func.count()).select_from(table).where(*where))  # noqa: E731
        table = model.cases.c
        assert count(model.cases) == count(model.instances, model.instances.c.finished_at.is_(None)) == cases
        work = model.tasks.c
        for one in (table.paused_at, table.suspended_at, work.breached_at, work.assignee):
            assert count(one.table, one.is_not(None)) >= times, one
        assert count(model.tasks, work.warned_at.is_not(None), work.breached_at.is_(None)) >= times
        assert count(model.incidents, model.incidents.c.resolved_at.is_(None)) == times
    migration = started(hotline, deployed(hotline, process__bpmn=draw(again(FAULTY), "PAKN"),
                                          type__toml=NEW_TYPE))  # fmt: skip

    killed("migrations", database_url, hotline.clock.now)
    counts = shown(hotline, migration)["counts"]
    assert counts["moved"] >= 8 and counts["waiting"] > 0
    hotline.clock.advance("1 minute")  # those at which a worker died are begun again
    works(hotline)

    assert shown(hotline, migration)["counts"] == {"moved": cases}
    assert everything(hotline) == before
    told = select(model.events.c.case_id).where(model.events.c.kind == "migrated")
    with hotline.runtime.read() as unit:
        assert len({row.case_id for row in unit.all(told)}) == len(unit.all(told)) == cases


def test_a_batch_is_done_once_to_each_though_workers_are_killed(hotline, database_url):
    numbers = [hotline.receives() for _ in range(24)]
    payload = {"suspended": True, "reason": "Chờ văn bản"}
    batch = in_unit(hotline, lambda unit, by: batches.start(unit, "suspend", numbers, payload, by=by), "quantri")

    killed("batches", database_url, hotline.clock.now)
    half = in_unit(hotline, lambda unit, by: batches.show(unit, batch, by=by), "quantri")
    assert half["counts"]["done"] >= 8 and half["counts"]["waiting"] > 0, half
    hotline.clock.advance("1 minute")
    works(hotline)

    with hotline.runtime.read() as unit:
        left = unit.all(select(model.batch_lines.c.state).where(model.batch_lines.c.batch_id == batch))
        told = unit.all(select(model.events.c.case_id).where(model.events.c.kind == "suspended"))
        held = unit.all(select(model.cases.c.id).where(model.cases.c.suspended_at.is_not(None)))
    assert [row.state for row in left] == ["done"] * 24
    assert len(told) == len({row.case_id for row in told}) == len(held) == 24
    assert in_unit(hotline, lambda unit, by: batches.show(unit, batch, by=by), "quantri")["state"] == "done"


WATCHED = """
boundary doi "Đổi đơn vị" on=xu_ly conditional='${{lead_agency=="{}"}}' aside
user xem "Xem lại" group=tongdai_74
end da_xem
doi -> xem -> da_xem
"""


def test_a_condition_that_is_waited_for_moves_and_happens_there(hotline):
    hotline.deploys(process__bpmn=draw(LIFE + WATCHED.format("vp_74"), "PAKN"))
    number = hotline.assigned()
    there = again(LIFE + WATCHED.format("ubnd_74_719"))
    versions = deployed(hotline, process__bpmn=draw(there, "PAKN"), type__toml=NEW_TYPE)
    migration = started(hotline, versions)
    works(hotline)
    assert shown(hotline, migration)["counts"] == {"moved": 1}
    assert hotline.as_("truc").get("/tasks", case=number).json["items"] == []

    def goes_to(agency):
        body, tag = {"agency": agency, "reason": "x"}, hotline.case(number)["etag"]
        answer = hotline.as_("vanphong").post(f"/cases/{number}/reassign", body, If_Match=tag)
        assert answer.status_code == 200, answer.text

    goes_to("ubnd_74_719")
    assert hotline.task("truc", number)["element"] == "xem"
    hotline.does("truc", number)
    assert hotline.task("binh", number)["element"] == "giai_quyet"

    holds = again(LIFE + WATCHED.format("ubnd_74_718"))  # it would happen at once
    goes_to("ubnd_74_718")
    back = deployed(hotline, process__bpmn=draw(holds, "PAKN"), type__toml=NEW_TYPE)
    target = in_unit(hotline, lambda unit, by: unit.catalogue.pinned(unit, back[1]))
    found = in_unit(hotline, lambda unit, by: migrations.preview(unit, target, back[0], {}, by=by))
    migration = started(hotline, back, {})
    works(hotline)
    done = shown(hotline, migration)
    assert done["counts"] == {"refused": 1}
    assert [one.why for one in found.cannot] == [one.why for one in done["refused"]]
    assert found.cannot[0].why.startswith("It would go on there at once, past Đổi đơn vị")
    goes_to("ubnd_74_719")
    assert hotline.task("truc", number)["element"] == "xem"  # as it was, where it was
