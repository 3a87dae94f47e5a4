"""States: what is written of a running process is all there is to it, and it stays small."""

from __future__ import annotations

import threading
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.flow.machine import Machine
from engine.flow.steps import Amend, Answer, Complete, Deliver, Fire, Outcome, Start, Step
from engine.flow.tokens import Moment, Process
from tests.running import BEGIN, Running, machine

# -- data are data ---------------------------------------------------------------------------------------------------

ODD = {
    "typename": "datetime",
    "__class__": {"__reduce__": ["os.system", "true"]},
    ">start": ">end",
    "host": 1,
    "": None,
    "tiếng Việt": "Thủ Dầu Một, phường Phú Hòa",
    "dài": "đ" * 10_000,
    "lồng": {"typename": [1, 2.5, True, None, {"a": []}], "ẩn": {}},
    "số": [0, -1, 2**53, 1e-9],
}


def test_no_name_or_value_in_the_data_means_anything_to_the_state():
    case = Running(
        "start s ; user a ; call q calls=Q ; end e ; s -> a -> q -> e",
        calls={"Q": "start sq ; user b ; end eq ; sq -> b -> eq"},
    )

    case.take(Start(ODD))
    assert case.data == ODD
    case.take(Complete(case.token_of("a"), {"typename": ["mới"]}))
    assert case.does("b").data == {**ODD, "typename": ["mới"]}


def test_text_comes_back_letter_by_letter():
    for text in ("Hòa", "Ho\u0300a", 'Hoà\n\t"\\', "👩‍🚒", "\u2028"):
        case = Running("start s ; user a ; user b ; end e ; s -> a -> b -> e").starts(x=text)
        assert case.does("a").data["x"] == text


# -- small -----------------------------------------------------------------------------------------------------------

REOPENED = """
start s ; xor again ; and split ; or some ; user handle ; boundary nudge on=handle cycle=R/PT1H aside ; tell remind
user confirm ; or meet ; xor satisfied ; end e ; end f
sub box {
start s1 ; script count script="lan = lan + 1" ; end e1
s1 -> count -> e1
}
s -> again -> box -> split
split -> some -> handle : lan > 0
some -> meet default
split -> meet
handle -> meet
nudge -> remind -> f
meet -> confirm -> satisfied
satisfied -> again : hai_long == false
satisfied -> e default
"""


def test_a_thousand_reopenings_leave_no_trace():
    case = Running(REOPENED).starts(lan=0)
    sizes, tokens = [], []
    step, moment = case.machine.take, Moment(BEGIN)
    state, handle = case.state, case.token_of("handle")

    for _ in range(1_000):
        opened = step(state, Complete(handle, {}), moment).opened
        state = step(state, Complete(handle, {}), moment).state
        outcome = step(state, Complete(opened[0].token, {"hai_long": False}), moment)
        state, handle = outcome.state, outcome.opened[0].token
        sizes.append(len(state))
        tokens.append(handle)

    assert outcome.data["lan"] == 1_001
    assert max(sizes) - min(sizes) < 20, "only the numbers of tokens grow by a digit"
    assert len({later - earlier for earlier, later in zip(tokens, tokens[1:], strict=False)}) == 1, (
        "same work each time"
    )
    assert len(outcome.passed) < 15


def test_a_state_holds_the_data_once_and_nothing_of_the_diagram():
    case = Running(REOPENED.replace("user handle", 'user handle "Xử lý phản ánh của người dân"')).starts(lan=0)

    assert len(case.state) < 200
    assert "Xử lý" not in case.state.decode()
    case = Running(case.machine).starts(lan=0, noi_dung="x" * 5_000)
    assert len(case.state) < 5_300


def test_numbers_of_tokens_are_never_used_again():
    case = Running("""
        start s ; xor again ; user a ; xor enough ; end e
        s -> again -> a -> enough
        enough -> again : n < 20
        enough -> e default
        """).starts()
    seen = []

    for n in range(20):
        seen.append(case.token_of("a"))
        case.does("a", n=n + 1)

    assert case.finished
    assert seen == sorted(set(seen))


def test_a_state_is_json_that_a_person_can_read():
    case = Running("start s ; user verify ; end e ; s -> verify -> e").starts(x=1)

    assert orjson.loads(case.state) == [1, 2, {"x": 1}, [[2, "verify", 16, {"from": "s", "group": "desk"}]], [], False]


# -- whatever happens ------------------------------------------------------------------------------------------------

