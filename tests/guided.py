"""The evaluator and the gate, fuzzed by what the inputs reach: for whoever looks for more than `./manage fuzz` finds.

    python3 -m venv /tmp/guided && /tmp/guided/bin/pip install atheris
    PYTHONPATH=$(echo .venv/lib/python3*/site-packages) /tmp/guided/bin/python -m tests.guided gate -max_total_time=600

or `expressions` for `gate`. atheris has wheels for Linux on x86-64 only, so it is in no lock, and not in .venv.
Further options are libFuzzer's. It ends with the first input that does harm, and writes it to a file.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["engine.flow"]):
    from engine.flow.check import check
    from engine.flow.scripts import compile_expression

from tests.test_fuzz_gate import DIAGRAM, SHIPPED
from tests.test_hostile_scripts import HOSTILE_DATA, assert_harmless


def expressions(given: bytes) -> None:
    source = atheris.FuzzedDataProvider(given).ConsumeUnicodeNoSurrogates(len(given))
    assert_harmless(lambda: compile_expression(source).evaluate(HOSTILE_DATA))


def gate(given: bytes) -> None:
    """A shipped diagram with a piece put in, at a place that the input says."""
    said = atheris.FuzzedDataProvider(given)
    at = said.ConsumeIntInRange(0, len(DIAGRAM))
    put = said.ConsumeUnicodeNoSurrogates(len(given))
    faults = check(SHIPPED | {"process.bpmn": DIAGRAM[:at] + put + DIAGRAM[at:]})
    assert all(fault.code and str(fault) for fault in faults)


if __name__ == "__main__":
    which = {"expressions": expressions, "gate": gate}[sys.argv.pop(1)]
    atheris.Setup(sys.argv, which)
    atheris.Fuzz()
