"""Every shipped report type: after every step of a random history, our engine stands where stock SpiffWorkflow stands.

Ours keeps living tokens and one set of data, and is its few bytes of state between two steps; SpiffWorkflow keeps its
tree of tasks, copies the data from task to task, and is the JSON of its whole workflow. Compared are, after each step:

* the user tasks, timers and messages that wait, as often as they do, by element;
* whether the case is finished;
* what is known where each of them waits and in the case itself (``outcome`` and ``status`` among it): all of ours is
  what the branches of SpiffWorkflow's found out together, and each branch of SpiffWorkflow's knows that, too, but for
  what another branch found out in this very step (`tests/stock_shipped.py`, decision 2).

Not compared: what is on its way to people (a send task does nothing on SpiffWorkflow), whose a task is, when a timer is
due, which signals are waited for (what they bring about is), what one of several instances of an activity found out and
the list that comes of it (decision 10).

    STOCK_HISTORIES=200 python -m pytest -n 0 -m whole tests/test_stock_shipped.py     by hand: so many of each type
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from zlib import crc32

import pytest
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition

from engine.files import folders
from engine.flow import codec
from engine.flow.events import Alarm, BoundaryEvent, Catch
from engine.flow.nodes import FIND_DUPLICATES, NEW_NUMBER, START_CASE, BusinessRuleTask, UserTask
from engine.flow.several import MultiInstance
from engine.flow.steps import Answer, Complete, Deliver, FindDuplicates, Fire, StartCase, Step
from engine.flow.tokens import Moment, Token
from engine.forms import Field
from engine.packages import Package
from tests.running import Running
from tests.shipped import BPMN
from tests.stock_shipped import ANSWERS, OurLanguage, ShippedOnStock, given

FOLDERS = {folder.name: folder for folder in folders.types_in(BPMN)}
HISTORIES = int(os.environ.get("STOCK_HISTORIES", 20))
STEPS = 30
CANDIDATES = 6  # for each step
LONG_AFTER = datetime(2100, 1, 1, tzinfo=UTC)  # so that no clock of SpiffWorkflow's strikes of itself
GIVES = {"so_lan_tra_lai": (1, 2, 3), "so_lan_phan_anh_lai": (1, 2, 3), "cuoc_goi": ("da_noi", "da_ngat")}
NUMBER = ANSWERS[START_CASE][NEW_NUMBER]
all_types = pytest.mark.parametrize("code", FOLDERS)


class Shipped:
    """What is the same in all histories of a type.

    Attributes:
        gives: by element, what its message brings.
        rules: by element, the decision that it asks.
        of_several: what is found out where something is done several times, and the list that comes of it.
        once: messages on a border that does not interrupt. SpiffWorkflow hears them once, ours each time they come.
    """

    def __init__(self, code: str) -> None:
        self.package = Package(folders.read(FOLDERS[code]))
        self.machine = self.package.machine
        nodes = self.machine.definition.nodes
        self.gives = given(self.package.files)
        self.rules = {key: node.decision for key, node in nodes.items() if isinstance(node, BusinessRuleTask)}
        several = [node for node in nodes.values() if isinstance(node, MultiInstance)]
        forms = [self.package.forms[node.each.form] for node in several if isinstance(node.each, UserTask)]
        self.of_several = {node.results for node in several} | {field.key for form in forms for field in form.fields}
        self.once = {key for key, node in nodes.items() if _beside(node)}


def _beside(node: Any) -> bool:
    heard = isinstance(node, BoundaryEvent) and isinstance(node.event_definition, MessageEventDefinition)
    return heard and not node.cancel_activity


class Ours(Running):
    """A case on our machine; what the engine does not ask of anybody is answered at once."""

    def __init__(self, shipped: Shipped, functions: dict[str, Any]) -> None:
        super().__init__(shipped.machine)
        self.functions = functions

    def moment(self) -> Moment:
        moment = Moment(self.now)
        moment.functions = self.functions
        return moment

    def take(self, step: Any) -> Ours:
        super().take(step)
        while self.asked:
            number, call = self.asked.popitem()
            assert isinstance(call, FindDuplicates | StartCase), call
            duplicates = isinstance(call, FindDuplicates)
            super().take(Answer(number, ANSWERS[FIND_DUPLICATES] if duplicates else {call.result: NUMBER}))
        return self

    def waits(self) -> list[tuple[str, str, Token]]:
        """What waits, in the order of elements and then of age."""
        living = codec.decode(self.machine.definition, self.state or b"").all_living()
        found = [(token.task_spec.bpmn_id, kind, token) for token in living if (kind := _kind(token))]
        return sorted(found, key=lambda one: (one[0], one[2].id))


def _kind(token: Token) -> str:
    node = token.task_spec
    if isinstance(node, UserTask):
        return "task"
    if not isinstance(node, Catch) or token._state != TaskState.WAITING:
        return ""
    return "timer" if isinstance(node.event_definition, Alarm) else "message" if node.message else ""


class History:
    """Attributes:
    seen: elements that were passed, in this history and in those before it.
    told: what happened, step by step: the element, and what was said.
    """

    def __init__(self, shipped: Shipped, seed: int, seen: set[str]) -> None:
        self.shipped, self.seed, self.seen, self.package = shipped, seed, seen, shipped.package
        self.dice = Random(f"{self.package.code} {seed}")
        self.told: list[tuple[str, dict[str, Any]]] = []
        functions = _functions(self.dice)
        self.ours = Ours(shipped, functions)
        language = OurLanguage(shipped.rules, functions)
        self.stock = ShippedOnStock(self.package.files, self.package.type["process"], language)
        report = {
            **self.answers(self.package.intake_form.fields), "number": "1022.BD.20210903.00003",
            "report_type": self.package.code, "province": "74", "area": "718", "commune": None,
            "channel": self.dice.choice(["phone", "web", "sms"]), "opened_at": LONG_AFTER.isoformat(),
            "status": self.package.first_status(), "secrecy": self.package.secrecy,
        }  # fmt: skip
        self.ours.starts(**report)
        self.stock.starts(report)

    def plays(self, steps: int) -> int:
        """Says how many steps there were until the end, or those at most."""
        self.seen |= set(self.ours.passed)
        self.compares()
        for number in range(steps):
            if self.ours.finished:
                return number
            self.goes_on()
            self.compares()
        return steps

    def goes_on(self) -> None:
        """Something that waits on both sides happens on both."""
        self.stock.tell()
        self.stock.passes_through_json()
        on_stock = {one.element: one for one in self.stock.waits()}
        waiting = [one[1:] for one in self.ours.waits() if one[0] in on_stock]
        token, said, step = max((self.may_happen(waiting) for _ in range(CANDIDATES)), key=self.worth)
        self.told.append((token.task_spec.bpmn_id, said))
        self.ours.take(step)
        self.seen |= set(self.ours.outcome.passed)
        self.stock.happens(on_stock[token.task_spec.bpmn_id], said)

    def may_happen(self, waiting: list[tuple[str, Token]]) -> tuple[Token, dict[str, Any], Step]:
        """Seven times in ten it is what a person does."""
        tasks = [one for one in waiting if one[0] == "task"]
        kind, token = self.dice.choice(tasks if tasks and self.dice.random() < 0.7 else waiting)
        said = self.says(kind, token)
        if kind == "task":
            return token, said, Complete(token.id, said)
        if kind == "timer":
            return token, said, Fire(token.id)
        return token, said, Deliver(token.task_spec.message, said, token=token.id)

    def worth(self, candidate: tuple[Token, dict[str, Any], Step]) -> tuple[bool, bool, int]:
        """Whether it leads where no history has been, and goes on, and to how many elements: a machine can be asked."""
        outcome = self.ours.machine.take(self.ours.state, candidate[2], self.ours.moment())
        new = len(set(outcome.passed) - self.seen)
        return new > 0, not outcome.finished, new

    def says(self, kind: str, token: Token) -> dict[str, Any]:
        node = token.task_spec
        if kind == "task":
            return self.answers(self.package.forms[node.form].fields if node.form in self.package.forms else ())
        names = self.shipped.gives.get(node.bpmn_id, ())
        return {name: self.dice.choice(GIVES.get(name, ("Nội dung", "Điều khác"))) for name in names}

    def answers(self, fields: tuple[Field, ...]) -> dict[str, Any]:
        return {field.key: _answer(self.dice, field) for field in fields}

    def compares(self) -> None:
        ours, stock = self.ours.waits(), sorted(self.stock.waits(), key=lambda one: one.element)
        where = f"{self.package.code}, history {self.seed}: {self.told}"
        at_ours, at_stock = Counter(one[:2] for one in ours), Counter((one.element, one.kind) for one in stock)
        deaf = self.shipped.once & {element for element, _ in self.told}
        assert not at_stock - at_ours, where
        assert {element for element, _ in at_ours - at_stock} <= deaf, where
        if self.told and self.told[-1][0] in self.shipped.once:
            assert at_ours[self.told[-1][0], "message"], where  # it can come again
        assert self.ours.finished == self.stock.finished, where
        assert self.known(self.ours.data) == self.known(self.stock.knows(None)), where
        known = {token.task_spec.bpmn_id: self.known(token.workflow.scope) for _, _, token in ours}
        for one in stock:
            assert known[one.element] == self.known(self.stock.knows(self.stock.called(one.task))), where
            strange = self.stock.strange(one.task) - self.shipped.of_several
            assert not strange, f"{where}: {one.element} knows otherwise {strange}"

    def known(self, data: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if name not in self.shipped.of_several}


def _functions(dice: Random) -> dict[str, Any]:
    """A clock and a calendar that stand still, and are different in every history."""
    salt = dice.random()

    def point(name: str, mark: Any = "due") -> str:
        return (LONG_AFTER + timedelta(minutes=crc32(f"{salt}{name}{mark}".encode()) % 5000)).isoformat()

    return {"now": LONG_AFTER.isoformat, "today": LONG_AFTER.date().isoformat, "due": point,
            "warn": lambda name: point(name, "warn"), "late": point}  # fmt: skip


def _answer(dice: Random, field: Field) -> Any:
    """Of choices, the first is made as often as all others: it leads furthest."""
    if not field.required and dice.random() < 0.2:
        return field.blank
    if field.options:
        offered = [option.value for option in field.options]
        if field.kind == "checklist":
            return dice.sample(offered, dice.randint(0, len(offered)))
        return offered[0] if dice.random() < 0.5 else dice.choice(offered)
    moment = LONG_AFTER + timedelta(hours=dice.randrange(200))
    texts = ["Nội dung", "Đã làm xong"]
    others = {"number": [0, 1, 2, 95, 100], "checkbox": [True, False], "filepicker": [[]],
              "date": [moment.date().isoformat()], "datetime": [moment.isoformat()]}  # fmt: skip
    return dice.choice(others.get(field.kind, texts))


shipped = cache(Shipped)


@all_types
def test_both_engines_stand_at_the_same_place_with_the_same_data(code):
    assert History(shipped(code), 0, set()).plays(steps=8)


@pytest.mark.whole
@all_types
def test_in_many_long_histories_too(code):
    seen: set[str] = set()
    for seed in range(1, HISTORIES + 1):
        History(shipped(code), seed, seen).plays(STEPS)

    assert len(seen) > 0.6 * len(shipped(code).machine.definition.nodes)
