"""Makes a day of a hotline as it might have been: contacts by hour, channel and key, and cases that live as the stories
beside their diagrams tell (docs/scenarios.md), each in a district of its own, each as far as it had got.

For demonstrations, tests and the bench: the same seed makes the same day. What a province's day is like stands in its
``day.toml``. Time is made up, too: nothing is sent to anybody.
"""

from __future__ import annotations

import heapq
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine

from engine import branches, cases, contacts, directory, intake, messages, packages, queries, tasks
from engine.errors import EngineError, InvalidRequest, WrongState
from engine.files import folders
from engine.people import accounts
from engine.people.access import Account
from engine.public import tracking
from engine.queries import TaskFilter
from engine.queues import jobs
from engine.runtime import Runtime, Unit
from engine.terms.calendar import ZONE
from engine.work.worker import Worker
from webapi.rehearsal.stage import KINDS, Clock, PostBox
from webapi.rehearsal.story import Story, moment, read, span, stories_in

WORKS = ("operator", "handler", "office", "monitor", "overseer")  # who does what a story says an agency does
TOLD = timedelta(minutes=1)  # how long messages lie until they are sent, together
STORY_CUT = 0.3  # of the cases, the share that is not finished
FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô")
MIDDLE = ("Văn", "Thị", "Đức", "Ngọc", "Minh", "Thanh", "Quốc", "Thu", "Hữu", "Kim")
GIVEN = ("An", "Bình", "Chi", "Dũng", "Giang", "Hạnh", "Hùng", "Lan", "Mai", "Nam", "Phúc", "Quân", "Sơn", "Yến")


@dataclass(frozen=True)
class Profile:
    """What a province's day is like, from ``bpmn/<province>/day.toml``.

    Attributes:
        contacts: on an ordinary day.
        hours: the weight of each of the 24 hours.
        channels: the weight of each channel.
        outcomes: the weight of ``answered``, ``missed``, ``refused``, ``wrong_number`` and ``case``.
        branches: the weight of each key; telephone only.
        topics: what people ask about who are answered at once.
    """

    contacts: int
    hours: tuple[float, ...]
    channels: dict[str, float]
    outcomes: dict[str, float]
    branches: dict[str, float]
    topics: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> Profile:
        """Raises:
        InvalidRequest: there is no day.toml, or it is not one.
        """
        try:
            said = tomllib.loads((folder / "day.toml").read_text(encoding="utf-8"))
            profile = cls(said["contacts"], tuple(said["hours"]), said["channels"], said["outcomes"],
                          said.get("branches", {}), tuple(said["topics"]))  # fmt: skip
        except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
            raise InvalidRequest(f"{folder / 'day.toml'} does not say what a day is like: {error}.") from error
        if len(profile.hours) != 24 or "case" not in profile.outcomes:
            raise InvalidRequest(f"{folder / 'day.toml'}: hours has 24 weights, and outcomes one for case.")
        return profile


@dataclass(frozen=True)
class Made:
    """What a day had: contacts by outcome, and cases by the step they had got to."""

    contacts: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    refused: int = 0


@dataclass(order=True)
class _Next:
    at: datetime
    number: int
    do: Callable[[], None] = field(compare=False)


class Catalogue(packages.Catalogue):
    """Today's report types, whatever day is being made up: on that day they may not have been in force yet."""

    def current(self, unit: Unit, key: str) -> packages.Package:
        then, unit.now = unit.now, datetime.now(ZONE)
        try:
            return super().current(unit, key)
        finally:
            unit.now = then


_told = cache(read)  # a story is taken as it stood when it was first told


