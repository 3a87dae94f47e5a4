"""Bình Dương and Đồng Nai as they are shipped, behind the API, with a person in every agency, for tests.

    number = province.receives("BDTT", area="718")
    province.lives(number, '''
        tongdai_74   phan_loai    quyet_dinh=chuyen_xu_ly area=718  -> da_chuyen
        ubnd_74_718  don_vi_nhan                                    -> dang_xac_minh
    ''')
    province.waits("5 hours")
    assert topics(province.told("vpubnd_74")) == ["I03"]

Time passes from one due moment to the next, and the worker does at each what a live one would. When a test ends, the
books are closed: everything owed was sent once, every deadline's story leads to its due time, nothing is held up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import select

from engine import model
from engine.notifiers import Message, Receipt
from engine.runtime import Runtime
from engine.work.worker import Worker
from tests.apps import bound
from tests.clock import VIETNAM, Clock
from tests.hotline import Caller
from tests.shipped import DESKS, FILLED, INTAKE, OFFICES, OUTSIDERS, PASSED_TO, SAID, Shipped
from webapi import auth

CITIZEN, HELPED = "+84912345678", "+84987654321"  # who calls, and who needs help


class Told(NamedTuple):
    """A message as it arrived. ``topic``: the id of its text."""

    topic: str
    text: str


@dataclass
class Post:
    """Takes whatever is to be sent, and keeps it."""

    sent: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        return Receipt()


class Province:
    """The verbs of the domain, through HTTP. People are named by their agency's key."""

    def __init__(self, app: Flask, clock: Clock, shipped: Shipped) -> None:
        self.app = app
        self.clock = clock
        self.shipped = shipped
        self.runtime: Runtime = auth.runtime_of(app)
        shipped.put(self.runtime)
        self.post = Post()
        self.worker = Worker(self.runtime, dict.fromkeys(("sms", "email", "zalo", "facebook", "viber"), self.post))
        self.secrets: dict[str, str] = {}  # by case number
        self.incidents: list[str] = []  # the faults that a test expects

    def as_(self, who: str | None) -> Caller:
        return Caller(self.app.test_client(), self.shipped.tokens[who] if who else None)

    # -- what people do

    def receives(self, code: str, *, by: str | None = None, helped: bool = False, **more: Any) -> str:
        """A report arrives; its number. What is no part of a report's body is an answer of the intake form."""
        people = {"reporter": {"name": "Nguyễn Văn Bình", "phone": CITIZEN}}
        if helped:
            people["beneficiary"] = {"name": "Trần Thị Hoa", "phone": HELPED}
        body = {"report_type": code, "channel": "dien_thoai"} | people
        body |= {key: more.pop(key) for key in list(more) if key in ("area", "channel", "reporter", "severity")}
        answer = self.as_(by or DESKS[code[:2]]).post("/reports", body | {"answers": SAID | INTAKE[code] | more})
        assert answer.status_code == 201, answer.text
        self.secrets[answer.json["number"]] = answer.json["secret"]
        return str(answer.json["number"])

    def passes_on(self, code: str, **more: Any) -> str:
        """A report arrives, and the desk passes it on to the lead agency in `tests.shipped.LEADS`."""
        number = self.receives(code, **more)
        where = PASSED_TO.get(code, PASSED_TO[code[:2]])
        self.does(DESKS[code[:2]], number, "phan_loai", quyet_dinh="chuyen_xu_ly", **where)
        return number

    def does(self, who: str, number: str, task: str, **answers: Any) -> Any:
        """Somebody completes a task of a case; an outsider does not even find it."""
        path = f"/tasks/{self.task(number, task, who)['id']}"
        assert self.as_(outsider(number)).get(path).status_code == 404
        form = self.as_(who).get(path).json["form"]
        answer = self.as_(who).post(f"{path}/complete", {"answers": FILLED.get(form, {}) | answers})
        assert answer.status_code == 200, answer.text
        return answer.json

    def gives_back(self, who: str, number: str, task: str, reason: str = "Không thuộc thẩm quyền") -> Any:
        answer = self.as_(who).post(f"/tasks/{self.task(number, task, who)['id']}/return", {"reason": reason})
        assert answer.status_code == 200, answer.text
        return answer.json

    def lives(self, number: str, story: str) -> None:
        """A line for each thing done: who, which task, answers (or "returns"), and the case's status after it."""
        for line in filter(None, map(str.strip, story.splitlines())):
            done, _, status = (part.strip() for part in line.partition("->"))
            who, task, *answers = done.split()
            if answers == ["returns"]:
                came = self.gives_back(who, number, task)
            else:
                came = self.does(who, number, task, **dict(answer.split("=") for answer in answers))
            assert came["case_status"] == status, line

    def says(self, number: str, kind: str, **more: Any) -> Any:
        """The citizen rates, reopens, or adds information, by the tracking link, having heard what was told so far."""
        self.worker.drain()
        more |= {} if kind == "rating" else {"text": "Vẫn chưa xong"}
        body = {"kind": kind, "secret": self.secrets[number]} | more
        return self.as_(None).post(f"/track/{number}/message", body)

    def changes(self, who: str, number: str, what: str, **body: Any) -> Any:
        """Somebody extends, pauses, resumes, merges … a case."""
        etag = self.as_(who).get(f"/cases/{number}").headers.get("ETag", '"0"')
        return self.as_(who).post(f"/cases/{number}/{what}", body or None, If_Match=etag)

    def deploys(self, code: str, *changes: tuple[str, str, str]) -> Any:
        """An analyst brings another version of a shipped type; each change: file, what stood there, what now."""
        (files,) = (package.files for package in self.shipped.packages.values() if package.code == code)
        files = dict(files)
        for name, old, new in changes:
            assert files[name].count(old) == 1, old
            files[name] = files[name].replace(old, new)
        return self.as_(f"{OFFICES[code[:2]]}.phantich").post("/deployments", files)

    # -- time

    def it_is(self, local: str) -> None:
        """Begin at a local time such as "22:00 01/09/2021"."""
        self.clock.now = datetime.strptime(local, "%H:%M %d/%m/%Y").replace(tzinfo=VIETNAM)

    def waits(self, by: str | timedelta) -> None:
        """Time passes, and what falls due meanwhile is done when it falls due."""
        goal = Clock(self.clock.now)
        goal.advance(by)
        self.worker.drain()
        while (due := self.worker.next_due()) is not None and due <= goal.now:
            self.clock.now = max(self.clock.now, due.astimezone(VIETNAM))
            self.worker.drain()
        self.clock.now = goal.now

    def waits_until(self, local: str) -> None:
        before = self.clock.now
        self.it_is(local)
        goal, self.clock.now = self.clock.now, before
        self.waits(goal - before)

    # -- what there is to see

    def case(self, number: str) -> dict[str, Any]:
        answer = self.as_(office(number)).get(f"/cases/{number}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def task(self, number: str, task: str, group: str) -> dict[str, Any]:
        """An open task of a case, which must be this agency's."""
        waiting = self.case(number)["tasks"]
        found = [one for one in waiting if (one["element"], one["group"]) == (task, group)]
        assert len(found) == 1, f"{group} has no task {task}: {self.tasks(number)} are open"
        return dict(found[0])

    def tasks(self, number: str) -> dict[str, str]:
        """Whose open tasks there are: agency by task."""
        return {task["element"]: task["group"] for task in self.case(number)["tasks"]}

    def told(self, who: str) -> list[Told]:
        """What has arrived at an agency, or at a telephone number, in order."""
        self.worker.drain()
        address = self.shipped.addresses.get(who, who)
        here = [message for message in self.post.sent if message.to == address]
        topics = {letter["key"]: letter["topic"] for number in {message.case_number for message in here}
                  for letter in self.outbox(number)}  # fmt: skip
        return [Told(topics[message.key], message.text) for message in here]

    def hears(self, at: str, *who: str) -> list[str]:
        """Time passes until then, today; the texts that each of them has been told by then."""
        self.waits_until(f"{at} {self.clock.now:%d/%m/%Y}")
        return [" ".join(topics(self.told(one))) for one in who]

    def outbox(self, number: str) -> list[dict[str, Any]]:
        return list(self.as_(office(number)).get("/outbox", case=number, limit=200).json["items"])

    def deadlines(self, number: str) -> list[dict[str, Any]]:
        answer = self.as_(office(number)).get(f"/cases/{number}/deadlines")
        assert answer.status_code == 200, answer.text
        return list(answer.json["items"])

    def deadline(self, number: str, name: str = "case") -> dict[str, Any]:
        """The newest deadline of this name."""
        return [row for row in self.deadlines(number) if row["name"] == name][-1]

    def due(self, number: str, name: str = "case", what: str = "due_at") -> str:
        """When it is due, as people say it."""
        return local(self.deadline(number, name)[what])

    # -- the end

    def closes_the_books(self) -> None:
        self.worker.drain()
        with self.runtime.read() as unit:
            owed = {row.key: row.state for row in unit.all(select(model.outbox))}
            held_up = [row.message for row in unit.all(select(model.incidents).order_by(model.incidents.c.id))]
        assert sorted(message.key for message in self.post.sent) == sorted(owed)  # each once
        assert set(owed.values()) <= {"sent"}
        assert held_up == self.incidents
        for message in self.post.sent:
            assert not {"{", "}"} & set(message.text) and CITIZEN[3:] not in message.text, message
        for number in self.secrets:
            for deadline in self.deadlines(number):
                explained(deadline)


def explained(deadline: dict[str, Any]) -> None:
    """Its story begins with the rule it comes from, and leads line by line to when it is due."""
    first, *later = deadline["story"]
    assert first["what"] == "term" and first["rule"] and first["words"], deadline
    assert instant(first["from"]) == instant(deadline["started_at"]), deadline
    at = first["due_at"]
    for line in later:
        assert line["what"] in ("pause", "resume", "extension", "case-extended") and line["from"] == at, deadline
        at = line["due_at"]
    assert instant(at) == instant(deadline["due_at"]), deadline


@contextmanager
def opened(database_url: str, instance: Path, clock: Clock, shipped: Shipped) -> Iterator[Province]:
    """The provinces on an empty database."""
    with bound(database_url, instance, clock) as app:
        province = Province(app, clock, shipped)
        yield province
        province.closes_the_books()


def topics(told: list[Told]) -> list[str]:
    return [one.topic for one in told]


def office(number: str) -> str:
    return OFFICES[number.split(".")[1]]


def outsider(number: str) -> str:
    return OUTSIDERS[number.split(".")[1]]


def instant(said: str) -> datetime:
    return datetime.fromisoformat(said)


def local(said: str) -> str:
    return f"{instant(said).astimezone(VIETNAM):%H:%M %d/%m/%Y}"
