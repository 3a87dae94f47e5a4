"""Everything the engine refuses, and why.

    EngineError
    ├── NotFound            there is no such thing, or the caller may not know of it
    ├── NotAuthenticated    we do not know who is calling
    │   └── SecondFactorMissing  the password is right, and a code is needed
    ├── NotAllowed          the caller may not do that
    ├── WrongState          the thing has moved on
    │   ├── Suspended       the case is held, and goes on later
    │   └── Uncorrelated    nobody waits for a message, or more than one
    ├── Stale               somebody else changed it first
    ├── InvalidAnswers      a form was not filled in as it asks
    ├── InvalidRequest      something other than a form is malformed or contradicts itself
    ├── InvalidPackage      a report type does not pass the check
    ├── TooMany             slow down
    ├── Unscanned           the virus scanner is away
    └── ProcessFault        the analyst's mistake: becomes an incident, never an answer

The first line of a class's docstring is the title the public sees; ``code`` is for machines and for ever.
The message of an instance is one sentence naming the thing and its actual state.
"""

from __future__ import annotations

from typing import Any


class EngineError(Exception):
    """The request could not be carried out."""

    code = "engine-error"
    status = 400

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class NotFound(EngineError):
    """There is no such thing, or you may not know of it."""

    code = "not-found"
    status = 404


class NotAuthenticated(EngineError):
    """We do not know who you are."""

    code = "not-authenticated"
    status = 401


class SecondFactorMissing(NotAuthenticated):
    """Your password is right; we need the code of your second factor as well."""

    code = "second-factor-missing"
    status = 401


class NotAllowed(EngineError):
    """You may not do that."""

    code = "not-allowed"
    status = 403


class WrongState(EngineError):
    """The thing exists, but has moved on: it cannot do that any more."""

    code = "wrong-state"
    status = 409


class Suspended(WrongState):
    """The case is suspended: it goes on once somebody releases it."""

    code = "suspended"
    status = 409


class Uncorrelated(WrongState):
    """Nobody waits for this message, or more than one case does."""

    code = "uncorrelated"
    status = 409


class Stale(EngineError):
    """Somebody else changed it since you read it: read it again."""

    code = "stale"
    status = 412


class InvalidAnswers(EngineError):
    """The form is not filled in as it asks; ``errors`` says what to change, field by field."""

    code = "invalid-answers"
    status = 422


class InvalidRequest(EngineError):
    """The request is malformed or contradicts itself."""

    code = "invalid-request"
    status = 422


class InvalidPackage(EngineError):
    """The report type does not pass the check; ``faults`` lists every fault at once."""

    code = "invalid-package"
    status = 422


class TooMany(EngineError):
    """Too many attempts: wait, then try again."""

    code = "too-many"
    status = 429


class Unscanned(EngineError):
    """The file cannot be checked for viruses just now: send it again later."""

    code = "unscanned"
    status = 503


class Outdated(Exception):
    """What was remembered of a caller or a case is no longer so: do it once more, in a new unit, as for a stranger.

    Nobody is told: see `webapi.auth.admit`.
    """


class ProcessFault(Exception):
    """A step could not be taken because of the diagram, a table, a script or a text: the analyst's to repair.

    Attributes:
        element: the id of the BPMN element where it happened, or ``None``.
        message: one sentence in an analyst's words.
    """

    def __init__(self, message: str, element: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.element = element
