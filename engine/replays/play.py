"""One recorded case, played in some version by the engine itself while the clock moves as it did.

A task takes as long as it took then, and is answered as it was; so does a service, if it is asked the same. Whatever
else people said comes at its instant, or as soon as the case waits for it. Timers, warnings and breaches fall due by
the version that is played. Messages to people are written and go nowhere.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from engine import clocks, instances, messages, registry
from engine.errors import EngineError, InvalidAnswers
from engine.flow.codec import data_at
from engine.flow.steps import Amend, Answer, Complete, Deliver, Fail, Reassign
from engine.forms import Form
from engine.model import cases, events, incidents, jobs, outbox, tasks
from engine.packages import Package
from engine.replays.record import Answered, Record, Said, Served
from engine.runtime import Unit
from engine.work.doing import perform

CASE_ID = 1_000_000  # whatever the process starts is numbered after it
STEPS_MAX = 2_000


class Missing(Exception):
    """The version needs an answer that was never given."""


class HeldUp(Exception):
    """A fault of the version keeps the case where it is."""


@dataclass
class Course:
    """How a case went.

    Attributes:
        passed: elements, how often each.
        agencies: those that had a task, or the lead.
        late: ``case`` and the elements of tasks that were not done in time.
        missing: the answer that was needed and never given; ``fault``: what held the process up. Either ends it.
    """

    passed: Counter[str] = field(default_factory=Counter)
    agencies: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    outcome: str | None = None
    closed_at: datetime | None = None
    missing: str = ""
    fault: str = ""


def play(unit: Unit, record: Record, package: Package, until: datetime, *, edited: bool) -> Course:
    """Args:
    unit: of the scratch database, begun when the case was opened.
    until: nothing that falls due later happens.
    edited: whether the forms may ask for what they did not ask then.
    """
    player = _Player(unit, record, package, edited)
    try:
        player.start()
        player.go_on(until)
        return player.course()
    except Missing as missing:
        return Course(missing=str(missing))
    except HeldUp as held:
        return Course(fault=str(held))
    except EngineError as error:  # it cannot even begin
        return Course(fault=error.detail)


class _Player:
    def __init__(self, unit: Unit, record: Record, package: Package, edited: bool) -> None:
        self.unit, self.record, self.package, self.edited = unit, record, package, edited
        self.answers = {element: deque(given) for element, given in record.answers.items()}
        self.served = {element: list(calls) for element, calls in record.served.items()}
        self.to_come = deque(record.said)
        self.held: list[Said] = []
        self.at_work: dict[int, Answered] = {}  # by task
        self.asked: dict[int, Served] = {}  # by call
        self.visits: dict[str, list[int]] = {}

    def start(self) -> None:
        was, unit = self.record.case, self.unit
        place = was.place or was.number  # where the reports like it stand, too; no process looks at it
        self._stand_ins(place)
        answers = self._fitting(self.package.intake_form, was.report, {}, "the report")
        born, _ = registry.enter(
            unit, self.package, answers, lambda: (was.number, CASE_ID), by=was.opened_by, channel=was.channel,
            area=was.area, commune=was.commune, place=place, subject=was.subject,
        )  # fmt: skip
        instances.begin(unit, born, registry.facts(unit, self.package, born), by=was.opened_by)
        self._look()

    def _stand_ins(self, place: str) -> None:
        """Other cases that this one has to do with, as bare rows: those like it, the newest with the greatest id, and
        the one it repeats."""
        there = [(number, place) for number in reversed(self.record.found)]
        if self.record.repeats and self.record.repeats not in self.record.found:
            there.append((self.record.repeats, ""))
        for id, (number, where) in enumerate(there, 1):
            registry.enter(self.unit, self.package, {}, lambda known=(number, id): known, by="replay",
                           channel=self.record.case.channel, area=None, commune=None, place=where)  # fmt: skip

    def go_on(self, until: datetime) -> None:
        for _ in range(STEPS_MAX):
            self._take_stock()
            found = self._next()
            if found is None or found[0] > until:
                return
            self.unit.now = max(self.unit.now, found[0])
            found[2]()
            while self.held and any([self._say(one) for one in tuple(self.held)]):
                self._take_stock()
        raise HeldUp("It goes round and round.")

    def _next(self) -> tuple[datetime, int, Callable[[], Any]] | None:
        """What happens next: at one instant, people come before clocks."""
        found: list[tuple[datetime, int, Callable[[], Any]]] = []
        for id, given in self.at_work.items():
            if given.how != "left":
                row = self._task(id)
                found.append((row.created_at + given.after, 0, lambda row=row, given=given: self._work(row, given)))
        for id, became in self.asked.items():
            if became.how != "left":
                call = self._call(id)
                found.append((call.created_at + became.after, 0, lambda call=call, became=became:
                              self._serve(call, became)))  # fmt: skip
        if self.to_come:
            found.append((self.to_come[0].at, 1, self._hear))
        due = select(jobs).where(jobs.c.case_id == CASE_ID, jobs.c.state == "ready").order_by(jobs.c.due_at, jobs.c.id)
        job = self.unit.first(due.limit(1))
        if job is not None:
            found.append((job.due_at, 2, lambda: self._fire(job)))
        return min(found, key=lambda one: one[:2], default=None)

    # -- what happens --------------------------------------------------------------------------------------------------

    def _do(self, what: Callable[[], Any]) -> bool:
        """Whether it could be done."""
        try:
            with self.unit.savepoint():
                what()
        except EngineError:
            return False
        self._look()
        return True

    def _take_stock(self) -> None:
        """Tasks that have opened and services that were asked, with what became of them then; those that are open no
        longer are forgotten."""
        mine = (tasks.c.case_id == CASE_ID, tasks.c.status == "open")
        rows = self.unit.all(select(tasks).where(*mine).order_by(tasks.c.id))
        self.at_work = {row.id: self.at_work.get(row.id) or self._given(row) for row in rows}
        open_calls = (outbox.c.case_id == CASE_ID, outbox.c.kind == "service", outbox.c.state == "ready")
        calls = self.unit.all(select(outbox).where(*open_calls).order_by(outbox.c.id))
        self.asked = {row.id: self.asked.get(row.id) or self._became(row) for row in calls}

    def _given(self, task: Row[Any]) -> Answered:
        self.visits.setdefault(task.element, []).append(task.id)
        left = self.answers.get(task.element)
        if left:
            mine = next((one for one in left if one.group == task.group), left[0])
            left.remove(mine)
            return mine
        if self._case().closed_at is not None:
            return Answered(task.group, "left")
        raise Missing(f"“{task.name}” ({task.element})")

    def _became(self, call: Row[Any]) -> Served:
        """What became of a call: of one that was given the same, if the edited version makes it.

        Raises:
            Missing: nobody asked that.
        """
        left = self.served.get(call.element, [])
        same = [one for one in left if (one.topic, one.asked) == (call.topic, call.payload)]
        unknown = [one for one in left if one.how == "left"]
        mine = next(iter(same or unknown or ([] if self.edited else left)), None)
        if mine is not None:
            left.remove(mine)
            return mine
        if self._case().closed_at is not None:
            return Served()
        what = f"“{self.package.element_names.get(call.element, call.element)}” ({call.element})"
        other = [name for one in left[:1] if one.topic == call.topic for name in sorted(one.asked | call.payload)
                 if one.asked.get(name) != call.payload.get(name)]  # fmt: skip
        raise Missing(f"{what}: {', '.join(other)}" if other else what)

    def _serve(self, call: Row[Any], became: Served) -> None:
        step: Answer | Fail = Answer(call.token, became.said)
        if became.how == "failed":
            step = Fail(call.token, became.code, became.message, became.said)
        self.unit.execute(update(outbox).where(outbox.c.id == call.id).values(state="sent"))
        try:
            with self.unit.savepoint():
                instances.advance(self.unit, CASE_ID, step, by="replay")
        except EngineError as error:
            raise HeldUp(f"{call.element}: {error.detail}") from None
        self._look()

    def _work(self, task: Row[Any], given: Answered) -> None:
        self.at_work[task.id] = Answered(task.group, "left")
        try:
            with self.unit.savepoint():
                self._answer(task, given)
        except EngineError as error:
            raise HeldUp(f"{task.element}: {error.detail}") from None
        self._look()

    def _answer(self, task: Row[Any], given: Answered) -> None:
        case = instances.load(self.unit, CASE_ID)
        if given.how == "returned":
            self._give_back(case, task, given)
            return
        answers = given.said
        if task.form in self.package.forms:
            known = data_at(case.state, task.token)
            answers = self._fitting(self.package.forms[task.form], answers, known, f"“{task.name}” ({task.element})")
        about = {"event": "task-completed", "element": task.element, "task": task.id}
        instances.advance(self.unit, CASE_ID, Complete(task.token, answers), by="replay", case=case, **about)
        done = {"status": "done", "answers": answers, "finished_at": self.unit.now, "finished_by": "replay"}
        self.unit.execute(update(tasks).where(tasks.c.id == task.id).values(done))

    def _give_back(self, case: Row[Any], task: Row[Any], given: Answered) -> None:
        part = task.group != case.lead_agency
        payload = dict(given.said)
        if not part:
            payload["so_lan_tra_lai"] = case.returns + 1
            self.unit.execute(update(cases).where(cases.c.id == CASE_ID).values(returns=case.returns + 1))
        step = Deliver(messages.RETURNED, payload, within=task.token, part=part)
        instances.advance(self.unit, CASE_ID, step, by="replay")

    def _hear(self) -> None:
        one = self.to_come.popleft()
        if not self._say(one) and one.what == "message":
            self.held.append(one)

    def _say(self, one: Said) -> bool:
        said = self._do(lambda: self._said(one))
        if said and one in self.held:
            self.held.remove(one)
        return said

    def _said(self, one: Said) -> None:
        unit, facts, case = self.unit, one.facts, instances.load(self.unit, CASE_ID)
        if one.what == "message":
            instances.advance(unit, CASE_ID, Deliver(facts["name"], facts["payload"]), by="replay", case=case)
        elif one.what == "pause":
            clocks.pause(unit, self.package, case, reason="", by="replay")
        elif one.what == "resume":
            clocks.resume(unit, self.package, case, by="replay")
        elif one.what == "extend":
            clocks.extend(unit, self.package, case, facts["until"], reason="", by="replay")
        elif one.what == "reassign":
            instances.advance(unit, CASE_ID, Amend({"lead_agency": facts["agency"]}), by="replay", case=case)
        elif one.what == "task-reassigned":
            mine = self.visits.get(facts["element"], [])[facts["visit"] :]
            if mine and mine[0] in self.at_work:
                step = Reassign(self._task(mine[0]).token, facts["agency"])
                instances.advance(unit, CASE_ID, step, by="replay", case=case)

    def _fire(self, job: Row[Any]) -> None:
        self.unit.execute(delete(jobs).where(jobs.c.id == job.id))
        self._do(lambda: perform(self.unit, job, instances.load(self.unit, CASE_ID)))

    # -- looking -------------------------------------------------------------------------------------------------------

    def _fitting(self, form: Form, answers: dict[str, Any], known: Any, what: str) -> dict[str, Any]:
        """The answers as an edited form takes them; a question that was passed over keeps what the case knows, as then.
        What follows from where somebody said it was, stays with them.

        Raises:
            Missing: it asks for more.
        """
        if not self.edited:
            return answers
        asked = {field.path[0] for field in form.fields}
        said = {name: value for name, value in answers.items() if name in asked}
        placed = {name: answers[name] for name in ("area", "commune") if name in answers}
        today = self.unit.today
        try:
            taken = form.check(said, data=known, today=today)
        except InvalidAnswers as refused:
            errors = refused.facts["errors"]
            passed_over = {name for name in errors if name in said and said[name] == known.get(name)}
            if not passed_over:
                wrong = "; ".join(f"{name}: {why}" for name, why in errors.items())
                raise Missing(f"{what}: {wrong or refused.detail}") from None
            rest = {name: value for name, value in answers.items() if name not in passed_over}
            return self._fitting(form, rest, known, what)
        return {**placed, **taken}

    def _look(self) -> None:
        """Raises:
        HeldUp: an incident was opened.
        """
        row = self.unit.first(select(incidents).where(incidents.c.case_id == CASE_ID))
        if row is not None:
            raise HeldUp(f"{row.element}: {row.message}" if row.element else str(row.message))

    def _case(self) -> Row[Any]:
        return self.unit.first(select(cases).where(cases.c.id == CASE_ID))  # type: ignore[return-value]

    def _call(self, id: int) -> Row[Any]:
        return self.unit.first(select(outbox).where(outbox.c.id == id))  # type: ignore[return-value]

    def _task(self, id: int) -> Row[Any]:
        return self.unit.first(select(tasks).where(tasks.c.id == id))  # type: ignore[return-value]

    def course(self) -> Course:
        case, unit = self._case(), self.unit
        course = Course(outcome=case.outcome, closed_at=case.closed_at)
        for line in unit.all(select(events.c.data).where(events.c.case_id == CASE_ID)):
            course.passed.update(line.data.get("passed", ()))
        work = unit.all(select(tasks).where(tasks.c.case_id == CASE_ID))
        course.agencies = frozenset({task.group for task in work} | {case.lead_agency} - {None})
        late = {task.element for task in work if task.breached_at is not None}
        course.late = frozenset(late | ({clocks.CASE} if case.breached_at is not None else set()))
        return course
