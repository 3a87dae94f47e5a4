"""The second door: work waiting for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, literal_column, select, update

from engine import absences, instances, mail, messages, model, recent
from engine.errors import InvalidRequest, NotAllowed, NotFound, Suspended, WrongState
from engine.files import attachments
from engine.flow.codec import data_at
from engine.flow.steps import Complete, Deliver, Outcome, Reassign
from engine.forms import Form
from engine.language.texts import local_time
from engine.people import access
from engine.people.access import Account
from engine.places import areas, communes
from engine.privacy import firewall
from engine.queues import incidents
from engine.reasons import checked_reason
from engine.runtime import Unit
from engine.storage.prepared import Prepared

NEW_WORK = "I01"  # the text that tells an agency of new work

_THIS = model.tasks.c.id == bindparam("task")
_NEXT_VERSION = model.tasks.c.version + 1
_ANSWERS = bindparam("said", type_=model.tasks.c.answers.type)
_AS_SEEN = model.tasks.c.version == bindparam("seen")  # nobody claimed it or handed it on since we looked
_DONE = Prepared(
    update(model.tasks)
    .where(_THIS, _AS_SEEN)
    .values(
        status="done",
        answers=_ANSWERS,
        call_result=bindparam("call"),
        finished_at=bindparam("at"),
        finished_by=bindparam("who"),
        version=_NEXT_VERSION,
    )
)
_KEEP_ANSWERS = Prepared(update(model.tasks).where(_THIS, _AS_SEEN).values(answers=_ANSWERS, version=_NEXT_VERSION))

_STATE = Prepared(select(model.instances.c.state).where(model.instances.c.case_id == bindparam("case")))
_WAITS = Prepared(
    select(model.subscriptions.c.token).where(
        model.subscriptions.c.case_id == bindparam("case"),
        model.subscriptions.c.kind == literal_column("'message'"),
        model.subscriptions.c.message == bindparam("message"),
    )
)


@dataclass(frozen=True)
class Change:
    """What became of a task.

    Attributes:
        status: ``open`` after `complete` if a fault of the report type holds it up as an incident.
        version: of the task, for the next ``If-Match``.
    """

    id: int
    case_id: int
    number: str
    status: str
    case_status: str
    outcome: str | None
    version: int

    @classmethod
    def of(cls, task: Any, case: Row[Any], data: Mapping[str, Any], status: str) -> Change:
        """``data``: the case's variables after the step, where there was one."""
        now = (data.get("status", case.status), data.get("outcome", case.outcome))
        return cls(task.id, task.case_id, case.number, status, *now, task.version + 1)


def asked(unit: Unit, task_id: int, *, by: Account) -> tuple[Form | None, Mapping[str, Any]]:
    """The form of a task, if it has one, and what its case knows where the task stands: to draw it with.

    Raises:
        NotFound: there is no such task, or it is not for this account to see.
    """
    task = access.find_task(unit, by, task_id)
    state = unit.scalar(_STATE, {"case": task.case_id})
    form = unit.catalogue.pinned(unit, task.definition_id).forms.get(task.form)
    return form, firewall.over(unit, by, access.case_of(unit, task))(data_at(state, task.token))


def can_be_returned(unit: Unit, task: Row[Any]) -> bool:
    """Whether `give_back` can lead anywhere: it was handed down, or its process waits for a return."""
    waits = {"case": task.case_id, "message": messages.RETURNED}
    return task.handed_by is not None or unit.first(_WAITS, waits) is not None


def claim(unit: Unit, task_id: int, *, by: Account) -> Change:
    """Take a task for oneself, so that colleagues see it is being done. A substitute may take it from who is away.

    Raises:
        NotFound, NotAllowed: the task is not for this account.
        WrongState: it is done, or somebody else has it.
    """
    task = _workable(unit, task_id, by)
    absent = _on_behalf(unit, task, by)
    holder = task.assignee if absent else by.id
    free = model.tasks.c.assignee.is_(None) | (model.tasks.c.assignee == holder)
    still_ours = model.tasks.c.group == task.group
    if not _change(unit, task, free, still_ours, assignee=by.id, claimed_at=unit.now):
        raise WrongState(f"The task {task.name!r} has been claimed by somebody else, or is another agency's by now.")
    unit.record(task.case_id, "task-claimed", by.login, task.element, task=task_id, **absent)
    return _unmoved(task)


def release(unit: Unit, task_id: int, *, by: Account) -> Change:
    """Give a claimed task back to the group.

    Raises:
        NotFound, NotAllowed, WrongState: as for `claim`; only whoever holds it may release it.
    """
    task = _workable(unit, task_id, by)
    if not _change(unit, task, model.tasks.c.assignee == by.id, assignee=None, claimed_at=None, owner=None):
        raise WrongState(f"The task {task.name!r} is not claimed by you.")
    unit.record(task.case_id, "task-released", by.login, task.element, task=task_id)
    return _unmoved(task)


