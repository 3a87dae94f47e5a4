"""Processes without the web, as the field's micro-benchmarks run them: sequences, workflow patterns, decision tables.

Ours does all that it does for a report (form, number, history, the case's clock); the naive host keeps one row of JSON;
the floor writes the rows that ours does, and no engine runs. All commit every call to disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from bench import ours
from bench.bed import Bed, Figures
from bench.floor import Floor, completed
from bench.naive import Naive, drawn
from engine.runtime import Runtime
from engine.storage.database import connect
from tests.drawing import draw

THREADS = 4
CASES, ROUNDS = 200, 5
HOSTS = ("naive", "floor", "ours")
STEPS = (1, 5, 15)
RULES = (1, 2, 5, 10, 100)
TELL = "tell send text=RESULT to=reporter ; end done ; send -> done\n"
PATTERNS = {  # of BenchFlow's micro-benchmark (CAiSE 2016), their empty script tasks; our gate
    # refuses a cycle that waits for nobody, so CYC and MIX wait for a person in it
    "SEQ": 'start s ; script a script="x = 1" ; script b script="y = 1" ; s -> a -> b -> send',
    "EXC": 'start s ; xor g ; script a script="x = 1" ; script b script="x = 2" ; xor m\n'
    "s -> g ; g -> a : urgent ; g -> b default ; a -> m ; b -> m ; m -> send",
    "EXT": 'start s ; and g ; script a script="x = 1" ; script b script="y = 1" ; catch wait timer=\'"PT1H"\'\n'
    "tell early text=RESULT to=reporter ; end over terminate\n"
    "s -> g ; g -> a -> early -> over ; g -> b -> wait -> send",
    "PAR": 'start s ; and g ; script a script="x = 1" ; script b script="y = 1" ; and m\n'
    "s -> g ; g -> a -> m ; g -> b -> m ; m -> send",
    "CYC": 'start s ; script zero script="n = 0" ; script a script="n = n + 1" ; user w ; xor g\n'
    "s -> zero -> w -> a -> g ; g -> w : n < 5 ; g -> send default",
}
PATTERNS["MIX"] = (
    'start s ; script zero script="n = 0" ; and f ; script a script="x = 1" ; script b script="n = n + 1" ; xor g\n'
    'user w ; and m ; xor q ; script c script="z = 1" ; script d script="z = 2" ; xor r\n'
    "s -> zero -> f ; f -> a -> m ; f -> w -> b -> g ; g -> w : n < 3 ; g -> m default\n"
    "m -> q ; q -> c : urgent ; q -> d default ; c -> r ; d -> r ; r -> send"
)


class Kind(NamedTuple):
    """A report type of the bench.

    Attributes:
        name: as figures call it.
        diagram: as `tests.drawing` reads it.
        table: that it asks, as DMN.
    """

    name: str
    code: str
    diagram: str
    table: str = ""

    @property
    def picture(self) -> str:
        return draw(f"{self.diagram}\n{TELL}", self.code)

    @property
    def files(self) -> dict[str, str]:
        table = {"decide__dmn": self.table} if self.table else {}
        return ours.files(self.code, process__bpmn=self.picture, **table)


def sequence(bed: Bed) -> Figures:
    """Sequences of 1, 5 and 15 steps: script tasks in one go, and tasks that each wait for somebody"""
    kinds = []
    for steps in STEPS:
        names = [f"t{n}" for n in range(steps)]
        flow = f"start s ; s -> {' -> '.join(names)} -> send"
        for kind, node in (("sync", 'script {} script="x = 1"'), ("waiting", "user {}")):
            diagram = "\n".join([*map(node.format, names), flow])
            kinds.append(Kind(f"{kind}_{steps}", f"S{kind[:1].upper()}{steps}", diagram))
    return _compared(bed, kinds, THREADS)


def patterns(bed: Bed) -> Figures:
    """BenchFlow's workflow patterns: sequence, choice, termination, split and join, cycle, and a mix of them"""
    return _compared(bed, [Kind(name, f"P{name}", diagram) for name, diagram in PATTERNS.items()], THREADS)


