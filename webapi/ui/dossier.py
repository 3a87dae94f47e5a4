"""Everything that stands in a case's file, for whoever may see it: beside a task, and on the case's own page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from engine import casefile, cases, directory, queries
from engine.files import reading
from engine.messaging import bridge, relay
from engine.people import access
from engine.people.access import Account
from engine.places import agency_changes, areas
from engine.privacy import firewall, unmasking
from engine.public import tracking
from engine.runtime import Unit
from webapi.ui import forms, history, steps
from webapi.ui.words import channels, in_language

ASKED = ("read", "comment", "attach", "person", "extend", "pause", "resume", "reassign", "merge", "reopen", "take-back",
         "ask-person", "unmask", "relay")  # fmt: skip


def of(unit: Unit, caller: Account, number: str) -> dict[str, Any]:
    """The case, in words, and what the caller may do to it.

    Raises:
        NotFound: there is no such case, or it does not exist for this account.
    """
    row = access.find(unit, caller, "see", number)
    _ask(unit, caller, row)
    case = SimpleNamespace(**casefile.show(unit, caller, number))
    package = unit.catalogue.pinned(unit, case.definition_id)
    called = agency_changes.names_in(unit, case.province, case.closed_at)
    names = {key: in_language(name) for key, name in called.items()}
    known = casefile.timeline(unit, caller, number, queries.LIMIT_MAX)
    events = _events(unit, case.id, known.items)
    may = {action for action in ASKED if access.allows(caller, action, case, unit)}
    facts = {
        "me": caller, "case": case, "package": package, "agencies": names, "may": may,
        "at_work": directory.at_work(unit, case.province, unit.today),
        "status": status(package, case.status),
        "outcome": status(package, case.outcome) if case.outcome and case.outcome != case.status else "",
        "cut": known.after,
        "terms": history.terms(casefile.terms(unit, caller, number), package),
        "here": [task.element for task in case.tasks], "place": _place(unit, case),
        "channel": channels().get(case.channel, case.channel), "can": _possible(package, case, may),
    }  # fmt: skip
    facts |= _reporter(unit, caller, case, may) | (_read(unit, caller, package, case) if case.readable else {})
    people = directory.names(unit, history.involved(events) | _others(facts))
    return facts | {"called": people, "events": history.lines(events, package, names, people)}


def _ask(unit: Unit, caller: Account, case: Any) -> None:
    """Most of what stands in the file is looked up together."""
    casefile.ask(unit, caller, case)
    agency_changes.ask_names(unit, case.province)
    directory.ask_at_work(unit, case.province)
    areas.ask_names(unit, case.commune, case.area)
    tracking.ask_told(unit, case.id)
    reading.ask(unit, case.id, queries.LIMIT_MAX)


def _events(unit: Unit, case_id: int, rows: list[Any]) -> list[dict[str, Any]]:
    """Its history; of a letter also which agency it was for."""
    events, to = [dict(one if isinstance(one, dict) else one._mapping) for one in rows], casefile.letters(unit, case_id)
    return [one | {"data": one["data"] | {"agency": to.get(one["data"]["outbox"])}}
            if "outbox" in (one["data"] or {}) else one for one in events]  # fmt: skip


def _others(facts: dict[str, Any]) -> set[str]:
    """Who else is named in a case's file, by log-in name."""
    written = [one.author for name in ("files", "comments") for one in facts.get(name, ())]
    holding = [task.assignee for task in facts["case"].tasks if task.assignee]
    return {*written, *holding, *(one.login for one in facts["askings"])}


def _reporter(unit: Unit, caller: Account, case: Any, may: set[str]) -> dict[str, Any]:
    """How far the caller has come in asking who reported, what others ask them, and how the reporter is written to."""
    asks = "ask-person" in may and "person" not in may
    return {
        "asking": unmasking.standing(unit, caller, case.id) if asks else None,
        "asks": asks,
        "askings": unmasking.waiting(unit, caller, case.number) if "unmask" in may else [],
        "written_to": relay.way(unit, case.id) if "relay" in may else None,
        "call": _call(unit, case) if "relay" in may and "person" not in may else None,
    }


def _call(unit: Unit, case: Any) -> dict[str, str] | None:
    """Whether whoever reported can be called by way of the exchange, and why not now."""
    if not bridge.offered(unit, case.province):
        return None
    why = bridge.why_not(unit, case.id)
    return {"why_not": steps.not_called(why) if why else ""}


def _read(unit: Unit, caller: Account, package: Any, case: Any) -> dict[str, Any]:
    """What only who may read the case sees."""
    return {
        "reported": forms.told(package.intake_form, case.report, package.english),
        "files": reading.of_case(unit, caller, case.number, queries.LIMIT_MAX).items,
        "comments": casefile.list_comments(unit, caller, case.number, queries.LIMIT_MAX).items,
        "told": firewall.over(unit, caller, case)(tracking.told(unit, case.id)),
    }


def status(package: Any, key: str) -> str:
    words = package.status(key)
    return in_language({one: str(words[one]) for one in ("vi", "en") if one in words}, key)


def _place(unit: Unit, case: Any) -> str:
    names = [in_language(name) for name in areas.names(unit, case.commune, case.area)]
    return ", ".join(filter(None, [case.place if case.readable else "", *names]))


def _possible(package: Any, case: Any, may: set[str]) -> set[str]:
    """What of that makes sense now; the engine decides once more."""
    running = case.closed_at is None
    return {
        *(["extend"] if "extend" in may and running and not case.paused_at and package.terms.extension else []),
        *(["pause"] if "pause" in may and running and not case.paused_at and package.terms.pauses else []),
        *(["resume"] if "resume" in may and case.paused_at else []),
        *(["reassign"] if "reassign" in may and running and case.lead_agency else []),
        *(["merge"] if "merge" in may and running and cases.joins(package) else []),
        *(["reopen"] if "reopen" in may and not running else []),
    }  # fmt: skip