def delegate(unit: Unit, task_id: int, to_login: str, *, by: Account) -> Change:
    """Hand a task to a colleague of the same agency.

    Raises:
        NotFound, NotAllowed, WrongState: as for `claim`.
        InvalidRequest: there is no such colleague.
    """
    task = _workable(unit, task_id, by, "delegate")
    accounts = model.accounts
    query = select(accounts.c.id).where(
        accounts.c.login == to_login, accounts.c.agency == task.group, accounts.c.active.is_(True)
    )
    colleague = unit.scalar(query)
    if colleague is None:
        raise InvalidRequest(f"Nobody with the login {to_login!r} works in {task.group!r}.")
    as_seen = model.tasks.c.version == task.version
    if not _change(unit, task, as_seen, assignee=colleague, owner=by.id, claimed_at=unit.now):
        raise WrongState(f"The task {task.name!r} has just changed hands or is done: look at it again.")
    unit.record(task.case_id, "task-delegated", by.login, task.element, task=task_id, to=to_login)
    return _unmoved(task)


def hand_down(unit: Unit, task_id: int, agency: str, *, by: Account) -> Change:
    """*Giao cấp dưới*: let an agency below do it, as a commune verifies for its district, which keeps the case.

    Raises:
        NotFound, NotAllowed, WrongState: as for `claim`.
        InvalidRequest: the agency is not below the task's, or is no more.
    """
    task = _workable(unit, task_id, by, "delegate")
    found = communes.below(unit, task.group, agency, unit.today)
    _regroup(unit, task, agency, handed_by=task.group)
    instances.hand(unit, task.case_id, agency, "handed")
    unit.record(task.case_id, "task-handed-down", by.login, task.element, task=task_id, to=agency)
    _tell(unit, task, found.key)
    return _unmoved(task)


def take_back(unit: Unit, task_id: int, reason: str, *, by: Account) -> Change:
    """The agency that handed a task down does it after all.

    Raises:
        NotFound: there is no such task that this account's agency has handed down.
        WrongState: it is done, or has just changed hands.
        InvalidRequest: no reason.
    """
    task = access.find_task(unit, by, task_id, "take-back")
    if task.status != "open":
        raise WrongState(f"The task {task.name!r} is already {task.status}.", state=task.status)
    if task.handed_by is None:
        raise WrongState(f"The task {task.name!r} was not handed down by anybody.")
    return _up(unit, task, "task-taken-back", checked_reason(reason), by)


def _up(unit: Unit, task: Any, event: str, reason: str, by: Account) -> Change:
    """A task goes back to the agency that handed it down."""
    _regroup(unit, task, task.handed_by, handed_by=None)
    still = select(model.tasks.c.id).where(
        model.tasks.c.case_id == task.case_id, model.tasks.c.group == task.group, model.tasks.c.handed_by.is_not(None)
    )
    if unit.first(still) is None:
        instances.hand(unit, task.case_id, task.group, "task")
    unit.record(task.case_id, event, by.login, task.element, task=task.id, was=task.group, reason=reason)
    _tell(unit, task, task.handed_by)
    return _unmoved(task)


def _regroup(unit: Unit, task: Any, group: str, handed_by: str | None) -> None:
    as_seen = model.tasks.c.version == task.version
    new = {"group": group, "handed_by": handed_by, "assignee": None, "owner": None, "claimed_at": None}
    if not _change(unit, task, as_seen, **new):
        raise WrongState(f"The task {task.name!r} has just changed hands or is done: look at it again.")


def _tell(unit: Unit, task: Any, agency: str) -> None:
    """By the text that agencies get with new work, if the province has one."""
    case = unit.first(select(model.cases).where(model.cases.c.id == task.case_id))
    due_at = task.due_at or case.due_at
    if due_at is not None:
        package = unit.catalogue.pinned(unit, case.definition_id)
        words = {"han": local_time(due_at)}
        mail.remind(unit, package, case, NEW_WORK, agency, f"{case.number}:{task.id}:{task.version}", words)


