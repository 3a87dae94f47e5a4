"""Rules about what is written in expressions, scripts and timers: all of it compiles, and speaks of what exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.flow.draft import TYPE, Draft
from engine.flow.faults import Fault, error, warning
from engine.flow.rules.phrases import lower, meant, short
from engine.flow.rules.sites import Entry, Site, written
from engine.flow.rules.variables import known_names
from engine.flow.scripts import KNOWN_FUNCTIONS, Expression, Script, ScriptError

HOST_FUNCTIONS = frozenset({"now", "today", "due", "warn", "late"})
_TERM = re.compile(r"\b(due|warn|late)\(\s*(\"[^\"]*\"|'[^']*')")


def expressions(draft: Draft) -> Iterator[Fault]:
    sites: list[Site] = []
    for found in written(draft):
        if isinstance(found, Fault):
            yield found
        else:
            sites.append(found)
    compiled = []
    for site in sites:
        try:
            compiled.append((site, site.compiled))
        except ScriptError as fault:
            yield error(site.thing, "expression", f"Correct {site.what}, {short(site.source)}: {lower(str(fault))}")
    known = known_names(draft)
    for site, code in compiled:
        yield from _functions(draft, site, code)
        own = code.assigned if isinstance(code, Script) else frozenset()
        yield from _unknown(site, code.names - known - own, known)
    for key, decision in draft.decisions.items():
        entry = Entry(draft.decision_files[key], decision.line or 1, key)
        site = Site(entry, f"the decision {decision.name or key!r}", "")
        yield from _calls(site, decision.calls)
        yield from _unknown(site, decision.names - known, known)


def _functions(draft: Draft, site: Site, code: Expression | Script) -> Iterator[Fault]:
    yield from _calls(site, code.calls)
    if draft.has(TYPE):
        terms = draft.table(TYPE, "deadlines")
        for function, quoted in _TERM.findall(site.source):
            if (name := quoted[1:-1]) not in terms:
                yield error(site.thing, "term-unknown", f"Write [deadlines.{name}] in type.toml: {site.what} asks for "
                            f"{function}({name!r}).{meant(name, terms)}")


def _calls(site: Site, calls: frozenset[str]) -> Iterator[Fault]:
    for name in sorted(calls - KNOWN_FUNCTIONS - HOST_FUNCTIONS):
        yield error(site.thing, "function-unknown", f"Replace {name}(…) in {site.what}: there is no such function."
                    f"{meant(name, KNOWN_FUNCTIONS | HOST_FUNCTIONS)}")


def _unknown(site: Site, names: frozenset[str], known: set[str]) -> Iterator[Fault]:
    for name in sorted(names):
        yield warning(site.thing, "variable-unknown", f"Check {name!r} in {site.what}: no form, table or script of "
                      f"this package sets it.{meant(name, known)}")
