"""The rules of the program's shape, kept true by reading its files. Rules about imports are in setup.cfg."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator

import pytest

from engine.errors import EngineError
from tests.sources import ROOT, modules, nodes, place, texts, tracked

LOCKS = ("requirements.lock", "requirements-telemetry.lock", "requirements-test.lock", "requirements-tools.lock")
LONGEST_FILE = 400  # lines that are not blank
LONGEST_FUNCTION = 45  # lines, from `def` to the end, without the docstring
LONGEST_VIEW = 12  # lines of a view's body, without the docstring

CLOCKS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("time", "time"), ("time", "time_ns"), ("time", "localtime"), ("time", "gmtime"), ("func", "now"),
    ("func", "current_timestamp"),
}  # fmt: skip
# who may end a transaction: the unit of work, the database's settings, the migrations
COMMITTERS = {"engine/runtime.py", "engine/storage/database.py", "engine/storage/schema.py"}
VERBS = {"get", "post", "put", "patch", "delete", "route", "read", "change", "create", "open", "upload"}


def listed(offences: list[str], instead: str = "") -> str:
    return "\n".join([instead, *offences])


def test_nothing_in_the_engine_reads_the_wall_clock():
    offences = [place(path, node) for path, node in nodes("engine") if _reads_a_clock(node)]

    assert not offences, listed(offences, "time comes in as `unit.now` or as an argument")


def _reads_a_clock(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return (_last_name(node.value), node.attr) in CLOCKS
    if isinstance(node, ast.ImportFrom) and node.module == "time":
        return any(("time", name.name) in CLOCKS for name in node.names)
    return False


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def test_one_place_commits():
    offences = [
        place(path, node)
        for path, node in nodes("engine", "webapi")
        if str(path.relative_to(ROOT)) not in COMMITTERS and isinstance(node, ast.Call) and _ends_a_transaction(node)
    ]

    assert not offences, listed(offences, "a change happens inside `runtime.begin()`, which commits once")


def _ends_a_transaction(call: ast.Call) -> bool:
    """`x.commit()`, or `x.begin()` of anything but a runtime. Savepoints are free."""
    if not isinstance(call.func, ast.Attribute):
        return False
    if call.func.attr == "begin" and not call.args:
        owner = call.func.value.func if isinstance(call.func.value, ast.Call) else call.func.value
        return not _last_name(owner).endswith("runtime")
    return call.func.attr == "commit"


def test_no_code_knows_a_province_or_a_report_type_by_name():
    offences = [place(path, node) for path, node in nodes("engine", "webapi") if _asks_which_one(node)]

    assert not offences, listed(offences, "what differs is data: province.toml, type.toml, or a new BPMN element")


def _asks_which_one(node: ast.AST) -> bool:
    if isinstance(node, ast.Match):
        return _is_variation(node.subject)
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    return any(map(_is_variation, sides)) and any(map(_is_literal, sides))


def _is_variation(node: ast.AST) -> bool:
    """`province`, `case.report_type`, `row["province"]`, …"""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value in ("province", "report_type")
    return _last_name(node) in ("province", "report_type")


def _is_literal(node: ast.AST) -> bool:
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return any(map(_is_literal, node.elts))
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != ""


def test_every_refusal_has_a_code_of_its_own_a_status_and_a_title():
    refusals = list(_refusals())
    codes = Counter(refusal.code for refusal in refusals)

    assert [code for code, uses in codes.items() if uses > 1] == []
    assert [refusal.__name__ for refusal in refusals if not (refusal.__dict__.get("__doc__") or "").strip()] == []
    assert [refusal.__name__ for refusal in refusals if "status" not in refusal.__dict__] == []
    machines = [refusal.__name__ for refusal in refusals if not 400 <= refusal.status < 500]
    assert machines == ["Unscanned"]  # the scanner's fault, which whoever sent the file may wait for
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code)] == []


def _refusals() -> Iterator[type[EngineError]]:
    """Every kind of refusal there is, after importing every module that could define one."""
    for package in ("engine", "webapi"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if ".migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    waiting = [EngineError]
    while waiting:
        refusal = waiting.pop()
        waiting += refusal.__subclasses__()
        yield refusal


def test_no_view_is_longer_than_a_dozen_lines():
    offences = [
        f"{place(path, node)} {node.name}: {_length(node.body)} lines"
        for path, node in nodes("webapi")
        if isinstance(node, ast.FunctionDef) and any(map(_is_route, node.decorator_list))
        if _length(node.body) > LONGEST_VIEW
    ]

    assert not offences, listed(offences, "a service is missing")


def _is_route(decorator: ast.AST) -> bool:
    """`@bp.get("/…")` and the like."""
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute) and (
        decorator.func.attr in VERBS and bool(decorator.args)
    )  # fmt: skip


def _length(body: list[ast.stmt]) -> int:
    if ast.get_docstring(ast.Module(body, [])) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_no_function_and_no_file_is_too_long():
    functions = [
        f"{place(path, node)} {node.name}: {_length(node.body)} lines"
        for path, node in nodes("engine", "webapi", "bench", "tests")
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _length(node.body) > LONGEST_FUNCTION
    ]
    lines = {path: _filled_lines(path) for path in [*modules("engine", "webapi", "bench", "tests"), ROOT / "manage"]}
    files = [f"{path.relative_to(ROOT)}: {count} lines" for path, count in lines.items() if count > LONGEST_FILE]

    assert not functions + files, listed(functions + files)


def _filled_lines(path) -> int:
    return sum(1 for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


def test_every_line_is_composed_unicode():
    """Vietnamese typed on a Mac may be decomposed (NFD): it looks the same and compares as different."""
    offences = [
        f"{path.relative_to(ROOT)}:{number}"
        for path, text in texts()
        if not unicodedata.is_normalized("NFC", text)
        for number, line in enumerate(text.splitlines(), 1)
        if not unicodedata.is_normalized("NFC", line)
    ]

    assert not offences, listed(offences)


def test_no_module_is_a_drawer_for_everything():
    names = re.compile(r"(utils?|helpers?|common|misc|managers?|\w+_(service|utils?|helpers?))\.py")

    assert [str(path.relative_to(ROOT)) for path in tracked() if names.fullmatch(path.name)] == []


def test_the_map_of_the_house_shows_every_room():
    said = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    there = [path for path in (ROOT / "engine").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    names = [path.name if path.suffix else f"{path.name}/" for path in there if path.name != "__init__.py"]

    assert [name for name in names if not re.search(rf"[`/]{re.escape(name)}`", said)] == []


def test_the_engine_is_imported_without_the_web():
    script = "import sys, engine.packages, engine.runtime; print(*{'flask', 'apscheduler', 'webapi'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_a_server_starts_without_what_few_requests_need_and_looks_for_garbage_afterwards():
    script = ("import gc, sys, webapi.cli; print(gc.isenabled(), *{'alembic', 'authlib', 'httpx', 'openpyxl', "
              "'opentelemetry', 'rich', 'xlsxwriter'} & {*sys.modules})")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True"]


# -- what is installed -----------------------------------------------------------------------------------------------


def test_no_file_names_a_package_registry():
    """A mirror, or the lack of one, is the affair of the machine that installs."""
    names = (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))
    hosts = [".".join(parts) for parts in names]
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY"):
        hosts += re.findall(r"//(?:[^@/\s]*@)?([\w.-]+)", os.environ.get(name, ""))
    offences = [
        f"{path.relative_to(ROOT)} names {host}" for path, text in texts() for host in set(hosts) if host in text
    ]

    assert not offences, listed(offences)


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_version_and_hashes_and_no_address(name):
    text = (ROOT / name).read_text()
    packages = re.split(r"\n(?=\S)", text.strip())

    assert [each for each in packages if not re.match(r"[a-z0-9.-]+(\[[a-z]+\])?==\S+", each)] == []
    assert [each for each in packages if "--hash=sha256:" not in each] == []
    assert "://" not in text and "index-url" not in text


def test_tests_run_with_the_very_versions_that_are_served_with():
    served, told, tested = map(_versions, LOCKS[:3])
    assert served < told < tested


def _versions(name: str) -> set[str]:
    return set(re.findall(r"^\S+==[^\s\\]+", (ROOT / name).read_text(), re.MULTILINE))


def test_ci_runs_what_a_developer_runs():
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if "manage" in line and line[0] != "#"]

    assert commands == ["exec ./manage test"]
