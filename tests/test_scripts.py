"""What analysts may write in conditions and scripts, and what it means."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest

from engine.flow.scripts import KNOWN_FUNCTIONS, ScriptError, compile_expression, compile_script, strip_expression

CASE = {
    "a": 1,
    "b": 3,
    "severity": "khan",
    "loai": "ha_tang",
    "note": None,
    "dia_diem": {"huyen": "Dĩ An", "toa_do": [10.9, 106.77]},
    "co_quan": ["ubnd_74_724", "so_xd"],
    "tep": [{"ten": "a.jpg", "kb": 120}, {"ten": "b.jpg", "kb": 30}],
    "mo_ta": "Ổ gà trước số nhà 12",
}


def value_of(source: str, data: dict | None = None, **functions):
    return compile_expression(source).evaluate(CASE if data is None else data, functions)


def after(script: str, **data):
    compile_script(script).run(data)
    return data


def refusal(source: str, data: dict | None = None) -> str:
    with pytest.raises(ScriptError) as refused:
        value_of(source, data)
    return str(refused.value)


# -- expressions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("a == 1 and b > 2", True),
        ("${a == 1 && b > 2}", True),
        ("#{a == 2 || b >= 3}", True),
        ("${!(a == 1) || note != null}", False),
        ("a==1&&b==3", True),
        ("a == 1\n  && b == 3", True),
        ("a == 1 # vì sao\n  and b == 4", False),
        ("1 < b <= 3", True),
        ("1 < b < 3", False),
        ("3 > b > undefined_because_never_asked", False),
        ("!note", True),
        ("!b == 4", False),
        ("false == !b", True),
        ("not a == 1", False),
        ("null == note and true != false", True),
        ("None == note and True", True),
        ("note is null and a is not None", True),
        ('loai in ["ha_tang", "moi_truong"]', True),
        ('loai not in ("ha_tang",)', False),
        ('"gà" in mo_ta', True),
        ('"huyen" in dia_diem', True),
        ("[1, [2]] in [[1, [2]]]", True),
        ("dia_diem.huyen == 'Dĩ An'", True),
        ('dia_diem["huyen"][0]', "D"),
        ("dia_diem.toa_do[-1]", 106.77),
        ("co_quan[0:1]", ["ubnd_74_724"]),
        ("mo_ta[:4]", "Ổ gà"),
        ("2 + 3 * 4 - 7 // 2 - 7 % 4 + 1 / 2", 8.5),
        ("-a + +b", 2),
        ('"ubnd_" + str(a)', "ubnd_1"),
        ('f"Còn {b} ngày, {note}"', "Còn 3 ngày, "),
        ("[1] + [2, 3]", [1, 2, 3]),
        ('"gấp" if severity == "khan" else "thường"', "gấp"),
        ("(1, 2)", [1, 2]),
        ("{3, 1, 3}", [3, 1]),
        ('{"x": a, "y": [b]}', {"x": 1, "y": [3]}),
        ("[t.ten for t in tep if t.kb > 100]", ["a.jpg"]),
        ("[x + y for x in [1, 2] for y in [10, 20] if x > 1 if y > 10]", [22]),
        ("{t.ten: t.kb for t in tep}", {"a.jpg": 120, "b.jpg": 30}),
        ('[k for k, v in items({"x": 1, "y": 2}) if v > 1]', ["y"]),
        ("{x % 2 for x in range(5)}", [0, 1]),
        ("any(t.kb > 100 for t in tep) and not all(t.kb > 100 for t in tep)", True),
        ("[a for a in [7]] + [a]", [7, 1]),
        ("note and note.x", None),
        ('note or "không"', "không"),
        ("[1, 2] == [1, 2] and {'k': [1]} != {'k': [2]}", True),
        ("a == 'a'", False),
        ("[] == {}", False),
    ],
)
def test_expressions_mean_what_an_analyst_would_say(source, value):
    assert value_of(source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('len("Dĩ An") + len([1]) + len({"k": 1})', 7),
        ("str(1) + str(1.5) + str(true) + str(null)", "11.5true"),
        ('int("7") + int(1.9) + float("0.5")', 8.5),
        ("round(2.567, 2) + round(2.4)", 4.57),
        ("abs(-2) + sum([1, 2]) + min(3, 4) + max([5, 6])", 14),
        ('min("b", "a")', "a"),
        ("sorted([3, 1, 2])", [1, 2, 3]),
        ('upper("đường") + lower("ĐÈN") + trim("  x ")', "ĐƯỜNGđènx"),
        ('starts_with("BDTT-1", "BDTT") and ends_with("a.jpg", ".jpg")', True),
        ('contains(co_quan, "so_xd") and contains("xyz", "y") and contains(dia_diem, "huyen")', True),
        ('contains(note, "x")', False),
        ('replace("a-b", "-", "+") + join(split("x,y", ","), "; ")', "a+bx; y"),
        ("range(3) + range(4, 0, -2)", [0, 1, 2, 4, 2]),
        ('keys({"x": 1}) + values({"y": 2})', ["x", 2]),
        ('get(dia_diem, "xa", "?") + get(null, "xa", "!")', "?!"),
        ("defined(note) and not defined(xa) and not defined(dia_diem.xa) and defined(dia_diem.huyen)", True),
        ("empty(note) and empty(xa) and empty(dia_diem.xa) and not empty(loai) and not empty(a)", True),
        ("[empty(t) for t in [[], 0, '']]", [True, False, True]),
        ('date("2021-09-03") < "2021-09-10"', True),
        ('date("2021-09-03T23:30:00Z")', "2021-09-04"),
        ('datetime("2021-09-03T08:30:00Z") == datetime("2021-09-03T15:30")', True),
        ('add_days("2021-09-28", 5)', "2021-10-03"),
        ('days_between("2021-09-03", "2021-09-10T07:00+07:00")', 7),
    ],
)
def test_functions_do_what_their_names_say(source, value):
    assert value_of(source) == value


def test_a_host_adds_functions_but_cannot_replace_the_ones_there_are():
    assert value_of('due("verify") > now()', due=lambda name: "2021-09-04", now=lambda: "2021-09-03") is True
    assert value_of("len([1, 2])", len=lambda value: 99) == 2


def test_a_hosts_moments_can_be_compared_and_become_iso_text_in_a_script():
    moment = datetime(2021, 9, 3, 8, 30, tzinfo=UTC)
    assert value_of("now() >= now()", now=lambda: moment) is True
    assert value_of("date(now())", now=lambda: moment) == "2021-09-03"

    data: dict = {}
    compile_script("luc = now()").run(data, {"now": lambda: moment})
    assert data == {"luc": "2021-09-03T08:30:00+00:00"}


def test_what_a_hosts_function_cannot_do_is_told_as_the_analysts_mistake():
    with pytest.raises(ScriptError, match=r"due\(…\) has no answer.*verfy"):
        value_of('due("verfy")', due={}.__getitem__)


def test_an_expression_knows_what_it_reads_and_calls():
    found = compile_expression("[x + a for x in co_quan if due(x) > b] and defined(c) and d.e and true")

    assert found.names == {"a", "b", "co_quan", "d"}
    assert found.calls == {"due", "defined"}
    assert found.calls - KNOWN_FUNCTIONS == {"due"}


def test_the_value_of_an_expression_shares_nothing_with_the_data():
    data = {"x": {"list": [1]}}
    value_of("x", data)["list"].append(2)
    assert data == {"x": {"list": [1]}}


def test_text_is_compared_in_one_unicode_form_however_the_diagram_was_typed():
    decomposed = unicodedata.normalize("NFD", 'huyện == "Dĩ An"')
    assert value_of(decomposed, {"huyện": "Dĩ An"}) is True


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("${x > 1}", "x > 1"),
        ("  ${ x }\n", "x"),
        ('${x == "}"}', 'x == "}"'),
        ('${ {"a": 1}.a }', '{"a": 1}.a'),
        ("ubnd_74_718", None),
        ("", None),
        ("PT5H", None),
        ("x > 1", None),
        ("ubnd_${area}", '"ubnd_" + str(area)'),
        ("${a}-${b}", 'str(a) + "-" + str(b)'),
    ],
)
def test_strip_expression_tells_expressions_from_plain_text(text, source):
    assert strip_expression(text) == source


def test_a_text_with_an_expression_in_it_can_be_evaluated():
    assert value_of(strip_expression('"Cơ quan" ${dia_diem.huyen}!')) == '"Cơ quan" Dĩ An!'


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("khu_pho == 1", "The name 'khu_pho' is not defined"),
        ("dia_diem.xa", "There is no field 'xa' in 'dia_diem'."),
        ('dia_diem["xa"]', 'There is no field "xa" here.'),
        ("note.huyen", "There is no field 'huyen' in 'note', which is empty (null)."),
        ("co_quan[2]", "There is no item 2: there are only 2."),
        ("co_quan['0']", "read by position"),
        ("a > loai", "'>' cannot compare a number with text."),
        ("note > 1", "'>' cannot compare empty (null) with a number."),
        ("[1] < [2]", "cannot compare a list with a list"),
        ('"Còn " + b', "Cannot add text and a number. Write str(…)"),
        ("a / 0", "'/' divides by zero."),
        ("a % 0", "'%' divides by zero."),
        ("verify()", "There is no function 'verify'."),
        ("int('x')", 'int(…) cannot make a whole number of "x".'),
        ("date('3/9/2021')", "write"),
        ("'x' in 5", "not in a number"),
        ("[x for x in 5]", "A loop goes through a list"),
        ("max([])", "empty list"),
        ("sum(['a'])", "needs numbers"),
        ("{1: 2}", "named by texts"),
        ("1e308 * 10", "not a finite number"),
        ("float('nan')", "not a finite number"),
        ("sum([9223372036854775807, 1])", "too large a number"),
    ],
)
def test_what_does_not_fit_the_data_is_told_in_a_sentence(source, sentence):
    assert sentence in refusal(source)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", "The expression is empty."),
        ("${}", "The expression is empty."),
        ("a ==", "cannot be read"),
        ("a = 1", "Column 1: This cannot be read (invalid syntax): compare with '==', not '='."),
        ('string join(a, ",")', "there is no function 'string join'."),
        ("=a > 1", "leave out the '=' in front, which only Camunda 8 writes."),
        ("a !== 1", "write '!=' instead of '!=='."),
        ("a == 1;", "leave out the ';' at the end."),
        ("throw new Error('a')", "this is JavaScript; write it in the small Python of this server."),
        ("a ? 1 : 2", "write 'b if a else c' instead of 'a ? b : c'"),
        ("a === 1", "Column 3: This cannot be read: write '==' instead of '==='."),
        ("a eq 1", "write '==' instead of 'eq'"),
        ("empty loai", "write empty(x)"),
        ("loai == “x”", 'Column 9: This cannot be read: write straight quotation marks: "…".'),
        ("loai == 'x", "Column 9: This cannot be read: the quotation mark is never closed."),
        ("${a == 1", "'${' is never closed"),
        ("(a == 1", "Column 1: '(' is never closed."),
        ("a == 1)", "Column 7: ')' closes nothing that was opened."),
        ("a && b && lower(loai).x.__class__", "Column 11: Names may not begin with '_', as '__class__' does."),
        ("mo_ta + loai.upper()", "Column 9: Only functions can be called, by their name: write upper(x)."),
        ("console.log(mo_ta)", "Column 1: Only functions can be called, by their name: leave it out, nobody reads"),
        ("execution.getVariable('a') == 1", "by their name: write the variable's name alone."),
        ("a.b.c()", "Column 1: Only functions can be called, by their name."),
        ("a == 1 && b ** 2", "Column 13: '**' is not allowed: write x * x."),
        ('dia_diem.huyen == "Dĩ An" || a & b', "Column 30: '&' is not allowed: write 'and'."),
        ("a == 1 &&\n  b ** 2", "Line 2, column 5: '**' is not allowed"),
        ("len(a, b)", "too few or too many"),
        ("round(number=1)", "in order, without names"),
        ("lambda: 1", "Functions cannot be made here."),
        ("? > 3", "only in a cell of a decision table"),
        ("[1..3]", "stands alone in a cell of a decision table"),
        ('"\\d+"', "for a backslash in a text"),
        ("-" * 41 + "a", "Column 41: '-' is repeated too often."),
        ("f'{a:>9}'", "takes no format"),
        ("f'{a!r}'", "takes no format"),
        ("{**dia_diem}", "Column 2: '**' is not allowed"),
        ("f'{ {**dia_diem} }'", "'**' is not allowed here."),
        ("f'{2 ** 3}'", "'**' is not allowed: write x * x."),
        ("f'{(lambda: 1)}'", "Functions cannot be made here."),
        ("'a\\x00'", "NUL"),
        ("'\\ud800'", "surrogate"),
        ("b'x'", "no letter before its quotation mark"),
        ("a is 1", "'is' compares only with null"),
        ("tep[::2]", "without a step"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place_when_it_is_compiled(source, sentence):
    with pytest.raises(ScriptError) as refused:
        compile_expression(source)
    assert sentence in str(refused.value)


# -- scripts ---------------------------------------------------------------------------------------------------------


def test_a_script_sets_fields_by_conditions_and_loops():
    script = """
        # đếm ảnh
        so_anh = 0
        ten = []
        for t in tep:
            if t.kb > 100 && !empty(t.ten):
                so_anh += 1
                ten = ten + [t.ten]
            elif t.kb > 50:
                pass
            else:
                nho = true
        dia_diem["xa"] = dia_diem.huyen + "/1"
        dia_diem.so = so_anh
        """
    assert after(script, tep=CASE["tep"], dia_diem={"huyen": "Dĩ An"}) == {
        "tep": CASE["tep"],
        "dia_diem": {"huyen": "Dĩ An", "xa": "Dĩ An/1", "so": 1},
        "so_anh": 1,
        "ten": ["a.jpg"],
        "nho": True,
    }


def test_a_script_that_fails_changes_nothing_and_says_in_which_line():
    data = {"a": 1, "x": {"k": [1]}}
    with pytest.raises(ScriptError, match=r"Line 3: The name 'c' is not defined"):
        compile_script("a = 2\nx['k'][0] = 5\nb = c\n").run(data)
    assert data == {"a": 1, "x": {"k": [1]}}


def test_values_are_not_shared_between_names():
    inner = {"k": 1}
    data = after("y = x\ny['k'] = 2\nz = [y, y]\nz[0]['k'] = 3", x=inner)
    assert (data["x"], data["y"], data["z"]) == ({"k": 1}, {"k": 2}, [{"k": 3}, {"k": 2}])
    assert inner == {"k": 1}


def test_the_name_of_a_loop_does_not_become_a_field():
    assert after("n = 0\nfor x in [1, 2]:\n    n += x", x="cũ") == {"x": "cũ", "n": 3}
    with pytest.raises(ScriptError, match="belongs to the loop"):
        compile_script("for x in [1]:\n    x = 2")


def test_a_script_only_touches_what_it_assigns():
    data = {"a": object(), "b": 1}  # whatever else is in there is not looked at
    compile_script("c = b + 1").run(data)
    assert data["c"] == 2
    assert compile_script("c = b + d.e\nif c: f = 1\ng['k'] = 2").assigned == {"c", "f", "g"}


def test_expressions_may_stand_alone_and_assignments_may_be_chained():
    assert after("'ghi chú'\nlen([])\nx = y = [1]\nx[0] -= 3") == {"x": [-2], "y": [1]}
    assert after("if a:\n    pass\n", a=1) == {"a": 1}
    assert after("") == {}


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("while true:\n    a = 1", "'while' is not allowed"),
        ("import os", "Nothing can be imported"),
        ("from os import path", "Nothing can be imported"),
        ("def f():\n    pass", "Functions cannot be made"),
        ("for x in []:\n    break", "'break' is not allowed"),
        ("class A:\n    pass", "'ClassDef' is not part of the language"),
        ("with a:\n    pass", "'With'"),
        ("try:\n    a = 1\nexcept:\n    pass", "'Try'"),
        ("del a", "'Delete'"),
        ("global a", "'Global'"),
        ("raise a", "'Raise'"),
        ("assert a", "'Assert'"),
        ("a: int = 1", "'AnnAssign'"),
        ("a, b = 1, 2", "Only a name, or a field of a name, can be set"),
        ("a **= 2", "'**' is not allowed"),
        ("_a = 1", "may not begin with '_'"),
        ("a.__class__ = 1", "may not begin with '_'"),
        ("true = 1", "'true' cannot be set"),
        ("typename = 1", "'typename' cannot be set"),
        ("a[0:1] = []", "not a[from:to]"),
        ("for x in []:\n    pass\nelse:\n    pass", "'for' takes no 'else'"),
        ("async def f():\n    pass", "'AsyncFunctionDef'"),
        ("a = 1\nb = = 2", "Line 2, column 5: This cannot be read"),
        ("a = (yield)", "'Yield'"),
        ("match a:\n    case 1:\n        pass", "'Match'"),
    ],
)
def test_other_statements_do_not_exist(script, sentence):
    with pytest.raises(ScriptError) as refused:
        compile_script(script)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ('x = {}\nx["typename"] = 1', "reserved"),
        ('x = {"a": [{"typename": "BpmnWorkflow"}]}', "reserved"),
        ('x = {"__builtins__": 1}', "reserved"),
        ("x['k'] = 1", "write x = {} first"),
        ("x = 1\nx['k'] = 1", "Cannot set"),
        ("x = {}\nx[[1]] = 1", "names of fields"),
        ("x = {}\nx[1] = 1", "names of fields"),
        ("x = [0]\nfor i in range(25):\n    x = [x]\nz = x == [x]", "Lists are nested more than 20 deep"),
        ("x = [1]\nx[3] = 1", "There is no item 3"),
        ("x = [0]\nfor i in range(25):\n    x = [x]", "nested more than 20 deep"),
    ],
)
def test_a_script_cannot_make_data_that_could_not_be_stored(script, sentence):
    data: dict = {}
    with pytest.raises(ScriptError, match=sentence):
        compile_script(script).run(data)
    assert data == {}