def complete(unit: Unit, task_id: int, answers: dict[str, Any], *, by: Account) -> Change:
    """Answer a task and let its case move on.

    If the report type has a fault just behind this task, the answers are kept, an incident is opened, and the task
    stays open until the fault is repaired.

    Args:
        answers: what the task's form asks for, keyed by field.

    Raises:
        NotFound: there is no such task, or not for this account.
        NotAllowed: the account may look, but not work.
        WrongState: it is done already, or somebody else has claimed it.
        InvalidAnswers: the form is not filled in as it asks.
    """
    case, task = _worked_on(unit, task_id, by)
    absent = _on_behalf(unit, task, by)
    answers = _checked(unit, case, task, answers, by)
    answers |= _placed(unit, case, answers)
    if task.answers is not None:
        _forget_failures(unit, task, by)
    outcome = _advance(unit, case, task, Complete(task.token, answers), by, absent)
    said = {"task": task_id, "said": answers, "seen": task.version}
    changed = WrongState(f"The task {task.name!r} has just changed hands: look at it again.")
    if outcome is None:
        unit.write(_KEEP_ANSWERS, said, otherwise=changed)
        return Change.of(task, case, {}, "open")
    done = {"at": unit.now, "who": by.login, "call": _call_result(unit, case, task, answers)}
    unit.write(_DONE, said | done, otherwise=changed)
    return Change.of(task, case, outcome.data, "done")


def _call_result(unit: Unit, case: Row[Any], task: Any, answers: dict[str, Any]) -> str | None:
    """Of a call that the type plans: what figures count, for they cannot ask into answers that are sealed."""
    plan = unit.catalogue.pinned(unit, case.definition_id).type.get("calls")
    return answers.get(plan["field"]) if plan and task.element == plan["step"] else None


def _on_behalf(unit: Unit, task: Any, by: Account) -> dict[str, str]:
    """For history: whose task it is, if somebody does it for a person who is away. Only then is anything looked up.

    Raises:
        WrongState: somebody else has it, for whom ``by`` does not stand in.
    """
    if task.assignee in (None, by.id):
        return {}
    absent = absences.stands_in(unit, by, task.assignee)
    if absent is None:
        raise WrongState(f"The task {task.name!r} has been claimed by somebody else.")
    return {"on_behalf_of": absent}


def _advance(
    unit: Unit, case: Row[Any], task: Any, step: Complete, by: Account, absent: dict[str, str]
) -> Outcome | None:
    told: dict[str, Any] = {"task": task.id, **absent}
    try:
        return instances.advance(
            unit, case.id, step, by=by.login, case=case, event="task-completed", element=task.element,
            concerned=task.group, **told,
        )  # fmt: skip
    except WrongState:  # somebody was faster, between our first look and the lock
        raise WrongState(f"The task {task.name!r} is already done.", state="done") from None


def give_back(unit: Unit, task_id: int, reason: str, *, by: Account) -> Change:
    """*Không thuộc thẩm quyền*: the case goes back to whoever assigns it, with the reason; returns are counted. An
    agency that only takes part returns its own part, if the diagram says what then.

    A task that the agency above handed down goes back to that one, and the case stays where it is.

    Raises:
        NotFound, NotAllowed, WrongState: as for `complete`; or this step's diagram does not take returns.
        InvalidRequest: no reason.
    """
    reason = checked_reason(reason)
    case, task = _worked_on(unit, task_id, by)
    if task.handed_by is not None:
        task.case_status, task.outcome = case.status, case.outcome
        return _up(unit, task, "task-given-back", reason, by)
    part = task.group != case.lead_agency
    returns = case.returns + (0 if part else 1)
    payload = {"ly_do": reason, "don_vi_tra_lai": by.agency or task.group}
    if not part:
        payload["so_lan_tra_lai"] = returns
        unit.execute(update(model.cases).where(model.cases.c.id == case.id).values(returns=returns))
    step = Deliver(messages.RETURNED, payload, within=task.token, part=part)
    try:
        outcome = instances.advance(unit, task.case_id, step, by=by.login, case=case)
    except WrongState:
        if part:
            raise WrongState(f"The task {task.name!r} is not the lead agency's: only that one can return a case.") \
                from None
        raise WrongState(f"The task {task.name!r} cannot be returned: its process does not provide for it.") from None
    unit.record(task.case_id, "returned", by.login, task.element, task=task_id, reason=reason, times=returns)
    return Change.of(task, case, outcome.data if outcome else {}, "cancelled" if outcome else "open")