class Generator:
    """One province, one seed."""

    def __init__(self, database: Engine, folder: Path, seed: int) -> None:
        """Args:
        folder: ``bpmn/<province>``.
        """
        self.chance = Random(seed)
        self.clock = Clock(datetime.now(ZONE))
        self.runtime = Runtime(database, self.clock)
        self.runtime.catalogue = Catalogue()
        self.worker = Worker(self.runtime, dict.fromkeys(KINDS, PostBox()))
        self.profile = Profile.read(folder)
        province = tomllib.loads((folder / "province.toml").read_text(encoding="utf-8"))
        self.province, self.districts = str(province["code"]), [area["code"] for area in province["areas"]]
        self.stories = {one.name: list(stories_in(one)) for one in folders.types_in(folder)}
        self.stories = {code: found for code, found in self.stories.items() if found}
        if not self.stories:
            raise InvalidRequest(f"There are no scenarios under {folder}: nothing tells how a case lives.")
        with self.runtime.read() as unit:
            self._learn(unit)
        self.queue: list[_Next] = []
        self.numbers = count()
        self.plain: list[dict[str, Any]] = []  # contacts that are no cases, to be written together
        self.keys: dict[datetime, list[Any]] = {}  # what keys mean, by the hour
        self.counted: dict[str, int] = {}
        self.steps = self.refused = 0

    def _learn(self, unit: Unit) -> None:
        kinds = {agency.key: agency.kind for agency in directory.list_agencies(unit, self.province)}
        here = [row for row in accounts.everybody(unit) if row.agency in kinds and row.active and row.role in WORKS]
        self.people: dict[str, Account] = {}
        for row in sorted(here, key=lambda row: (WORKS.index(row.role), row.login)):
            self.people.setdefault(row.agency, accounts.account(unit, row.login))
        found = {kind: self.people[key] for key, kind in kinds.items() if key in self.people}
        if "desk" not in found or "office" not in found:
            raise InvalidRequest(f"Nobody works in the province {self.province}: load it, and make demo people, first.")
        self.desk, self.office = found["desk"], found["office"]

    # -- a day

    def day(self, when: date, surge: float = 1.0, tell: Callable[[float], None] = lambda part: None) -> Made:
        """Make a day.

        Args:
            surge: times as many contacts as on an ordinary day.
            tell: called again and again with how much of the day is over, 0 to 1.
        """
        begins = datetime.combine(when, time(), ZONE)
        self.counted, self.steps, self.refused = {}, 0, 0
        hours = self.chance.choices(range(24), self.profile.hours, k=round(self.profile.contacts * surge))
        for hour in hours:
            at = begins + timedelta(hours=hour, seconds=self.chance.uniform(0, 3600))
            self._later(at, self._contact)
        self._run(begins + timedelta(days=1), tell)
        self._write()
        return Made(dict(self.counted), self.steps, self.refused)

    def _later(self, at: datetime, do: Callable[[], None]) -> None:
        heapq.heappush(self.queue, _Next(at, next(self.numbers), do))

    def _run(self, until: datetime, tell: Callable[[float], None]) -> None:
        """Whatever is to happen before then; what falls due meanwhile is done when it does."""
        due = self.worker.next_due()
        while self.queue and self.queue[0].at < until:
            event = heapq.heappop(self.queue)
            due = self._keep_up(due, event.at)
            self.clock.now, plain = event.at, len(self.plain)
            event.do()
            if len(self.plain) == plain:  # it was no plain contact: a clock may run by now, and somebody has to be told
                due = min(due or event.at + TOLD, event.at + TOLD, jobs.next_due(self.runtime) or event.at + TOLD)
            tell(1 - (until - event.at) / timedelta(days=1))
        self._keep_up(due, until)
        self.clock.now = until
        tell(1.0)

    def _keep_up(self, due: datetime | None, until: datetime) -> datetime | None:
        """Do what falls due, when it does; returns when there is something to do next."""
        while due is not None and due <= until:
            self.clock.now = max(self.clock.now, due.astimezone(ZONE))
            self.worker.tick()
            due = self.worker.next_due()
        return due

    # -- contacts

    def _contact(self) -> None:
        channel, outcome = self._one(self.profile.channels), self._one(self.profile.outcomes)
        keys = self._keys() if channel == intake.CHANNELS[0] else {}
        branch = self._one({key: keys[key] for key in keys}) if keys else None
        self.counted[outcome] = self.counted.get(outcome, 0) + 1
        if outcome == "case":
            self._case(channel, branch)
            return
        now = self.clock.now
        said = {"channel": channel, "branch": branch, "outcome": outcome, "started_at": now, "ended_at": now}
        if outcome == "answered":
            said |= {"topic": self.chance.choice(self.profile.topics), "area": self.chance.choice(self.districts)}
        self.plain.append(said)

    def _write(self) -> None:
        with self.runtime.begin() as unit:
            for said in self.plain:
                contacts.begin(unit, self.province, said, by=self.desk)
        self.plain.clear()

    def _keys(self) -> dict[str, float]:
        known = [row.key for row in self._meanings()]
        return {key: self.profile.branches.get(key, 0.0) for key in known if self.profile.branches.get(key)}

    def _meanings(self) -> list[Any]:
        """What keys mean in this hour."""
        hour = self.clock.now.replace(minute=0, second=0, microsecond=0)
        if hour not in self.keys:
            with self.runtime.read() as unit:
                self.keys = {hour: branches.at(unit, self.province, hour)}
        return self.keys[hour]

    def _one(self, weights: dict[str, float]) -> Any:
        return self.chance.choices(list(weights), list(weights.values()))[0]

    # -- cases

    def _case(self, channel: str, branch: str | None) -> None:
        story = self._story(branch)
        home = story.report.get("area") or next(self._areas_in(story), None)
        move = self._mover(home, self.chance.choice(self.districts)) if home else (lambda value: value)
        told = ("area", "place", "severity", "subject")
        report = {key: move(story.report[key]) for key in told if key in story.report}
        people = {"reporter": intake.Person(**self._somebody())}
        if "beneficiary" in story.report:
            people["beneficiary"] = intake.Person(**self._somebody())
        with self.runtime.begin() as unit:
            by = self.people.get(move(story.report.get("by")) or "", self.desk)
            receipt = intake.receive(
                unit,
                intake.Report(story.report_type, move(story.report["answers"]), channel=channel, branch=branch,
                              **report, **people),
                by=by,
            )  # fmt: skip
        last = len(story.steps) if self.chance.random() > STORY_CUT else self.chance.randrange(len(story.steps) + 1)
        self._follow(story, [move(step) for step in story.steps[:last]], receipt, self.clock.now)

    def _story(self, branch: str | None) -> Story:
        codes = list(self.stories)
        if branch is not None:
            here = [row.report_type for row in self._meanings() if row.key == branch]
            codes = [code for code in here if code in self.stories] or codes
        return _told(self.chance.choice(self.stories[self.chance.choice(codes)]))

    def _areas_in(self, story: Story) -> Iterator[str]:
        for step in story.steps:
            yield from (value for value in step.get("answers", {}).values() if value in self.districts)

    def _mover(self, home: str, to: str) -> Callable[[Any], Any]:
        """The story, moved to another district."""

        def move(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: move(part) for key, part in value.items()}
            if isinstance(value, str) and value == home:
                return to
            if isinstance(value, str) and value.endswith(f"_{home}") and f"{value[: -len(home)]}{to}" in self.people:
                return f"{value[: -len(home)]}{to}"
            return value

        return move

    def _somebody(self) -> dict[str, str]:
        name = f"{self.chance.choice(FAMILY)} {self.chance.choice(MIDDLE)} {self.chance.choice(GIVEN)}"
        return {"name": name, "phone": f"09{self.chance.randrange(10**8):08d}"}

    def _follow(self, story: Story, steps: list[dict[str, Any]], receipt: intake.Receipt, at: datetime) -> None:
        """The next step of a case, when it is time for it; people take some minutes."""
        if not steps:
            return
        step, rest = steps[0], steps[1:]
        if "wait" in step:
            at += span(step["wait"])
        elif "until" in step:
            at = max(at, self.clock.now + (moment(step["until"]) - story.begins))
        else:
            at += timedelta(seconds=self.chance.expovariate(1 / 240))
        self._later(at, lambda: self._take(story, step, rest, receipt))

    def _take(self, story: Story, step: dict[str, Any], rest: list[dict[str, Any]], receipt: intake.Receipt) -> None:
        try:
            with self.runtime.begin() as unit:
                self._do(unit, step, receipt)
            self.steps += 1
        except EngineError:  # time has passed it by, as it does people: the case stays as it is
            self.refused += 1
            return
        self._follow(story, rest, receipt, self.clock.now)

    def _do(self, unit: Unit, step: dict[str, Any], receipt: intake.Receipt) -> None:
        by = self.people.get(step.get("who", ""), self.desk)
        if "task" in step or "returns" in step:
            element = step.get("task") or step["returns"]
            waiting = queries.list_tasks(unit, self.office, TaskFilter(case=receipt.number)).items
            found = [task.id for task in waiting if task.element == element]
            if not found:
                raise WrongState(f"{receipt.number} has no task {element} now.")
            if "task" in step:
                tasks.complete(unit, found[0], step.get("answers", {}), by=by)
            else:
                tasks.give_back(unit, found[0], step.get("reason", "Không thuộc thẩm quyền"), by=by)
        elif "citizen" in step:
            tracking.say(unit, receipt.number, step["citizen"], stars=step.get("stars"), text=step.get("text"))
        elif "message" in step:
            messages.deliver(unit, step["message"], step.get("payload", {}), receipt.number, by=by)
        elif step.get("does") == "question":
            cases.ask(unit, receipt.number, step["body"]["question"], by=by)
