"""The elements that wait for something to happen, and those that make it happen.

Timers never look at a clock: they are armed once, from the instant of the step that reached them, and told to fire.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.specs.event_definitions import NoneEventDefinition, TerminateEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import (
    ErrorEventDefinition,
    EscalationEventDefinition,
    SignalEventDefinition,
)
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition

from engine.flow.addressing import Address, key_of, leave
from engine.flow.moments import VIETNAM
from engine.flow.nodes import Node, Value
from engine.flow.scripts import Expression
from engine.flow.steps import Timer
from engine.flow.tokens import Token
from engine.terms.calendar import Calendar, Term, next_repeated

ROUND_THE_CLOCK = Calendar.parse("24/7", {})
SHORTEST_PERIOD = timedelta(minutes=1)
_CYCLE = re.compile(r"R(\d{0,4})/(P.+)")


class Alarm(EventDefinition):
    """A timer.

    Attributes:
        kind: ``duration``, ``date`` or ``cycle``, as drawn.
        value: an ISO 8601 value, or an expression that gives one; of a date, its first minute in Vietnam.
    """

    def __init__(self, kind: str, value: Value, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.value = value

    def arm(self, token: Token) -> None:
        """Work out when the token is due, counted from the instant of the present step."""
        node: Node = token.task_spec
        moment = token.workflow.top_workflow.moment
        moment.asked.clear()
        value = node.value_of(self.value, token)
        try:
            due_at = self._due(token, value, moment.now)
        except (ValueError, OverflowError) as error:
            raise node.fault(str(error)) from None
        term, mark = next(((term, mark) for told, term, mark in moment.asked if told == value), (None, None))
        self._announce(token, due_at, term, mark)

    def _due(self, token: Token, value: Any, now: datetime) -> datetime:
        if not isinstance(value, str):
            raise ValueError(f"its timer came out as {value!r}, not as an ISO 8601 text")
        cycle = _CYCLE.fullmatch(value)
        if cycle:
            rounds, period = cycle.groups()
            term = Term.parse(period)
            step = ROUND_THE_CLOCK.add(now, term) - now
            if step < SHORTEST_PERIOD:
                raise ValueError("its timer repeats more often than once a minute")
            due_at = now + step
            token.internal_data.update(rounds=int(rounds or -1), period=step.total_seconds(), due=due_at.isoformat())
            if term.months:  # which have no fixed number of seconds: these are for nodes of the version before
                token.internal_data.update(term=period, start=now.isoformat())
            return due_at
        if value.startswith("P"):
            return ROUND_THE_CLOCK.add(now, Term.parse(value))
        try:
            due_at = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"its timer came out as {value!r}: no date, duration or cycle of ISO 8601") from None
        return (due_at if due_at.tzinfo else due_at.replace(tzinfo=VIETNAM)).astimezone(UTC)

    def arm_again(self, token: Token) -> bool:
        """For a cycle: arm the next round. Says whether there is one.

        Rounds are counted from when the last one was due, so that they do not drift; months from when the timer was
        armed, by the calendar of Vietnam: one after 31 January is 28 February, two are 31 March. Those that nobody was
        there to fire are left out.
        """
        notes = token.internal_data
        rounds = notes.get("rounds", 1)
        if rounds in (0, 1):
            return False
        was_due = datetime.fromisoformat(notes["due"])
        start, term = was_due, Term(seconds=round(notes["period"]))
        if "term" in notes:
            start, term = datetime.fromisoformat(notes["start"]), Term.parse(notes["term"])
        due_at = next_repeated(start, term, max(was_due, token.workflow.top_workflow.moment.now))
        notes.update(rounds=rounds - 1 if rounds > 0 else -1, due=due_at.isoformat())
        self._announce(token, due_at, None, None)
        return True

    def _announce(self, token: Token, due_at: datetime, term: str | None, mark: str | float | None) -> None:
        token.workflow.top_workflow.armed.append(Timer(token.id, token.task_spec.bpmn_id, due_at, term, mark))


class When(EventDefinition):
    """A condition about the case's data: it happens each time the condition comes true."""

    def __init__(self, condition: Expression, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.condition = condition

    def rises(self, token: Token) -> bool:
        """Whether it holds now, and did not when it was asked last."""
        holds = bool(token.task_spec.ask(self.condition, token.data, token))
        held = token.internal_data.get("held", False)
        token.internal_data["held"] = holds
        return holds and not held


class Catch(Node):
    """Waits for its event: start events (which never wait), intermediate events and receive tasks."""

    address = Address()
    code_variable: str | None = None  # of an error or escalation event: where its code and message go
    message_variable: str | None = None

    def __init__(self, wf_spec: Any, bpmn_id: str, event_definition: EventDefinition, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.event_definition = event_definition

    @property
    def message(self) -> str | None:
        """The name of the message waited for."""
        wanted = self.event_definition
        return wanted.name if isinstance(wanted, MessageEventDefinition) else None

    @property
    def signal(self) -> str | None:
        """The name of the signal waited for, if it is the province's."""
        wanted = self.event_definition
        return wanted.name if self.address.wide and isinstance(wanted, SignalEventDefinition) else None

    def _update_hook(self, token: Token) -> bool:
        if isinstance(self.event_definition, NoneEventDefinition):
            return True
        if token._state == TaskState.FUTURE:
            token._set_state(TaskState.WAITING)
            if self.message and self.address.key is not None:
                token.internal_data["key"] = key_of(self, self.address.key, token)
            if isinstance(self.event_definition, Alarm):
                self.event_definition.arm(token)
        return False

    def look_again(self, token: Token) -> None:
        """The data are as this step leaves them."""
        if isinstance(self.event_definition, When):
            token.workflow.top_workflow.look_at_the_time(token)
            if self.event_definition.rises(token):
                self.hit(token)

    def hit(self, token: Token) -> None:
        """What the token waited for has happened."""
        race = token.internal_data.pop("race", None)
        if race:
            for other in token.workflow.living():
                if other.internal_data.get("race") == race:
                    other.cancel()
            self.mark(token)
        token._set_state(TaskState.READY)

    def _stays_armed(self, token: Token) -> bool:
        """For what may happen more than once: whether it may happen again."""
        if isinstance(self.event_definition, Alarm):
            return self.event_definition.arm_again(token)
        return not isinstance(self.event_definition, ErrorEventDefinition)


class StartEvent(Catch):
    """A case starts because the engine starts it, whatever is drawn inside the circle."""

    def _update_hook(self, token: Token) -> bool:
        return True


class BoundaryEvent(Catch):
    def __init__(
        self, wf_spec: Any, bpmn_id: str, event_definition: EventDefinition, cancel_activity: bool, **kwargs: Any
    ) -> None:
        super().__init__(wf_spec, bpmn_id, event_definition, **kwargs)
        self.cancel_activity = cancel_activity

    def hit(self, token: Token) -> None:
        if not self.cancel_activity and self._stays_armed(token):
            self.mark(token)
            token.workflow._task_completed_notify(token)
            for node in self.nexts:
                node.enter(token.follow(node))
            return
        host = token.workflow.tasks[token.internal_data.pop("host")]
        if self.cancel_activity:
            host.cancel()
        self.mark(token)
        token._set_state(TaskState.READY)


class EventGateway(Node):
    """The events behind it race; the first wins, the others are called off."""

    def _on_complete(self, token: Token) -> None:
        token.workflow._task_completed_notify(token)
        for node in self.nexts:
            runner = token.follow(node)
            runner.internal_data["race"] = token.id
            node._update(runner)


class Throw(Node):
    """Makes its event happen: intermediate throw events, end events, send tasks with a message."""

    address = Address()

    def __init__(self, wf_spec: Any, bpmn_id: str, event_definition: EventDefinition, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, event_definition=event_definition, **kwargs)
        self.event_definition = event_definition

    def _run_hook(self, token: Token) -> bool:
        thrown = self.event_definition
        if isinstance(thrown, TerminateEventDefinition):
            for other in token.workflow.living():
                if other is not token:
                    other.cancel()
        elif isinstance(thrown, MessageEventDefinition) and self.address.key is not None:
            leave(self, thrown.name, self.address, token)
        elif isinstance(thrown, MessageEventDefinition):
            for waiting in waiting_for(token.workflow.top_workflow, thrown.name)[:1]:
                waiting.task_spec.hit(waiting)
        elif isinstance(thrown, SignalEventDefinition):
            if self.address.wide:
                leave(self, thrown.name, self.address, token)
            spread(hearing(token.workflow.top_workflow, thrown.name))
        elif isinstance(thrown, ErrorEventDefinition):
            if not _throw_outwards(token, thrown):
                raise self.fault(f"nothing catches the error {thrown.code or thrown.name!r}")
        elif isinstance(thrown, EscalationEventDefinition):
            _throw_outwards(token, thrown)
        return True


def waiting_for(process: Any, message: str) -> list[Token]:
    """The tokens that wait for a message, the oldest first; event subprocesses take what nobody else waits for."""
    return _catchers(process.all_living(), MessageEventDefinition, message)


def hearing(process: Any, signal: str) -> list[Token]:
    """The tokens that wait for a signal."""
    return _catchers(process.all_living(), SignalEventDefinition, signal)


def spread(hearers: list[Token], payload: dict[str, Any] | None = None) -> None:
    """All of them hear a signal."""
    for token in hearers:
        if token.alive:  # an earlier one may have called it off
            token.data.update(payload or {})
            token.task_spec.hit(token)


def _catchers(tokens: list[Token], kind: type[EventDefinition], name: str) -> list[Token]:
    found = [
        token
        for token in tokens
        if token._state == TaskState.WAITING
        and isinstance(token.task_spec, Catch)
        and isinstance(token.task_spec.event_definition, kind)
        and token.task_spec.event_definition.name == name
    ]
    return sorted(found, key=lambda token: (token.task_spec.guards, token.id))


def throw_error(token: Token, code: str, message: str) -> bool:
    """End what a token does with an error: its own border may catch it, then what is around. Whether anything did."""
    thrown = ErrorEventDefinition(code, code)
    whole = token.internal_data.get("of", token.id)
    if _caught(thrown, [one for one in token.workflow.living() if one.internal_data.get("host") == whole], message):
        return True
    return _throw_outwards(token, thrown, message)


def _throw_outwards(token: Token, thrown: Any, message: str | None = None) -> bool:
    """Hand an error or escalation to the innermost event subprocess or border around it that catches it.

    What is thrown in an event subprocess does not begin that event subprocess again: it goes to its neighbours, which
    guard the same scope, and then outwards. So a handler may throw on what it caught.
    """
    scope, begun = token.workflow, None
    while True:
        sentries = [one for one in scope.living() if one.is_sentry and one.task_spec.handler is not begun]
        if _caught(thrown, sentries, message):
            return True
        if not hasattr(scope, "host"):
            return False
        host = scope.host
        whole = host.internal_data.get("of", host.id)  # what hangs on a multi-instance activity hangs on all of it
        if _caught(thrown, [one for one in host.workflow.living() if one.internal_data.get("host") == whole], message):
            return True
        scope, begun = host.workflow, host.task_spec


def _caught(thrown: Any, watchers: list[Token], message: str | None) -> bool:
    fitting = [
        one
        for one in watchers
        if type(one.task_spec.event_definition) is type(thrown)
        and one.task_spec.event_definition.code in (None, thrown.code)
    ]
    if not fitting:
        return False
    exact = [one for one in fitting if one.task_spec.event_definition.code == thrown.code]
    watcher = (exact or fitting)[0]
    told = {watcher.task_spec.code_variable: thrown.code, watcher.task_spec.message_variable: message}
    watcher.data.update({name: said for name, said in told.items() if name})
    watcher.task_spec.hit(watcher)
    return True