def decisions(bed: Bed) -> Figures:
    """A decision table of 1 to 100 rules and two inputs, in a case with full history; one thread"""
    diagram = "start s ; rule decide decision=decide result=found ; s -> decide -> send"
    kinds = [Kind(f"{rules}_rules", f"D{rules}", diagram, _table(rules)) for rules in RULES]
    figures = _compared(bed, kinds, threads=1)
    bed.curves["cases per second, by rules of the table"] = [
        (name, [(float(rules), figures[f"{rules}_rules_{name}_cases_per_s"]) for rules in RULES]) for name in HOSTS
    ]
    most, least = (figures[f"{rules}_rules_ours_cases_per_s"] for rules in (RULES[-1], RULES[0]))
    return figures | {f"{RULES[-1]}_rules_to_{RULES[0]}_ratio": round(most / least, 2)}


def _compared(bed: Bed, kinds: list[Kind], threads: int) -> Figures:
    """The three hosts in turns, each with one database for all kinds."""
    figures: Figures = {}
    urls = {host: bed.make(f"{host}_{kinds[0].code.lower()}") for host in HOSTS}
    for host in ("floor", "ours"):
        ours.prepare(urls[host], *(kind.files for kind in kinds))
    runtime = Runtime(connect(urls["ours"]), lambda: datetime.now(UTC))
    for kind in kinds:
        bed.say(kind.name)
        tables = [kind.table.encode()] if kind.table else []
        naive = Naive(urls["naive"], drawn(kind.picture.encode(), kind.code, *tables))
        floor = Floor(urls["floor"], completed(kind.code))
        lives: tuple[Callable[[], None], ...] = (
            partial(_naive_case, naive), partial(_floor_case, floor), partial(_our_case, runtime, kind.code),
        )  # fmt: skip
        for life in lives:
            _rate(life, threads, threads)  # warm up
        cases = bed.some(CASES, threads)
        rounds = [[_rate(life, cases, threads) for life in lives] for _ in range(bed.some(ROUNDS, 3))]
        naive.database.dispose()
        floor.database.dispose()
        for n, host in enumerate(HOSTS):
            figures[f"{kind.name}_{host}_cases_per_s"] = round(median(rates[n] for rates in rounds), 1)
        figures[f"{kind.name}_ours_to_naive_ratio"] = round(median(our / slow for slow, _, our in rounds), 2)
        figures[f"{kind.name}_ours_to_floor_ratio"] = round(median(our / least for _, least, our in rounds), 2)
    runtime.database.dispose()
    return figures


def _rate(do: Callable[[], Any], count: int, threads: int) -> float:
    """How many a second."""
    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: do(), range(count)))
    return count / (time.monotonic() - began)


def _our_case(runtime: Runtime, code: str) -> None:
    case_id = ours.receive(runtime, code)
    while waiting := ours.waiting(runtime, case_id):
        ours.complete(runtime, waiting[0], {})


def _naive_case(naive: Naive) -> None:
    number, waiting = naive.start(dict(ours.ANSWERS))
    while waiting:
        waiting = naive.complete(number, waiting[0]["id"], {}) or []


def _floor_case(floor: Floor) -> None:
    case = None
    for call in range(len(floor.calls)):
        case = floor.write(call, case)


def _table(rules: int) -> str:
    rows = "".join(
        f'<rule id="r{n}"><inputEntry id="i{n}"><text>"{n}"</text></inputEntry><inputEntry id="j{n}"><text>-</text>'
        f'</inputEntry><outputEntry id="o{n}"><text>"{n}"</text></outputEntry></rule>'
        for n in range(rules - 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"'
        ' id="d" name="Decide" namespace="urn:thong-suot:bench"><decision id="decide" name="Decide">'
        '<decisionTable id="t" hitPolicy="FIRST"><input id="a" label="Place"><inputExpression id="ae" typeRef="string">'
        '<text>place</text></inputExpression></input><input id="b" label="Words"><inputExpression id="be"'
        ' typeRef="string"><text>noi_dung</text></inputExpression></input><output id="o" name="found"'
        f' typeRef="string" />{rows}<rule id="last"><inputEntry id="il"><text>-</text></inputEntry><inputEntry id="jl">'
        '<text>-</text></inputEntry><outputEntry id="ol"><text>"none"</text></outputEntry></rule></decisionTable>'
        "</decision></definitions>\n"
    )
