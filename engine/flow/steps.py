"""What goes into a machine, and what comes out.

A *step* is the one thing that happened (a person answered, a timer was due, …). An *outcome* is the new state and
everything that follows from it: tasks that opened and closed, timers to arm, messages awaited, effects owed to the
world. Steps survive in incidents, so each can be written as JSON and read back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

MIRRORED = ("status", "outcome", "severity", "secrecy", "area", "commune", "lead_agency", "monitor_agency")
"""The variables that are fields of the case, too."""
SECRECY = ("C0", "C1", "C2", "C3", "C4")  # from public to named persons only


@dataclass(frozen=True)
class Start:
    """Begin the process with the case's data."""

    data: dict[str, Any]


@dataclass(frozen=True)
class Complete:
    """A person answered the task at which a token waits."""

    token: int
    answers: dict[str, Any]


@dataclass(frozen=True)
class Fire:
    """The timer of a token is due."""

    token: int


@dataclass(frozen=True)
class Deliver:
    """A message arrived.

    Attributes:
        token: the one that waits for it; ``None``: whoever waits.
        within: only what is drawn round this token may catch it: a border of its element or of a subprocess it is in,
            or an event subprocess there; the innermost does.
        part: of these, only what lies within the instance of a multi-instance activity that the token is part of.
    """

    message: str
    payload: dict[str, Any]
    token: int | None = None
    within: int | None = None
    part: bool = False


@dataclass(frozen=True)
class Hear:
    """A signal of the whole province was thrown elsewhere.

    Attributes:
        last: the newest token that waited for it then; whoever came to wait later does not hear it.
    """

    signal: str
    payload: dict[str, Any]
    last: int


@dataclass(frozen=True)
class Answer:
    """The service a token called has answered."""

    token: int
    result: dict[str, Any]


@dataclass(frozen=True)
class Fail:
    """The service a token called ended with an error that the diagram may catch.

    Attributes:
        code: the error's code, as the diagram's error events name it.
        message: for people.
        data: what becomes variables before the error is thrown.
    """

    token: int
    code: str
    message: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Amend:
    """Someone with the right to do so changed the case's data (a reassignment): groups are worked out anew."""

    data: dict[str, Any]


@dataclass(frozen=True)
class Reassign:
    """Somebody with the right to do so gave one task to another agency."""

    token: int
    group: str


@dataclass(frozen=True)
class Abandon:
    """The process is given up: every token ends where it stands (the case was joined to another).

    Attributes:
        text: what the reporter is told of it; empty for nothing.
    """

    data: dict[str, Any]
    text: str = ""


@dataclass(frozen=True)
class Arrive:
    """The process was carried over to another version (`engine.flow.transfer`).

    Attributes:
        fresh: what nobody waited for in the version before: [host of the scope or 0, name of the node, notes].
    """

    fresh: list[list[Any]]


@dataclass(frozen=True)
class Modify:
    """Somebody with the right to do so put tokens elsewhere (`engine.flow.moves`).

    Attributes:
        cancel: tokens to take away.
        start: tokens to put: [element, ``before`` or ``after`` it, host of the scope or ``None`` for the only one].
    """

    cancel: list[int]
    start: list[list[Any]]


Step = Start | Complete | Fire | Deliver | Hear | Answer | Fail | Amend | Reassign | Abandon | Arrive | Modify
_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (Start, Complete, Fire, Deliver, Hear, Answer, Fail, Amend, Reassign, Abandon, Arrive, Modify)
}


def to_json(step: Step) -> dict[str, Any]:
    return {"kind": type(step).__name__, **asdict(step)}


def from_json(value: dict[str, Any]) -> Step:
    rest = {key: item for key, item in value.items() if key != "kind"}
    return _KINDS[value["kind"]](**rest)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class OpenTask:
    """A user task that a token has reached.

    Attributes:
        term: the name of the promise it is due by; empty for the one that is called like its element.
    """

    token: int
    element: str
    name: str
    group: str
    form: str | None
    term: str = ""


