"""What the workers count for the heat maps is what the whole record says, whatever cases went through."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.flow.codec import standing
from engine.history import heat, histories, stays
from engine.model import cases, definitions, events, instances
from engine.people import accounts
from engine.terms.calendar import ZONE
from engine.versions import migrations
from engine.work.worker import Worker
from tests.drawing import draw
from tests.hotline import refused
from tests.test_migrating import NEW_TYPE, PLAN, RENAMED, deployed, in_unit, shown, started

LATER = RENAMED.replace("\ncho -> het_han", """
catch nho_lai timer=P8D
cho -> nho_lai -> dong
cho -> het_han""")


def slowly(unit, definition_id, since):
    """By element: tokens now, stays that ended, those called off, their mean, and the longest; from whole histories."""
    ids = {row.version: row.id for row in unit.all(select(definitions))}
    took, cancelled, now = defaultdict(list), Counter(), Counter()
    for case in unit.all(select(cases, instances.c.state, instances.c.finished_at).join(instances)):
        if case.opened_at.astimezone(ZONE).date() < since:
            continue
        lines = unit.all(select(events).where(events.c.case_id == case.id).order_by(events.c.id))
        moves = [line for line in lines if line.kind in ("migrated", "migration-undone")]
        for visit in histories.visits(lines, ()):
            before = [line for line in moves if visit.left_at and line.at < visit.left_at]
            version = before[-1].data["version"] if before else moves[0].data["was"] if moves else None
            if visit.left_at and (ids[version] if version else case.definition_id) == definition_id:
                took[visit.element].append((visit.left_at - visit.entered_at).total_seconds())
                cancelled[visit.element] += visit.how == "cancelled"
        if case.definition_id == definition_id and case.finished_at is None:
            now.update(one["element"] for one in standing(case.state) if one["beside"] is None)
    return {
        name: (now[name], len(all_of := took.get(name, [])), cancelled[name],
               pytest.approx(sum(all_of) / len(all_of)) if all_of else None, max(all_of, default=0.0))
        for name in took.keys() | now.keys()
    }  # fmt: skip


def told(unit, definition_id, since):
    found = heat.heat(unit, definition_id, since, by=accounts.account(unit, "phantich"))
    return {one.element: (one.now, one.visits, one.cancelled, one.mean_seconds, one.longest_seconds)
            for one in found if one.now or one.visits}  # fmt: skip


class Life:
    """Whatever may happen to cases, in any order."""

    def __init__(self, hotline, seed):
        self.hotline, self.chance = hotline, random.Random(seed)
        self.worker = Worker(hotline.runtime, {})
        self.versions, self.moved = (1, 1), None

    def happens(self):
        what = self.chance.choice([self.arrives, self.arrives, *[self.goes_on] * 9, self.is_modified, self.waits,
                                   self.migrates, self.goes_back, self.is_counted])  # fmt: skip
        what()
        self.hotline.waits(self.chance.uniform(0.1, 3))

    def arrives(self):
        self.hotline.receives()

    def goes_on(self):
        """Somebody answers a task, or gives it back, or the citizen says something."""
        login = self.chance.choice(["truc", "phuong"])
        if not (open_ := self.hotline.as_(login).get("/tasks").json["items"]):
            return
        task, caller = self.chance.choice(open_), self.hotline.as_(login)
        if task["element"] == "tiep_nhan":
            answers = {"lead_agency": "ubnd_74_718"}
        elif self.chance.random() < 0.4:
            caller.post(f"/tasks/{task['id']}/return", {"reason": "không thuộc"})
            return
        else:
            answers = {"ket_qua": "da_giai_quyet", "noi_dung_ket_qua": "Xong"}
        assert caller.post(f"/tasks/{task['id']}/complete", {"answers": answers}).status_code == 200

    def is_modified(self):
        """A token is put elsewhere."""
        numbers = [one["number"] for one in self.hotline.as_("vanphong").get("/cases").json["items"]]
        number = self.chance.choice(numbers) if numbers else self.hotline.receives()
        tokens = self.hotline.as_("vanphong").get(f"/cases/{number}/tokens").json["items"]
        cancel = [one["token"] for one in tokens if not one["beside"]]
        body = {"reason": "lạc", "cancel": cancel, "start": [{"element": "tiep_nhan"}], "confirmed": True}
        self.hotline.as_("vanphong").post(f"/cases/{number}/modify", body)

    def waits(self):
        self.hotline.clock.advance(timedelta(days=self.chance.choice([0.5, 11])))
        self.worker.work()

    def migrates(self):
        if self.versions == (1, 1):
            self.versions = deployed(self.hotline, process__bpmn=draw(LATER, "PAKN"), type__toml=NEW_TYPE)
        plan = PLAN if self.versions[0] < self.versions[1] else {new: old for old, new in PLAN.items()}
        self.moved = started(self.hotline, self.versions, plan)
        self.worker.migrate(limit=1_000)
        self.versions = self.versions[::-1]

    def goes_back(self):
        if self.moved and shown(self.hotline, self.moved)["state"] == "done":
            in_unit(self.hotline, lambda unit, by: migrations.undo(unit, self.moved, by=by))
            self.worker.migrate(limit=1_000)

    def is_counted(self):
        self.worker.link()


def test_what_is_counted_bit_by_bit_is_what_the_record_says(hotline, monkeypatch):
    monkeypatch.setattr(stays, "BATCH", 7)
    life, first = Life(hotline, 5), hotline.clock.now.astimezone(ZONE).date()
    hotline.settled(), hotline.assigned()
    for _ in range(2):  # there, and back
        hotline.waits(1)
        life.goes_back() if life.moved else life.migrates()
        life.is_counted()
    hotline.waits(1)
    for _ in range(60):
        life.happens()
    life.worker.link()

    for since in (first, first + timedelta(days=12)):
        for version in sorted(set(life.versions)):
            with hotline.runtime.read() as unit:
                assert told(unit, version, since) == slowly(unit, version, since)

    with hotline.runtime.read() as unit:
        before = [told(unit, version, first) for version in sorted(set(life.versions))]
    with hotline.runtime.begin() as unit:
        stays.recount(unit)
    workers = [threading.Thread(target=Worker(hotline.runtime, {}).link) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    life.worker.link()
    with hotline.runtime.read() as unit:
        again = [told(unit, version, first) for version in sorted(set(life.versions))]
    assert again == [{name: (*row[:3], row[3] and pytest.approx(row[3]), row[4]) for name, row in one.items()}
                     for one in before]  # fmt: skip
    assert refused(hotline.as_("phuong").get("/deployments/1/heat"), 403, "not-allowed")


def test_a_breach_counts_where_its_stay_does_and_each_number_leads_to_its_cases(hotline):
    back, late, other = hotline.assigned(), hotline.assigned(), hotline.receives()
    hotline.waits(4.5)
    life = Life(hotline, 1)
    life.worker.work()
    gives_back = hotline.as_("phuong").post(f"/tasks/{hotline.task('phuong', back)['id']}/return", {"reason": "lạc"})
    assert gives_back.status_code == 200
    life.migrates()
    life.is_counted()
    old, new = sorted(life.versions)

    def numbers(version, element, what, **more):
        with hotline.runtime.read() as unit:
            by = accounts.account(unit, "phantich")
            return [row.number for row in heat.cases_at(unit, version, element, what, by=by, **more).items]

    def seen(version, since=None):
        with hotline.runtime.read() as unit:
            found = heat.heat(unit, version, since, by=accounts.account(unit, "phantich"))
            return {one.element: (one.now, one.breaches) for one in found if one.now or one.breaches}

    assert seen(old) == {"xu_ly": (0, 1)}  # the stay that ended before the move
    assert seen(new) == {"giai_quyet": (1, 1), "tiep_nhan": (2, 0)}
    assert seen(old, hotline.clock.now.date() + timedelta(days=1)) == {}
    assert numbers(old, "xu_ly", "breaches") == [back]
    assert numbers(new, "giai_quyet", "breaches") == numbers(new, "giai_quyet", "now") == [late]
    assert numbers(new, "tiep_nhan", "now") == [back, other]
    assert numbers(new, "tiep%nhan", "now") == numbers(new, "tiep", "now") == numbers(old, "tiep_nhan", "now") == []
    life.goes_back()
    life.is_counted()
    assert seen(old) == {"xu_ly": (1, 2), "tiep_nhan": (2, 0)} and seen(new) == {}
    assert numbers(old, "xu_ly", "breaches") == [back, late]
