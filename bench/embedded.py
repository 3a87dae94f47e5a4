"""Processes without the web, as the field's micro-benchmarks run them: sequences, workflow patterns, decision tables.

Ours does all that it does for a report (form, number, history, the case's clock); the naive host keeps one row of JSON.
Both commit every call to disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from statistics import median
from typing import Any

from bench import ours
from bench.bed import Bed, Figures
from bench.naive import Naive, drawn
from engine.runtime import Runtime
from engine.storage.database import connect
from tests.drawing import draw

THREADS = 4
CASES, ROUNDS = 200, 5
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


def sequence(bed: Bed) -> Figures:
    """Sequences of 1, 5 and 15 steps: script tasks in one go, and tasks that each wait for somebody"""
    figures: Figures = {}
    for steps in STEPS:
        names = [f"t{n}" for n in range(steps)]
        flow = f"start s ; s -> {' -> '.join(names)} -> send\n{TELL}"
        for kind, node in (("sync", 'script {} script="x = 1"'), ("waiting", "user {}")):
            diagram = "\n".join(node.format(name) for name in names) + "\n" + flow
            figures |= _beside_naive(bed, f"{kind}_{steps}", f"S{kind[:1].upper()}{steps}", diagram)
    return figures


def patterns(bed: Bed) -> Figures:
    """BenchFlow's workflow patterns: sequence, choice, termination, split and join, cycle, and a mix of them"""
    figures: Figures = {}
    for name, diagram in PATTERNS.items():
        figures |= _beside_naive(bed, name, f"P{name}", f"{diagram}\n{TELL}")
    return figures


def decisions(bed: Bed) -> Figures:
    """A decision table of 1 to 100 rules and two inputs, in a case with full history"""
    figures: Figures = {}
    tables = {f"D{rules}": _table(rules) for rules in RULES}
    diagram = f"start s ; rule decide decision=decide result=found ; s -> decide -> send\n{TELL}"
    types = [ours.files(code, process__bpmn=draw(diagram, code), decide__dmn=one) for code, one in tables.items()]
    runtime = _runtime(bed.make("decisions"), *types)
    for code in tables:
        bed.say(f"{code[1:]} rules")
        ours.receive(runtime, code)  # warm up
        rate = _rate(lambda code=code: ours.receive(runtime, code), bed.some(CASES, 5), 1)  # type: ignore[misc]
        figures[f"{code[1:]}_rules_cases_per_s"] = round(rate, 1)
    runtime.database.dispose()
    bed.curves["cases per second, by rules of the table"] = [
        ("ours", [(float(rules), figures[f"{rules}_rules_cases_per_s"]) for rules in RULES])
    ]
    figures["100_rules_to_1_ratio"] = round(figures["100_rules_cases_per_s"] / figures["1_rules_cases_per_s"], 2)
    return figures


def _beside_naive(bed: Bed, name: str, code: str, diagram: str) -> Figures:
    bed.say(name)
    picture = draw(diagram, code)
    runtime = _runtime(bed.make(f"ours_{code.lower()}"), ours.files(code, process__bpmn=picture))
    naive = Naive(bed.make(f"naive_{code.lower()}"), drawn(picture.encode(), code))
    both: tuple[Callable[[], None], ...] = (lambda: _naive_case(naive), lambda: _our_case(runtime, code))
    for do in both:
        _rate(do, THREADS, THREADS)  # warm up
    rounds = [[_rate(do, bed.some(CASES, THREADS), THREADS) for do in both] for _ in range(bed.some(ROUNDS, 3))]
    naive.database.dispose()
    runtime.database.dispose()
    return {
        f"{name}_naive_cases_per_s": round(median(slow for slow, _ in rounds), 1),
        f"{name}_ours_cases_per_s": round(median(fast for _, fast in rounds), 1),
        f"{name}_ours_to_naive_ratio": round(median(fast / slow for slow, fast in rounds), 2),
    }


def _runtime(url: str, *types: dict[str, str]) -> Runtime:
    ours.prepare(url, *types)
    return Runtime(connect(url), lambda: datetime.now(UTC))


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