@dataclass(frozen=True)
class Timer:
    """A moment a token waits for.

    Attributes:
        term: the name of the deadline this timer follows when it is extended or paused, or ``None``.
        mark: which point of that deadline: ``due``, ``warn``, or a fraction of the term past due (``0.5``).
    """

    token: int
    element: str
    due_at: datetime
    term: str | None = None
    mark: str | float | None = None


@dataclass(frozen=True)
class Notify:
    """Tell somebody something.

    Attributes:
        to: reporter, beneficiary, or an agency's key.
        data: what was known when and where it was told, the case's data or a called process's; a copy, but of one
            level: no value in it is ever changed in place (`engine.flow.operations`).
        settled: the same variables themselves: what is known there when the step is over.
    """

    token: int
    element: str
    text: str
    to: str
    data: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    settled: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class CallOut:
    """Ask a service; the token waits for the answer.

    Attributes:
        priority: the higher, the sooner a program that asks for the urgent ones first gets it.
    """

    token: int
    element: str
    topic: str
    payload: dict[str, Any]
    priority: int = 0


@dataclass(frozen=True)
class StartCase:
    """Start a case of another type; the token waits for its number.

    Attributes:
        report_type: its code.
        answers: for its intake form, keyed by field.
        result: the variable that gets the number.
    """

    token: int
    element: str
    report_type: str
    answers: dict[str, Any]
    result: str


@dataclass(frozen=True)
class FindDuplicates:
    """Look for earlier cases like this one; the token waits for their numbers.

    Attributes:
        days: how many to look back; what the diagram gave, not checked yet.
    """

    token: int
    element: str
    days: Any


@dataclass(frozen=True)
class Send:
    """Send a message to whichever case waits for it under a key, now or later.

    Attributes:
        until: whoever has not come to wait for it by then does not get it.
    """

    token: int
    element: str
    message: str
    key: str
    payload: dict[str, Any]
    until: datetime


@dataclass(frozen=True)
class Broadcast:
    """Have every case of the province hear a signal that waits for it."""

    token: int
    element: str
    signal: str
    payload: dict[str, Any]


Parting = Notify | Send | Broadcast
"""Effects that no token waits for."""


@dataclass
class Outcome:
    """What a step led to. Lists hold only what changed; ``data`` is the case's data as it is now."""

    state: bytes = b""
    data: dict[str, Any] = field(default_factory=dict)
    opened: list[OpenTask] = field(default_factory=list)
    regrouped: list[OpenTask] = field(default_factory=list)
    left_tasks: dict[int, str] = field(default_factory=dict)  # token -> element of tasks that are open no longer
    left_timers: set[int] = field(default_factory=set)  # tokens that wait for a moment no longer
    timers_wait: bool = False  # whether others wait for one, as they did before
    left_messages: set[int] = field(default_factory=set)  # tokens that wait for a message no longer
    armed: list[Timer] = field(default_factory=list)
    left_calls: set[int] = field(default_factory=set)  # tokens that wait for a service no longer, without its answer
    awaited: list[tuple[int, str]] = field(default_factory=list)  # (token, message)
    keys: dict[int, str] = field(default_factory=dict)  # under which some of them wait; the others: the case's number
    heard: list[tuple[int, str]] = field(default_factory=list)  # (token, signal of the province)
    left_signals: set[int] = field(default_factory=set)  # tokens that wait for such a signal no longer
    aside: set[int] = field(default_factory=set)  # those of them that wait beside the work
    effects: list[Parting | CallOut | StartCase | FindDuplicates] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)  # ids of the drawn elements completed, in order
    came: list[list[Any]] = field(default_factory=list)  # [token, element] of those that have come to wait somewhere
    gone: list[int] = field(default_factory=list)  # tokens that waited and do not any more
    finished: bool = False
