"""Whatever is drawn with blocks inside blocks, our engine does what a token game does that shares nothing with it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.flow import codec
from engine.flow.steps import Complete, Deliver
from tests.naive import Play, Thing, drawn, number
from tests.running import Running

LEAVES = st.one_of(st.just(("task",)), st.tuples(st.just("hasty"), st.booleans()))


def _blocks(inner: st.SearchStrategy) -> st.SearchStrategy:
    handler = st.none() | st.tuples(st.booleans(), inner)
    parts = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        parts.map(lambda some: ("row", *some)),
        parts.map(lambda some: ("and", *some)),
        st.tuples(st.just("sub"), inner, handler),
        st.tuples(st.just("several"), st.integers(0, 3), st.booleans(), inner),
        st.tuples(st.just("again"), st.integers(0, 3), inner),
    )


BLOCKS = st.recursive(LEAVES, _blocks, max_leaves=7)


def things(case: Running) -> list[tuple[Thing, int]]:
    """What may happen, with the token that waits for it, the oldest first."""
    waits = {token: task.element for token, task in case.open.items()} | case.awaited
    found = []
    for token in sorted(waits):
        data = codec.data_at(case.state or b"", token)
        path = tuple(sorted((key, data[key]) for key in data if key[0] == "i"))
        found.append(((waits[token], path), token))
    return found


@settings(max_examples=80, deadline=None)
@given(block=BLOCKS, chance=st.randoms(use_true_random=False))
def test_the_same_things_may_happen_until_the_same_end(block, chance):
    block = number(("row", ("task",), block))
    game, case = Play(block), Running(drawn(block)).starts()

    for _ in range(60):
        assert sorted(thing for thing, _ in things(case)) == game.things()
        assert case.finished == game.finished
        if game.finished:
            return
        thing = chance.choice(game.things())
        token = next(token for one, token in things(case) if one == thing)
        case.take(Complete(token, {}) if token in case.open else Deliver(thing[0], {}, token=token))
        game.happens(thing)
