"""What may become case data, and what is refused at the border."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.flow.scripts import ScriptError, check_value

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_a_value_that_passes_can_be_stored_and_read_back(value):
    try:
        clean = check_value(value, "the answer")
    except ScriptError:
        return
    stored = json.dumps(clean, ensure_ascii=False, allow_nan=False).encode()
    assert json.loads(stored) == clean
    assert check_value(clean, "the answer") == clean
    assert b"\\u0000" not in stored


def test_a_value_is_copied_and_its_text_is_composed():
    value = {unicodedata.normalize("NFD", "huyện"): [unicodedata.normalize("NFD", "Dĩ An"), (1, 2.5, True, None)]}
    clean = check_value(value, "the answer")

    assert clean == {"huyện": ["Dĩ An", [1, 2.5, True, None]]}
    clean["huyện"].append(1)
    assert len(next(iter(value.values()))) == 2


def nested(depth: int):
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"typename": "BpmnWorkflow"}, 'The answer may not have a field named "typename"'),
        ([{"a": {"typename": 1}}], "typename"),
        ({"__builtins__": {}}, "__builtins__"),
        ({"__class__": {}}, "__class__"),
        ({1: 2}, "names of fields"),
        ({"k" * 201: 2}, "names of fields"),
        (float("nan"), "number"),
        (float("inf"), "number"),
        (2**63, "number"),
        (-(2**70), "number"),
        (b"bytes", "not a bytes"),
        ({1, 2}, "not a set"),
        (object(), "not a object"),
        (datetime(2021, 9, 3), "not a datetime"),
        ("a\0b", "NUL"),
        ({"a\0b": 1}, "NUL"),
        ("\ud800", "surrogate"),
        ("a" * 65_537, "65,536 characters"),
        (["a" * 65_000] * 5, "characters of text"),
        ([0] * 10_001, "10,000 items"),
        ([[0] * 5_000, [0] * 5_000], "10,000 items"),
        (nested(20), "nested more than 20 deep"),
        (nested(50_000), "nested more than 20 deep"),
        ({"é": 1, "e\u0301": 2}, "same field twice"),
    ],
    ids=lambda value: ascii(str(value)[:30]) if isinstance(value, str | float | int | bytes) else type(value).__name__,
)
def test_a_value_that_could_not_be_stored_is_refused(value, sentence):
    with pytest.raises(ScriptError, match=sentence):
        check_value(value, "the answer")


def test_a_value_that_contains_itself_is_refused():
    loop: list = []
    loop.append(loop)
    with pytest.raises(ScriptError, match="nested"):
        check_value(loop, "the answer")


def test_harmless_names_in_data_are_just_names():
    assert check_value({"len": 1, "_note": 2, "class": 3, "Typename": 4}, "x") == {
        "len": 1, "_note": 2, "class": 3, "Typename": 4,
    }  # fmt: skip
