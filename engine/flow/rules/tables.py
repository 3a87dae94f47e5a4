"""Rules about the two tables: type.toml and province.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from engine.errors import InvalidAnswers
from engine.flow.draft import PROVINCE, TYPE, Draft
from engine.flow.faults import Fault
from engine.flow.rules import timetable
from engine.flow.rules.phrases import meant
from engine.flow.steps import SECRECY

BRANCH = re.compile(r"[0-9*#](\.[0-9*#]){0,2}\Z")  # as `engine.branches` reads it
KINDS = ("desk", "office", "department", "district", "commune", "service", "overseer")
_PLACES = re.compile(r"\{([^{}]*)\}")
_COMMUNE_WORDS = frozenset({"province", "district", "commune", "name"})
_TYPE_KEYS = frozenset({
    "code", "province", "process", "secrecy", "intake_form", "name", "statuses", "outcomes", "lanes", "deadlines",
    "extension", "pause", "texts", "description", "reopen", "severities", "public",
    "publication", "web", "calls", "list", "steps", "english", "retention",
})
_DAYS_KEPT = re.compile(r"P([3-9][0-9]|[1-9][0-9]{2,3})D", re.ASCII)
_WEB_KEYS = frozenset({"title", "hint", "anonymous", "beneficiary"})
_PROVINCE_KEYS = frozenset({
    "code", "short", "name", "hotline", "tracking_url", "calendars", "areas", "agencies", "texts", "branches",
    "missed_call", "message_type", "jurisdiction_id", "agencies_of_communes", "close_day_at", "approval",
    "open_data_licence", "reports", "retention", "call_bridge",
})


def tables(draft: Draft) -> Iterator[Fault]:
    if draft.has(TYPE):
        yield from _type(draft)
    if draft.has(PROVINCE):
        yield from _province(draft)


class _Table:
    """Complaints about one file."""

    def __init__(self, draft: Draft, file: str, table: Mapping[str, Any]) -> None:
        self.draft, self.file, self.table = draft, file, table

    def fault(self, keys: tuple[str, ...], code: str, message: str, severity: str = "error") -> Fault:
        return Fault(self.file, self.draft.line(self.file, *keys), None, code, message, severity)

    def texts(self, *keys: str) -> Iterator[Fault]:
        """Each of the keys must be there, and be a text."""
        for key in keys:
            value = self.table.get(key)
            if not isinstance(value, str) or not value:
                yield self.fault((key,), "table-missing" if value is None else "table-value",
                                 f'Write {key} = "…" at the top of {self.file}.')

    def known(self, keys: frozenset[str]) -> Iterator[Fault]:
        for key in self.table.keys() - keys:
            yield self.fault((key,), "table-key", f"Check {key!r} in {self.file}: nothing reads it.{meant(key, keys)}",
                             "warning")

    def tables(self, key: str) -> Iterator[tuple[str, Any]]:
        found = self.table.get(key, {})
        if isinstance(found, Mapping):
            yield from found.items()

    def must_be_tables(self, key: str) -> Iterator[Fault]:
        found = self.table.get(key)
        if not isinstance(found, Mapping) or not found:
            yield self.fault((key,), "table-missing", f"Write at least one [{key}.<name>] in {self.file}.")
            return
        for name, one in found.items():
            if not isinstance(one, Mapping):
                yield self.fault((key, name), "table-value", f"Make {key}.{name} a table: [{key}.{name}].")
            elif not isinstance(one.get("vi"), str):
                yield self.fault((key, name), "table-missing", f'Write vi = "…" under [{key}.{name}]: people read it.')


def _type(draft: Draft) -> Iterator[Fault]:
    found = _Table(draft, TYPE, draft.type)
    yield from found.texts("code", "province", "process", "intake_form", "secrecy")
    yield from found.known(_TYPE_KEYS)
    yield from found.must_be_tables("statuses")
    yield from found.must_be_tables("outcomes")
    name = draft.table(TYPE, "name")
    if not isinstance(name.get("vi"), str):
        yield found.fault(("name",), "table-missing", 'Write vi = "…" under [name] in type.toml: citizens read it.')
    yield from _references(draft, found)
    yield from _web(draft, found)
    publication = draft.type.get("publication", {"approval": False})
    known = isinstance(publication, Mapping) and set(publication) == {"approval"}
    if not known or not isinstance(publication["approval"], bool):
        yield found.fault(("publication",), "table-value", "Write approval = true or false, and nothing else, under "
                          "[publication] in type.toml.")
    yield from _calls(draft, found)
    yield from _list(draft, found)
    yield from _kept(found, ("retention",), draft.type.get("retention"))
    yield from _english(found)
    for key, status in found.tables("statuses"):
        if isinstance(status, Mapping) and status.get("open311") not in ("open", "closed"):
            yield found.fault(("statuses", key), "table-value",
                              f'Write open311 = "open" or "closed" under [statuses.{key}].')
    for key, outcome in found.tables("outcomes"):
        closes = outcome.get("closes_as") if isinstance(outcome, Mapping) else None
        if closes is not None and closes not in draft.table(TYPE, "statuses"):
            yield found.fault(("outcomes", key), "status-unknown", f"Write [statuses.{closes}] in type.toml: the "
                              f"outcome {key!r} closes as it.{meant(str(closes), draft.table(TYPE, 'statuses'))}")


def _kept(found: _Table, keys: tuple[str, ...], said: Any) -> Iterator[Fault]:
    """How long personal data is kept (`engine.erasure.retention`)."""
    if said is not None and (not isinstance(said, str) or not _DAYS_KEPT.fullmatch(said)):
        yield found.fault(keys, "table-value", f'Write {keys[-1]} = "P365D", the days after closing, at least 30, in '
                          f"{found.file}; under [retention] in province.toml by class, C0 to C4.")


def _english(found: _Table) -> Iterator[Fault]:
    """What the type itself gives in English, by the Vietnamese."""
    said = found.table.get("english", {})
    if not isinstance(said, Mapping) or not all(isinstance(one, str) for one in said.values()):
        yield found.fault(("english",), "table-value",
                          'Write "what is said in Vietnamese" = "the same in English" under [english] in type.toml.')


def _calls(draft: Draft, found: _Table) -> Iterator[Fault]:
    """Which step is a planned call, and what answer says that somebody was reached (`engine.statistics`)."""
    calls = draft.type.get("calls")
    if calls is None:
        return
    complete = isinstance(calls, Mapping) and set(calls) == {"step", "field", "reached"}
    if not complete or not all(isinstance(said, str) for said in calls.values()):
        yield found.fault(("calls",), "table-value",
                          'Write step, field and reached = "…", and nothing else, under [calls] in type.toml.')


def _list(draft: Draft, found: _Table) -> Iterator[Fault]:
    """How the columns of a list of people are named (`engine.sheets.lists`)."""
    columns = draft.type.get("list")
    if columns is None:
        return
    needed, more = {"channel", "person", "answers"}, {"area", "place", "fixed", "by"}
    complete = isinstance(columns, Mapping) and needed <= set(columns) <= needed | more
    if not complete or not isinstance(columns["channel"], str):
        yield found.fault(("list",), "table-value", "Write channel, [list.person] and [list.answers] under [list], "
                          "perhaps by, area, place and [list.fixed], and nothing else.")
        return
    if not isinstance(columns["person"], Mapping) or "phone" not in columns["person"]:
        yield found.fault(("list", "person"), "table-missing", 'Write phone = ["…"] under [list.person] in type.toml: '
                          "who has no number cannot be called, nor be told from another.")
    named = [((part, key), names) for part in ("person", "answers") if isinstance(columns[part], Mapping)
             for key, names in columns[part].items()]  # fmt: skip
    named += [((key,), columns[key]) for key in ("area", "place") if key in columns]
    for where, names in named:
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            under = ".".join(("list", *where[:-1]))
            yield found.fault(("list", *where), "table-value",
                              f'Write {where[-1]} = ["…"], the names that its column may have, under [{under}].')
    yield from _list_by(draft, found, columns.get("by", []))
    yield from _fixed(draft, found, columns.get("fixed", {}))


def _list_by(draft: Draft, found: _Table, by: Any) -> Iterator[Fault]:
    """Who imports lists beside the office: agencies of the province, "ubnd_75_*" for several at once."""
    known = [str(one.get("key")) for one in draft.province.get("agencies", ()) if isinstance(one, Mapping)]
    for one in by if isinstance(by, list) else [by]:
        if not isinstance(one, str) or not any(fnmatchcase(key, one) for key in known):
            yield found.fault(("list", "by"), "table-value", "Write keys of the province's agencies as by in [list], "
                              f'with * for what differs, such as "ubnd_75_*": there is no {one!r}.')


def _fixed(draft: Draft, found: _Table, answers: Any) -> Iterator[Fault]:
    """What every row of a list says, as far as it does not say it itself."""
    if not isinstance(answers, Mapping):
        yield found.fault(("list", "fixed"), "table-value", "Write answers of the intake form under [list.fixed].")
        return
    form = draft.forms.get(str(draft.type.get("intake_form")))
    try:
        if form is not None:
            form.check(answers)
    except InvalidAnswers as error:
        for key in answers.keys() & error.facts["errors"].keys():  # what is left out, the rows say
            yield found.fault(("list", "fixed", key), "table-value", f"The intake form does not take this answer to "
                              f"{key!r}: {error.facts['errors'][key]}")


def _web(draft: Draft, found: _Table) -> Iterator[Fault]:
    """What invites citizens to send such a report by themselves (`engine.public.offers`)."""
    web = draft.type.get("web", {})
    if not isinstance(web, Mapping):
        yield found.fault(("web",), "table-value", "Make web a table: [web] in type.toml.")
        return
    for key in sorted(web.keys() - _WEB_KEYS):
        message = f"Check {key!r} under [web] in type.toml: nothing reads it.{meant(key, _WEB_KEYS)}"
        yield found.fault(("web", key), "table-key", message, "warning")
    for key in ("title", "hint") if web else ():
        said = web.get(key)
        if not isinstance(said, Mapping) or not isinstance(said.get("vi"), str):
            yield found.fault(("web", key), "table-missing",
                              f'Write {key} = {{ vi = "…" }} under [web] in type.toml: citizens choose by it.')
    for key in ("anonymous", "beneficiary"):
        if not isinstance(web.get(key, False), bool):
            yield found.fault(("web", key), "table-value", f"Write {key} = true or false under [web] in type.toml.")


def _references(draft: Draft, found: _Table) -> Iterator[Fault]:
    table = draft.type
    process, form, secrecy = table.get("process"), table.get("intake_form"), table.get("secrecy")
    if isinstance(process, str) and draft.diagrams and draft.drawings_readable and process not in draft.processes:
        yield found.fault(("process",), "process-unknown", f"Name a process that is drawn: there is no process "
                          f"{process!r}.{meant(process, draft.processes)}")
    if isinstance(form, str) and form not in draft.forms:
        yield found.fault(("intake_form",), "form-missing", f"Add {form}.form to the package: reports are taken in "
                          f"with it.{meant(form, draft.forms)}")
    if isinstance(secrecy, str) and secrecy not in SECRECY:
        yield found.fault(("secrecy",), "table-value",
                          f"Write one of {', '.join(SECRECY)} for secrecy, not {secrecy!r}.")
    province = draft.province.get("code")
    if draft.has(PROVINCE) and isinstance(table.get("province"), str) and table["province"] != province:
        yield found.fault(("province",), "table-value", f"Write province = {province!r}: that is the province.toml it "
                          "comes with.")


def _province(draft: Draft) -> Iterator[Fault]:
    found = _Table(draft, PROVINCE, draft.province)
    yield from found.texts("code", "short", "name")
    yield from found.known(_PROVINCE_KEYS)
    for secrecy, said in found.tables("retention"):
        yield from _kept(found, ("retention", secrecy), said if secrecy in SECRECY else "")
    bridge = draft.province.get("call_bridge", "https://")
    if not isinstance(bridge, str) or not bridge.startswith(("https://", "http://")):
        yield found.fault(("call_bridge",), "table-value", 'Write call_bridge = "https://…", the address at which the '
                          "exchange takes calls to connect.")
    areas = list(_rows(draft, "areas"))
    codes = {str(one.get("code")) for one in areas}
    for one in areas:
        if not (isinstance(one.get("code"), str) and isinstance(one.get("name"), str)):
            yield found.fault(("areas",), "table-missing", "Write code and name in every [[areas]] of province.toml.")
    seen: set[str] = set()
    for one in _rows(draft, "agencies"):
        key = str(one.get("key", ""))
        line = ("agencies",)
        if not key or not isinstance(one.get("name"), str):
            yield found.fault(line, "table-missing", "Write key and name in every [[agencies]] of province.toml.")
            continue
        if key in seen:
            yield found.fault(line, "id-duplicate", f"Give one of the two agencies {key!r} another key.")
        seen.add(key)
        if one.get("kind") not in KINDS:
            yield found.fault(line, "table-value",
                              f"Write one of {', '.join(KINDS)} as the kind of the agency {key!r}.")
        if one.get("area") is not None and one["area"] not in codes:
            yield found.fault(line, "table-value", f"Write an area of province.toml for the agency {key!r}: there is "
                              f"no area {one['area']!r}.")
    yield from _of_communes(draft, found)
    yield from _branches(draft, found, seen)
    for said in timetable.faults(draft.province.get("reports", []), seen):
        yield found.fault(("reports",), "table-value", said)
    if not isinstance(draft.province.get("approval", False), bool):
        yield found.fault(("approval",), "table-value", "Write approval = true, or leave it out.")
    if not timetable.CLOCK.fullmatch(str(draft.province.get("close_day_at", "06:00"))):
        yield found.fault(("close_day_at",), "table-value", 'Write a time of day such as "06:00" as close_day_at.')
    url = draft.province.get("tracking_url", "{number}")
    if "{number}" not in str(url):
        yield found.fault(("tracking_url",), "table-value", "Write {number} where the case's number belongs in "
                          "tracking_url.")


def _of_communes(draft: Draft, found: _Table) -> Iterator[Fault]:
    """The template that agencies of communes are made by."""
    name, line = "agencies_of_communes", ("agencies_of_communes",)
    if name not in draft.province:
        return
    template = draft.table(PROVINCE, name)
    words = {key: _PLACES.findall(str(template.get(key, ""))) for key in ("key", "name", "parent")}
    if "commune" not in words["key"] or "district" in words["key"] or "name" not in words["name"]:
        yield found.fault(line, "table-value", f'Write key = "ubnd_{{province}}_{{commune}}" and name = "UBND '
                          f'{{name}}" under [{name}]: each commune needs a key of its own, with and without districts.')
    for one in sorted({word for found in words.values() for word in found} - _COMMUNE_WORDS):
        yield found.fault(line, "table-value", f"Check {{{one}}} under [{name}]: only "
                          f"{', '.join(sorted(_COMMUNE_WORDS))} are known there.{meant(one, _COMMUNE_WORDS)}")
    contacts = template.get("contacts", {})
    if not isinstance(contacts, Mapping) or not all(isinstance(one, Mapping) for one in contacts.values()):
        yield found.fault(line, "table-value", f'Write contacts of communes as [{name}.contacts."26041"] with phone '
                          "and email.")


def _branches(draft: Draft, found: _Table, agencies: set[str]) -> Iterator[Fault]:
    """What the keys of the telephone mean, and from when on."""
    said: set[tuple[str, Any]] = set()
    for one in _rows(draft, "branches"):
        key, line = str(one.get("key", "")), ("branches",)
        if not BRANCH.match(key) or not isinstance(one.get("name"), str):
            yield found.fault(line, "table-missing", "Write key (5, or 5.1 for a key behind it) and name in every "
                              f"[[branches]] of province.toml; one has {key!r}.")
        begins = one.get("from")
        if not isinstance(begins, datetime) or begins.tzinfo is None:
            yield found.fault(line, "table-value", f"Write since when the key {key} means {one.get('name')!r}: "
                              "from = 2021-09-02T00:00:00+07:00.")
        elif (key, begins) in said:
            yield found.fault(line, "id-duplicate", f"The key {key} is given two meanings from {begins} on.")
        said.add((key, begins))
        if one.get("agency") is not None and one["agency"] not in agencies:
            yield found.fault(line, "table-value", f"Write an agency of province.toml for the key {key}: there is no "
                              f"agency {one['agency']!r}.")


def _rows(draft: Draft, key: str) -> Iterator[Mapping[str, Any]]:
    found = draft.province.get(key, [])
    if isinstance(found, list):
        yield from (one for one in found if isinstance(one, Mapping))