def reassign(unit: Unit, task_id: int, agency: str, reason: str, *, by: Account) -> Change:
    """Give one task of a case to another agency: one of several that take part was the wrong one.

    Raises:
        NotFound, NotAllowed: the task or its case is not for this account.
        WrongState: it is done already, or it is the lead agency's, whose tasks go with the case.
        InvalidRequest: no reason, or no such agency in the province, or it is no more.
    """
    reason = checked_reason(reason)
    task = access.find_task(unit, by, task_id)
    case = access.find(unit, by, "reassign", task.number, lock=True)
    if task.status != "open":
        raise WrongState(f"The task {task.name!r} is already {task.status}.", state=task.status)
    if task.group == case.lead_agency:
        raise WrongState(f"The task {task.name!r} is the lead agency's: reassign the case {case.number}.")
    communes.of_province(unit, agency, case, unit.today)
    instances.advance(unit, case.id, Reassign(task.token, agency), by=by.login, case=instances.load(unit, case.id))
    unit.record(case.id, "task-reassigned", by.login, task.element, task=task_id, agency=agency, was=task.group,
                reason=reason)
    return _unmoved(access.find_task(unit, by, task_id))


def _worked_on(unit: Unit, task_id: int, by: Account) -> tuple[Row[Any], Any]:
    """The task and its case; from here on nobody else moves this case."""
    found = recent.load_with_task(unit, task_id)
    if found is None:
        raise NotFound(f"There is no task {task_id}, or it is not for you to see.")
    case, task = found
    task.number, task.province, task.secrecy = case.number, case.province, case.secrecy
    if not access.allows(by, "see-task", task, unit):
        raise NotFound(f"There is no task {task_id}, or it is not for you to see.")
    _check_workable(unit, task, by, "work")
    if case.suspended_at is not None:
        raise Suspended(f"The case {case.number} is suspended: the task {task.name!r} waits until it is released.")
    return case, task


def _workable(unit: Unit, task_id: int, by: Account, action: str = "work") -> Row[Any]:
    task = access.find_task(unit, by, task_id)
    _check_workable(unit, task, by, action)
    return task


def _check_workable(unit: Unit, task: Any, by: Account, action: str) -> None:
    if not access.allows(by, action, task, unit):
        raise NotAllowed(f"The task {task.name!r} is for {task.group}, not for you.")
    if task.status != "open":
        raise WrongState(f"The task {task.name!r} is already {task.status}.", state=task.status)


def _unmoved(task: Row[Any]) -> Change:
    """A task that changed hands; its case stands where it was."""
    status = (task.status, task.case_status, task.outcome)
    return Change(task.id, task.case_id, task.number, *status, task.version + 1)


def _change(unit: Unit, task: Row[Any], *conditions: Any, **values: Any) -> bool:
    table = model.tasks
    change = update(table).where(table.c.id == task.id, table.c.status == "open", *conditions)
    return unit.claims(change.values(version=table.c.version + 1, **values))


def _checked(unit: Unit, case: Row[Any], task: Any, answers: dict[str, Any], by: Account) -> dict[str, Any]:
    package = unit.catalogue.pinned(unit, case.definition_id)
    name, forms = task.form, package.forms
    drawn = package.machine.definition.nodes.get(task.element)
    if name not in forms and (drawn is None or getattr(drawn, "form", None) in forms):
        # whoever waited while the case moved to another version has read the task as it was
        name = unit.scalar(select(model.tasks.c.form).where(model.tasks.c.id == task.id))
    if name not in forms:
        if answers:
            raise InvalidRequest(f"The task {task.name!r} has no form: complete it without answers.")
        return {}
    today = unit.today
    form = forms[name]
    answers = form.check(answers, data=data_at(case.state, task.token), today=today)
    attachments.check_named(unit, case, form, answers, by=by)
    return answers


def _placed(unit: Unit, case: Row[Any], answers: dict[str, Any]) -> dict[str, Any]:
    """What follows from an answer that says where: of a commune its district, and without one no commune's any more.

    Raises:
        InvalidRequest: there is no such area, or the commune is not in the district.
    """
    said = {name: answers.get(name) or getattr(case, name) for name in ("area", "commune")}
    area, commune = (said[name] if said[name] != getattr(case, name) else None for name in said)  # what is new
    if area is None and commune is None:
        return {}
    found = areas.in_province(unit, commune or area, case.province)
    if found.parent is None:
        if commune is not None:
            raise InvalidRequest(f"The area {commune!r} ({found.name}) is no commune of a district.", field="commune")
        return {"commune": None}
    if commune is not None and area not in (None, found.parent):
        raise InvalidRequest(f"The commune {commune!r} ({found.name}) is in {found.parent!r}, not in {area!r}.",
                             field="commune")  # fmt: skip
    return {"area": found.parent, "commune": found.code}


def _forget_failures(unit: Unit, task: Any, by: Account) -> None:
    """Earlier answers to this task that a fault held up are overtaken by these."""
    table = model.incidents
    for row in unit.all(select(table).where(table.c.case_id == task.case_id, table.c.resolved_at.is_(None))):
        if row.step.get("kind") == "Complete" and row.step.get("token") == task.token:
            incidents.resolve(unit, row.id, by.login, "moved-on")
