"""Playing a story: each step is done through the API, and what must be so after it is looked at there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from engine import packages
from engine.forms import contacts
from engine.packages import Files
from engine.people import accounts
from engine.runtime import Runtime
from engine.storage import schema
from engine.storage.database import connect
from engine.terms.calendar import ZONE
from webapi import demo
from webapi.rehearsal.stage import Clock, Failed, Stage
from webapi.rehearsal.story import AT, Story, moment, span

CALLER = {"name": "Nguyễn Văn Bình", "phone": "0912345678"}
_LONG_AGO = datetime(2021, 1, 4, tzinfo=ZONE)  # the report types are in force whenever a story begins


class Rehearsal:
    """A report type ready to be played, in a folder that is deleted in the end: each story gets a copy."""

    def __init__(self, packages: Sequence[Files], place: Path) -> None:
        """Args:
            packages: of the report types that its cases start, and last its own.

        Raises:
            InvalidPackage: a report type has faults.
        """
        self.template, self.place = place / "template.db", place
        database = connect(f"sqlite:///{self.template}")
        schema.upgrade(database)
        self.tokens, self.kinds = seated(Runtime(database, Clock(_LONG_AGO)), packages)
        database.dispose()

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        """An empty stage for one story."""
        from webapi import create_app, db

        clock, path = Clock(_LONG_AGO), shutil.copyfile(self.template, self.place / "story.db")
        app = create_app({"DATABASE": f"sqlite:///{path}", "INSTANCE": str(self.place), "CLOCK": clock})
        try:
            yield Stage(app, clock, self.tokens, self.kinds["desk"])
        finally:
            with app.app_context():
                db.engine.dispose()
            for left in self.place.glob("story.db*"):
                left.unlink()


@contextmanager
def rehearse(packages: Sequence[Files]) -> Iterator[Rehearsal]:
    with tempfile.TemporaryDirectory(prefix="thongsuot-try-") as place:
        yield Rehearsal(packages, Path(place))


def seated(runtime: Runtime, types: Sequence[Files]) -> tuple[dict[str, str], dict[str, str]]:
    """The report type, those it starts, and somebody in every agency: tokens by its key, and the first agency of
    each kind."""
    tokens: dict[str, str] = {}
    kinds: dict[str, str] = {}
    with runtime.begin() as unit:
        for files in types:
            province = packages.Package(files).province
            packages.load_province(unit, province)
            packages.deploy(unit, files, by="try")
        seats = [("admin", "admin", None)]
        named = demo.named_for(unit)
        for agency in province["agencies"]:
            kinds.setdefault(agency["kind"], agency["key"])
            seats.append((agency["key"], demo.SEATS[agency["kind"]][0][1], agency["key"]))
        for login, role, key in seats:
            accounts.create(unit, {"login": login, "name": login, "role": role, "agency": key,
                                   "report_types": named.get(key)}, None)  # fmt: skip
            tokens[login] = accounts.issue(unit, accounts.account(unit, login), "try").token
    return tokens, kinds


def play(story: Story, stage: Stage) -> str | None:
    """Play a story.

    Returns:
        Why it does not go as it says, as a sentence; ``None``: it does.
    """
    return _Play(story, stage).run()


def course(story: Story, stage: Stage) -> tuple[str | None, list[dict[str, Any]]]:
    """Play a story, and tell where its case went: as `play`, and the elements it came to, as the API tells them."""
    playing = _Play(story, stage)
    why = playing.run()
    return why, stage.get(f"/cases/{playing.number}/elements")["items"] if playing.number else []


class _Play:
    def __init__(self, story: Story, stage: Stage) -> None:
        self.story, self.stage = story, stage
        self.number = self.secret = ""
        self.heard = 0  # of what was sent, how much the story has looked at

    def run(self) -> str | None:
        place = "[report]"
        try:
            self.stage.begin(self.story.begins)
            for report in (*self.story.earlier, self.story.report):
                self._report(report)
            self._look(self.story.report.get("then", {}))
            for number, step in enumerate(self.story.steps, 1):
                place = f"step {number} ({', '.join(f'{key} {step[key]}' for key in _NAMES if key in step)})"
                self._step(step)
                self._look(step.get("then", {}))
            place = "[then]"
            self._look(self.story.then)
            failure = self._held_up()
        except Failed as failed:
            failure = self._held_up() or str(failed)
        now = self.stage.clock.now.astimezone(ZONE)
        return f"{self.story.path}: {place}, at {now:{AT}}: {failure}." if failure else None

    # -- what is done

    def _report(self, report: dict[str, Any]) -> None:
        said = {key: value for key, value in report.items() if key not in ("by", "then")}
        body = {"report_type": self.story.report_type, "channel": "dien_thoai", "reporter": CALLER} | said
        by = report.get("by", self.stage.desk)
        made = self._done(self.stage.call(by, "POST", "/reports", body), None)
        self.number, self.secret = made["number"], made["secret"]

    def _step(self, step: dict[str, Any]) -> None:
        refused = step.get("refused")
        if "wait" in step:
            self.stage.pass_by(span(step["wait"]))
        elif "until" in step:
            self.stage.wait(moment(step["until"]))
        elif "citizen" in step:
            body = {"kind": step["citizen"], "secret": self.secret}
            body |= {key: step[key] for key in ("text", "stars") if key in step}
            self._done(self.stage.call(None, "POST", f"/track/{self.number}/message", body), refused)
        elif "does" in step:
            path = f"/cases/{self.number}"
            _, case = self.stage.call(step["who"], "GET", path)
            headers = {"If-Match": case["etag"]} if case.get("etag") else {}
            answer = self.stage.call(step["who"], "POST", f"{path}/{step['does']}", step.get("body"), **headers)
            self._done(answer, refused)
        elif "message" in step:
            body = {"name": step["message"], "case": self.number, "payload": step.get("payload", {})}
            self._done(self.stage.call(step.get("who", "admin"), "POST", "/messages", body), refused)
        else:
            self._task(step, refused)

    def _task(self, step: dict[str, Any], refused: int | None) -> None:
        element = step.get("task") or step["returns"]
        waiting = self.stage.get(f"/cases/{self.number}")["tasks"]
        found = [task for task in waiting if task["element"] == element]
        mine = [task for task in found if task["group"] == step["who"]] or (found if refused else [])
        if not mine:
            raise Failed(f"{step['who']} has no task {element}; open are {_tasks(waiting) or 'none'}")
        answers = step.get("answers", {}) | {
            question: [self.stage.upload(step["who"], self.number, name) for name in names]
            for question, names in step.get("files", {}).items()
        }
        verb, body = ("complete", {"answers": answers}) if "task" in step else \
            ("return", {"reason": step.get("reason", "Không thuộc thẩm quyền")})  # fmt: skip
        self._done(self.stage.call(step["who"], "POST", f"/tasks/{mine[0]['id']}/{verb}", body), refused)

    def _done(self, answer: tuple[int, Any], refused: int | None) -> Any:
        status, body = answer
        if refused is None and status >= 300:
            fields = body.get("fields") or body.get("errors") or ""
            raise Failed(f"it was refused with {status}: {body.get('detail')} {fields}".rstrip(" ."))
        if refused is not None and status != refused:
            raise Failed(f"it was to be refused with {refused}, but the answer was {status}")
        return body

    # -- what must be so

    def _look(self, then: dict[str, Any]) -> None:
        self.stage.settle()
        since, self.heard = self.heard, len(self.stage.post.sent)
        if not then:
            return
        case = self.stage.get(f"/cases/{self.number}")
        seen = {"status": case["status"], "outcome": case["outcome"] or "", "tasks": _tasks(case["tasks"]),
                "closed": case["closed_at"] is not None, "late": case["breached_at"] is not None,
                "due": _local(case["due_at"]), "secrecy": case["secrecy"],
                "started": [one["report_type"] for one in case["links"] if one["relation"] == "started"]}  # fmt: skip
        for name, is_so in seen.items():
            if name in then and then[name] != is_so:
                raise Failed(f"the case's {name} is {is_so!r}, not {then[name]!r}")
        new = self.stage.told(self.number, since) if "told" in then else []
        for who, topics in then.get("told", {}).items():
            address = self._addresses(who)
            heard = [topic for to, topic in new if to in address]
            if heard != topics:
                raise Failed(f"{who} was told {heard}, not {topics}")
        if "due_of" in then or "passed" in then:
            self._look_at_deadlines(then)

    def _look_at_deadlines(self, then: dict[str, Any]) -> None:
        rows = self.stage.get(f"/cases/{self.number}/deadlines")["items"]
        newest = {row["name"]: row for row in rows}
        for name, due in then.get("due_of", {}).items():
            is_so = _local(newest[name]["due_at"]) if name in newest else None
            if is_so != due:
                raise Failed(f"{name} is due {is_so or 'never'}, not {due}")
        passed = sorted({row["name"] for row in rows if self._passed(row)})
        if "passed" in then and passed != sorted(then["passed"]):
            raise Failed(f"the deadlines that have passed are {passed}, not {sorted(then['passed'])}")

    def _passed(self, deadline: dict[str, Any]) -> bool:
        settled = deadline["settled_at"]
        until = datetime.fromisoformat(settled) if settled else self.stage.clock.now
        return datetime.fromisoformat(deadline["due_at"]) <= until

    def _held_up(self) -> str | None:
        """Why nothing else went on, and since when: more to the point than what was to be so and is not."""
        _, incidents = self.stage.call("admin", "GET", "/incidents?limit=200")
        held = [row for row in incidents.get("items", []) if row["case"] == self.number]
        return f"the case is held up since {_local(held[0]['opened_at'])}: {held[0]['message']}" if held else None

    def _addresses(self, who: str) -> set[str]:
        if who not in ("reporter", "beneficiary"):
            return {who}
        person = self.story.report.get(who, CALLER if who == "reporter" else {})
        reached = {str(person.get(key)) for key in ("email", "zalo", "facebook", "viber") if person.get(key)}
        return reached | {str(contacts.phone(person["phone"]))} if person.get("phone") else reached


_NAMES = ("who", "task", "returns", "wait", "until", "citizen", "does", "message")


def _tasks(waiting: list[dict[str, Any]]) -> dict[str, str]:
    return {task["element"]: task["group"] for task in waiting}


def _local(instant: str | None) -> str | None:
    return f"{datetime.fromisoformat(instant).astimezone(ZONE):{AT}}" if instant else None