EVERYTHING = """
start s ; xor again ; and split ; or some ; user a ; user b ; user c ; or meet ; and all ; user ask ; xor enough
end e ; end eh ; user g ; user h ; user i ; xor xb ; xor xq ; call q calls=Q ; service look topic=tra_cuu
boundary bad on=box error=E1 ; boundary told on=box message=m aside ; boundary late on=q timer=PT1H
boundary stopped on=a signal=dung
sub box {
start s1 ; user d ; boundary nudge on=d cycle=R3/PT10M aside ; user f ; xor good ; end e1 ; end e2 ; end bang error=E1
throw stop signal=dung
s1 -> d -> good
good -> bang : kieu == 1
good -> stop : kieu == 2
good -> e1 default
stop -> e1
nudge -> f -> e2
}
s -> again -> split
split -> some
split -> box -> xb
split -> q -> xq
some -> a : x > 0
some -> b : x > 1
some -> c default
a -> meet
b -> look -> meet
c -> meet
stopped -> meet
bad -> g -> xb
told -> h -> eh
late -> i -> xq
meet -> all
xb -> all
xq -> all
all -> ask -> enough
enough -> again : lan < 2
enough -> e default
"""
CALLED = {
    "Q": """
start sq ; and two ; user w status=dang_hoi ; race first ; receive hear message=m ; catch tick timer=P1D ; xor heard
and both ; end eq
sq -> two
two -> w -> both
two -> first
first -> hear -> heard
first -> tick -> heard
heard -> both -> eq
"""
}


class Remembering(Machine):
    """Goes on with the process it has, instead of reading the state."""

    kept: Process | None = None

    def _process(self, state: bytes | None, step: Step) -> Process:
        if self.kept is None:
            self.kept = super()._process(state, step)
            self.kept.fall_apart = lambda: None  # type: ignore[method-assign]  # it is needed again
        self.kept.effects, self.kept.armed, self.kept.passed = [], [], []
        return self.kept


@pytest.fixture(scope="module")
def everything() -> Machine:
    return machine(EVERYTHING, calls=CALLED)


def possible(case: Running) -> list[Step]:
    """Everything that people, clocks and services can do next."""
    answers = {
        "ask": [{"lan": case.data.get("lan", 0) + 1, "x": n} for n in range(3)],
        "d": [{"kieu": n, "ghi": n} for n in range(3)],
        "w": [{"ghi": 7}, {"lead_agency": "ubnd"}],
    }
    found: list[Step] = [
        Complete(token, answer)
        for token, task in sorted(case.open.items())
        for answer in answers.get(task.element, [{f"by_{task.element}": True}])
    ]
    found += [Fire(token) for token in sorted(case.timers)]
    found += [Deliver("m", {"ghi": token}, token) for token in sorted(case.awaited)]
    found += [Answer(token, {"thay": True}) for token in sorted(case.asked)]
    return [*found, Amend({"ghi": 0, "severity": "khan"})]


def plays(case: Running, step: Step) -> Outcome:
    if isinstance(step, Answer):
        del case.asked[step.token]
    return case.take(step).outcome


@settings(max_examples=60, deadline=None)
@given(choices=st.lists(st.integers(0, 10_000), min_size=1, max_size=25), x=st.integers(0, 2))
def test_going_on_from_what_was_written_is_going_on(everything, choices, x):
    case, memory = Running(everything), Remembering(everything.definition)
    data: dict[str, Any] = {"x": x, "lan": 0}
    case.starts(**data)
    memory.take(None, Start(data), case.moment())

    for choice in choices:
        steps = possible(case)
        assert len(steps) > 1, "a case that is not finished always waits for somebody"
        step = steps[choice % len(steps)]
        before = case.state
        outcome = plays(case, step)
        assert memory.take(before, step, case.moment()) == outcome
        if case.finished:
            break
    assert len(case.state) < 1_500


@settings(max_examples=20, deadline=None)
@given(choices=st.lists(st.integers(0, 10_000), max_size=25))
def test_whatever_happened_the_case_comes_to_its_end(everything, choices):
    case = Running(everything).starts(x=1, lan=0)
    for choice in choices:
        steps = possible(case)
        plays(case, steps[choice % len(steps)])
        if case.finished:
            return

    for _ in range(60):
        if case.finished:
            break
        plays(case, possible(case)[0])

    assert case.finished


def test_cases_in_many_threads_do_not_disturb_each_other():
    shared = machine(EVERYTHING, calls=CALLED)

    def story(seed: int, using: Machine) -> list[bytes]:
        case = Running(using).starts(x=seed % 3, lan=0)
        states = [case.state]
        for n in range(30):
            steps = possible(case)
            plays(case, steps[(seed * 7 + n * 13) % len(steps)])
            states.append(case.state)
            if case.finished:
                break
        return states

    told: dict[int, list[bytes]] = {}
    together = threading.Barrier(6)

    def run(seed: int) -> None:
        together.wait()
        told[seed] = story(seed, shared)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == {seed: story(seed, machine(EVERYTHING, calls=CALLED)) for seed in range(6)}
