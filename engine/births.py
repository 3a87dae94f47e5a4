"""Cases that another case's process starts: a patient treated at home gets a plan of calls (F0TN → F0CD).

What could go wrong is looked at before anything is written, so that a fault is an incident of the step that asked and
loses nothing. The new case takes over where it is and who it is about; what else it is told, the diagram says.
"""

from __future__ import annotations

from time import thread_time
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, func, insert, literal, select

from engine import registry
from engine.errors import InvalidAnswers, NotFound, ProcessFault
from engine.flow.steps import Outcome, StartCase
from engine.model import cases, people
from engine.packages import Package
from engine.runtime import Unit
from engine.storage.prepared import Prepared

GENERATIONS_MAX = 8  # a case that descends from so many starts no other: types that start each other come to an end
CHILDREN_MAX = 50  # that one case may start
BORN_MAX = 100  # that may come of one step: 50 children in 8 generations would all be one transaction
SECONDS_MAX = 10.0  # of the processor, for a step and all that comes of it; the machine bounds each step by itself

_PARENTS = (
    select(cases.c.id, cases.c.born_of, literal(0).label("depth")).where(cases.c.id == bindparam("case")).cte(
        recursive=True
    )
)
_LINE = _PARENTS.union_all(
    select(cases.c.id, cases.c.born_of, _PARENTS.c.depth + 1)
    .join(_PARENTS, cases.c.id == _PARENTS.c.born_of)
    .where(_PARENTS.c.depth < GENERATIONS_MAX)
)
_GENERATION = select(func.max(_LINE.c.depth)).scalar_subquery()
_CHILDREN = select(func.count()).where(cases.c.born_of == bindparam("case")).scalar_subquery()
_FAMILY = select(_GENERATION.label("generation"), _CHILDREN.label("children"))
_SAME = ("part", "name", "phone", "email", "address", "zalo", "facebook", "viber", "kind", "anonymous")
_PEOPLE = Prepared(select(people).where(people.c.case_id == bindparam("case")))
_PLACE = Prepared(select(cases.c.place).where(cases.c.id == bindparam("case")))
# Copied by the database: a person's data goes through no process, and into no variable.
_TAKE_PEOPLE = Prepared(
    insert(people).from_select(
        ["case_id", *_SAME],
        select(bindparam("child", type_=people.c.case_id.type), *(people.c[name] for name in _SAME))
        .where(people.c.case_id == bindparam("case"))
        .order_by(people.c.id),
    )
)


class Child(NamedTuple):
    """A case about to be: everything that can be refused has been looked at.

    Attributes:
        package: the version it begins with.
        answers: checked by that version's intake form.
        area, commune, secrecy: its parent's, as this step leaves them.
    """

    asked: StartCase
    package: Package
    answers: dict[str, Any]
    area: str | None
    commune: str | None
    secrecy: str


class Brood:
    """What comes of one step: the cases that it starts, those that these start in turn, and the steps that follow.

    All of it is one transaction. What would be too much is an incident of the case that asks for it, and its step is
    kept; what has begun before has begun whole.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._before = unit.born
        self._began = thread_time()

    def grow(self, asked: list[StartCase]) -> None:
        """Raises:
        ProcessFault: it would be too many.
        """
        if self._unit.born - self._before + len(asked) > BORN_MAX:
            raise ProcessFault(
                f"No more than {BORN_MAX} cases come of one step, with those that they start in turn: do these report "
                "types start several of each other?",
                asked[0].element,
            )
        self._unit.born += len(asked)

    def look_at_the_time(self, element: str | None) -> None:
        """Raises:
        ProcessFault: they have kept the processor busy for too long.
        """
        if self._unit.born > self._before and thread_time() - self._began > SECONDS_MAX:
            raise ProcessFault(
                f"The cases that come of one step take more than {SECONDS_MAX:g} seconds of computing together.",
                element,
            )


def conceive(unit: Unit, case: Row[Any], outcome: Outcome, changed: dict[str, Any], brood: Brood) -> list[Child]:
    """The cases that a step wants to start; nothing is written yet.

    Args:
        changed: the fields of ``case`` that the step changes.
        brood: what has come so far of the step that this one follows from.

    Raises:
        ProcessFault: one of them cannot be: there is no such type, its form asks for more, or there are too many.
    """
    asked = [effect for effect in outcome.effects if isinstance(effect, StartCase)]
    if not asked:
        return []
    _check_family(unit, case, asked)
    here = {name: changed.get(name, getattr(case, name)) for name in ("area", "commune", "secrecy")}
    children = [_child(unit, case, one, here) for one in asked]
    brood.grow(asked)
    return children


def _check_family(unit: Unit, case: Row[Any], asked: list[StartCase]) -> None:
    family = unit.first(_FAMILY, {"case": case.id})
    assert family is not None
    if (family.generation or 0) >= GENERATIONS_MAX:
        raise ProcessFault(
            f"This case descends from {GENERATIONS_MAX} others already, so it starts none: do these report types "
            "start each other without end?",
            asked[0].element,
        )
    if family.children + len(asked) > CHILDREN_MAX:
        raise ProcessFault(f"A case may start {CHILDREN_MAX} others, not more.", asked[0].element)


def _child(unit: Unit, case: Row[Any], asked: StartCase, here: dict[str, Any]) -> Child:
    try:
        package = unit.catalogue.current(unit, asked.report_type)
    except NotFound:
        package = None
    if package is None or str(package.province["code"]) != case.province:
        raise ProcessFault(f"There is no report type {asked.report_type!r} in this province.", asked.element)
    told = {name: value for name, value in asked.answers.items() if value not in (None, "", [])}
    try:
        answers = package.intake_form.check_first(told, today=unit.today)
    except InvalidAnswers as refused:
        wrong = "; ".join(f"{field}: {why}" for field, why in refused.facts.get("errors", {}).items())
        reason = f"{asked.report_type} does not begin with these answers: {wrong or refused.detail}"
        raise ProcessFault(reason, asked.element) from None
    return Child(asked, package, answers, **here)


def enter(unit: Unit, parent: Row[Any], child: Child) -> Any:
    """Write the new case, with its parent's place and people.

    It came by no call of its own, so figures count it as a case and not as a contact. It is at least as secret as its
    parent: nobody learns from it who the other is about.

    Returns:
        Its row, for `instances.begin`.
    """
    born, _secret = registry.enter(
        unit,
        child.package,
        child.answers,
        registry.next_number(unit, child.package),
        by="system",
        channel=parent.channel,
        area=child.area,
        commune=child.commune,
        place=unit.scalar(_PLACE, {"case": parent.id}),
        secrecy=max(child.secrecy, child.package.secrecy),
        born_of=parent.id,
        people=unit.all(_PEOPLE, {"case": parent.id}),
    )
    unit.write(_TAKE_PEOPLE, {"child": born.id, "case": parent.id})
    return born
