"""Every way a package can be wrong: one package for each fault, by the code of the fault."""

from __future__ import annotations

from tests.broken import ELEMENTS, EVENTS, SHAPE, SIMPLE, around, broken
from tests.broken_elsewhere import ELSEWHERE
from tests.broken_exchanges import EXCHANGES
from tests.drawing import TYPE, choice, draw, form

PHOTO: dict[str, object] = {"type": "filepicker", "key": "anh", "label": "anh", "validate": {"required": True}}

DMN = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="x">
<decision id="dinh_tuyen" name="Định tuyến"><decisionTable id="table" hitPolicy="FIRST">
<input id="i"><inputExpression id="ie"><text>channel</text></inputExpression></input>
<output id="o" name="lead_agency"/>
<rule id="r1"><inputEntry id="e1"><text>-</text></inputEntry><outputEntry id="u1"><text>"ubnd"</text></outputEntry>
</rule>
</decisionTable></decision></definitions>"""
TWICE = """</rule>
<rule id="r2"><inputEntry id="e2"><text>"y"</text></inputEntry><outputEntry id="u2"><text>"ubnd"</text></outputEntry>
</rule>"""
OTHER = {"other.bpmn": draw("start s2 ; user u2 ; end e2 ; s2 -> u2 -> e2", "P2")}
MAPPING = '<camunda:inputOutput><camunda:{0} name="x">{1}</camunda:{0}></camunda:inputOutput>'
DEEP = "<camunda:list><camunda:list><camunda:value>${channel ==}</camunda:value></camunda:list></camunda:list>"
RESULT = '<camunda:properties><camunda:property name="result" value="status"/></camunda:properties>'
STARTS = "send a topic=start_case report_type"
HOUSE: dict[str, object] = {"type": "textfield", "key": "so_nha", "label": "so_nha", "properties": {"personal": "true"}}
ASKS_HOUSE = {"tiep_nhan.form": form("tiep_nhan", HOUSE)}
CHOICE = "start s ; user a ; xor x ; tell t ; end e ; s -> a -> x"


FLOWS = [
    broken(
        "condition-missing", "a way that nothing chooses", f'{CHOICE} ; x -> t : channel == "web" ; x -> a ; t -> e'
    ),
    broken(
        "condition-ignored",
        "a condition on a flow out of a task",
        around("user a", "a").replace("s -> a -> t -> e", 's -> a ; a -> t : channel == "web" ; t -> e'),
    ),
    broken(
        "default-with-condition",
        "a default flow with a condition",
        f'{CHOICE} ; x -> t : channel == "web" ; x -> a : channel == "app" ; t -> e',
        swap=('id="x"', 'id="x" default="flow3"'),
    ),
    broken(
        "default-missing",
        "a choice that may find no way",
        f'{CHOICE} ; x -> t : channel == "web" ; x -> a : channel == "app" ; t -> e',
    ),
    broken(
        "default-missing",
        "a single way with a condition",
        'start s ; user a ; xor x ; tell t ; end e ; s -> a -> x ; x -> t : channel == "web" ; t -> e',
    ),
    broken(
        "value-not-offered",
        "a condition for an answer that is not offered",
        f'{CHOICE} ; x -> t default ; x -> a : ${{loai == "xyz"}} ; t -> e',
        files={"a.form": form("a", choice("loai", "x", "y"))},
    ),
    *(
        broken("expression", f"the condition {bad}", f"{CHOICE} ; x -> t default ; x -> a : {bad} ; t -> e")
        for bad in ("channel ==", "__import__('os')", "channel.upper()", "lambda: 1", "channel = 1", "${channel")
    ),
    broken(
        "expression",
        "an input deep in a list",
        around(f"service a topic=x extension='{MAPPING.format('inputParameter', DEEP)}'", "a"),
    ),
    broken("expression", "a script that imports", around("script a script='import os'", "a")),
    broken("expression", "a group that cannot be read", around("user a group='${lead_agency'", "a")),
    broken("expression", "a timer that cannot be read", around("catch c timer='due(\"case\"'", "c")),
    broken(
        "function-unknown",
        "a function that does not exist",
        f"{CHOICE} ; x -> t default ; x -> a : is_holiday() ; t -> e",
    ),
    broken("term-unknown", "a term that is not promised", around("catch c date='due(\"verify\")'", "c")),
    broken(
        "variable-unknown", "a variable that nothing sets", f"{CHOICE} ; x -> t default ; x -> a : loaii == 1 ; t -> e"
    ),
    broken("script-language", "a script in Groovy", around("script a @scriptFormat=groovy script='x = 1'", "a")),
    broken(
        "script-language",
        "a condition in JavaScript",
        f"{CHOICE} ; x -> t default ; x -> a : channel ; t -> e",
        swap=("<bpmn:conditionExpression", '<bpmn:conditionExpression language="javascript"'),
    ),
    broken("script-missing", "a script task without a script", around("script a", "a")),
]


PEOPLE = [
    broken("group-missing", "a task of nobody", around("user a group=-", "a")),
    broken("group-unknown", "a task of an agency that does not exist", around("user a group=ubnd_74", "a")),
    broken(
        "group-unknown",
        "a lane of an agency that does not exist",
        around('user a ; lane "Huyện": a', "a"),
        type='[lanes]\n"Huyện" = "ubnd_74"',
    ),
    broken("groups-several", "a task of two agencies", around("user a group=desk,ubnd", "a")),
    broken("lane-unknown", "a lane that type.toml does not know", around('user a group=- ; lane "Huyện": a', "a")),
    broken("lane-not-drawn", "a lane that no diagram has", type='[lanes]\n"Huyện" = "ubnd"'),
    broken("form-missing", "a form that is not there", around("user a form=xac_minh", "a")),
    broken("form-missing", "an intake form that is not there", files={"tiep_nhan.form": None}),
    broken("form-none", "a task without a form", files={"a.form": None}),
    broken("form-embedded", "form fields in the diagram", around("user a extension='<camunda:formData/>'", "a")),
    broken("form-name", "a form in a file of another name", files={"a.form": form("b")}),
    broken("form", "a form that cannot be read", files={"a.form": "{"}),
    broken("reserved-name", "a script that sets the number", around("script a script='number = 1'", "a")),
    broken("reserved-name", "a result in place of the province", around("service a topic=x result=province", "a")),
    broken(
        "file-at-intake",
        "a photo without which no report is taken",
        files={"tiep_nhan.form": form("tiep_nhan", PHOTO)},
    ),
    broken("reserved-name", "a question for the number", files={"a.form": form("a", choice("number", "x"))}),
    broken(
        "reserved-name",
        "a question for the status at intake",
        files={"tiep_nhan.form": form("tiep_nhan", choice("status", "x"))},
    ),
]


WORDING = [
    broken("status-unknown", "a status that does not exist", around("user a status=la", "a")),
    broken(
        "status-unknown",
        "an outcome that closes as a status that does not exist",
        type='[outcomes.x]\nvi = "X"\ncloses_as = "la"',
    ),
    broken("outcome-unknown", "an outcome that does not exist", around("user a outcome=la", "a")),
    broken("property-unknown", "a property that nothing reads", around("user a property=x", "a")),
    broken("text-missing", "a notice without a text", around("tell n text=", "n")),
    broken("text-missing", "a notice with a text that does not exist", around("tell n text=T99", "n")),
    broken("text", "a text that cannot be read", province='[texts.X]\nsms = "{"'),
    broken(
        "text-untrue",
        "a text of success on the way of refusal",
        around("user a ; tell n text=DN25 outcome=tu_choi", "a -> n"),
    ),
    broken(
        "text-untrue", "a text of success before there is an outcome", around("user a ; tell n text=DN25", "a -> n")
    ),
    broken(
        "placeholder-unknown",
        "a placeholder that nothing fills",
        around("tell n text=X", "n"),
        province='[texts.X]\nsms = "Vì {ly_do_la}"',
    ),
    broken("recipient-unknown", "a notice to nobody known", around("tell n to=chu_tich", "n")),
    broken("recipient-unknown", "a person who tells nobody", around("user n tells=nobody", "n")),
    broken(
        "personal-told",
        "a text to an agency that says where somebody lives",
        around("tell n text=X to=ubnd", "n"),
        province='[texts.X]\nsms = "Nhà {so_nha}"',
        files=ASKS_HOUSE,
    ),
    *(
        broken("personal-copied", name, around(drawing, "a"), files=ASKS_HOUSE)
        for name, drawing in (
            ("a script that copies where somebody lives", "script a script='noi = \"Nhà \" + so_nha'"),
            ("a script that puts where somebody lives into a table", "script a script='noi.nha = so_nha'"),
            ("a message to another case that says where somebody lives",
             f"throw a message=x key=K extension='{MAPPING.format('inputParameter', '${so_nha}')}'"),
        )
    ),
]


SERVICES = [
    broken("service-topic", "a service task without a topic", around("service a", "a")),
    broken("service-topic", "a topic that is not external", around("service a topic=x camunda:type=", "a")),
    broken("service-priority", "a priority in words", around("service a topic=x camunda:taskPriority=cao", "a")),
    broken("service-topic", "a send task without anything", around("send a", "a")),
    broken("start-unknown", "a start of no type", around("send a topic=start_case", "a")),
    broken("start-unknown", "a start of a type by an expression", around(f"{STARTS}='${{channel}}'", "a")),
    broken("start-unknown", "a type that starts itself", around(f"{STARTS}=TEST", "a")),
    broken("start-result", "a number for the case's own", around(f"{STARTS}=X extension='{RESULT}'", "a")),
    broken("start-result", "a number for a result variable", around(f"{STARTS}=X result=x", "a")),
    *(
        broken("service-code", f"a service task with camunda:{code}", around(f"service a camunda:{code}=x", "a"))
        for code in ("class", "expression", "delegateExpression")
    ),
    *(
        broken("mapping-ignored", name, around(drawing, "a"))
        for name, drawing in (
            ("an output", f"service a topic=x extension='{MAPPING.format('outputParameter', '1')}'"),
            *(
                (name, f"service a topic=x extension='{MAPPING.format('inputParameter', value)}'")
                for name, value in (
                    ("a script as input", '<camunda:script scriptFormat="groovy">1</camunda:script>'),
                    ("a script in a list", '<camunda:list><camunda:script>1</camunda:script></camunda:list>'),
                    ("a script in a map", '<camunda:map><camunda:entry key="k"><camunda:script>1</camunda:script>'
                                          "</camunda:entry></camunda:map>"),
                    ("an entry without a key", "<camunda:map><camunda:entry>1</camunda:entry></camunda:map>"),
                    ("a key twice", '<camunda:map><camunda:entry key="k">1</camunda:entry>'
                                    '<camunda:entry key="k">2</camunda:entry></camunda:map>'),
                    ("a text and a list", "1<camunda:list/>"),
                )
            ),
            ("an input of a user task", f"user a extension='{MAPPING.format('inputParameter', '1')}'"),
        )
    ),
    broken(
        "mapping-ignored",
        "a mapping of a call",
        around('call a calls=P2 extension=\'<camunda:in source="x" target="y"/>\'', "a"),
        files=OTHER,
    ),
    broken("decision-missing", "a rule task without a table", around("rule a", "a")),
    broken(
        "decision-missing", "a rule task with a table that does not exist", around("rule a decision=dinh_tuyen", "a")
    ),
    broken("decision-unused", "a table that nobody asks", files={"dinh_tuyen.dmn": DMN}),
    broken(
        "decision-gap",
        "a table without a row for an answer",
        around("user a ; rule r decision=dinh_tuyen", "a -> r"),
        files={
            "dinh_tuyen.dmn": DMN.replace("channel", "loai").replace(">-<", '>"x"<'),
            "a.form": form("a", choice("loai", "x", "y")),
        },
    ),
    broken(
        "decision-overlap",
        "a table with two rows for an answer",
        around("user a ; rule r decision=dinh_tuyen", "a -> r"),
        files={
            "dinh_tuyen.dmn": DMN.replace("channel", "loai").replace("FIRST", "UNIQUE").replace("</rule>", TWICE),
            "a.form": form("a", choice("loai", "x", "y")),
        },
    ),
    broken(
        "decision-result",
        "a list that goes nowhere",
        around("rule a decision=dinh_tuyen camunda:mapDecisionResult=resultList", "a"),
        files={"dinh_tuyen.dmn": DMN},
    ),
    broken(
        "decision",
        "a table that cannot be read",
        around("rule a decision=dinh_tuyen", "a"),
        files={"dinh_tuyen.dmn": DMN.replace(">-<", ">(((<")},
    ),
    broken("called-missing", "a call of nothing", around("call a", "a")),
    broken("called-missing", "a call of a process that is not there", around("call a calls=P2", "a")),
    broken("call-recursive", "a process that calls itself", around("user b ; call a calls=P", "b -> a")),
    broken(
        "call-recursive",
        "a process that calls itself by way of another",
        around("call a calls=P2", "a"),
        files={"other.bpmn": draw("start s2 ; call c2 calls=P2 ; end e2 ; s2 -> c2 -> e2", "P2")},
    ),
    broken("process-unused", "a process that no case reaches", files=OTHER),
    broken("process-unused", "a process that is not executable", swap=('isExecutable="true"', 'isExecutable="false"')),
]


TABLES = [
    broken("file-missing", "no province.toml", files={"province.toml": None}),
    broken("file-unknown", "a file that nothing reads", files={"doc.md": "x"}),
    broken("file-unreadable", "a type.toml that is no TOML", files={"type.toml": TYPE + "x = = 1"}),
    broken("file-unreadable", "a diagram that is no XML", swap=("</bpmn:process>", "")),
    broken("file-unreadable", "a diagram with entities", swap=("<bpmn:definitions", "<!DOCTYPE x><bpmn:definitions")),
    broken("file-unreadable", "XML that is no diagram", files={"other.bpmn": "<x/>"}),
    broken(
        "table-missing",
        "a type without a name",
        files={"type.toml": TYPE.replace("[name]", "[extra]").replace('[extra]\nvi = "Thử nghiệm"', "")},
    ),
    broken("table-value", "a secrecy that does not exist", files={"type.toml": TYPE.replace('"C1"', '"C9"')}),
    broken("table-value", "a status of no kind", type='[statuses.x]\nvi = "X"'),
    broken("table-value", "an agency of no kind", province='[[agencies]]\nkey = "x"\nname = "X"\nkind = "x"'),
    broken("table-key", "a key that nothing reads", type='[deadlnes.x]\nterm = "PT1H"'),
    broken(
        "process-unknown",
        "a process that is not drawn",
        files={"type.toml": TYPE.replace('process = "P"', 'process = "Q"')},
    ),
    broken("deadline", "a term that cannot be", type='[deadlines.a]\nterm = "5 giờ"\ncalendar = "24/7"'),
    broken("deadline", "a step longer than its case", type='[deadlines.a]\nterm = "PT6H"\ncalendar = "24/7"'),
    broken("deadline", "a calendar that cannot be", province='[calendars.x]\ndays = ["mon"]\nhours = ["25:00-26:00"]'),
    broken("deadline-unused", "a deadline of nothing", type='[deadlines.la]\nterm = "PT1H"\ncalendar = "24/7"'),
    broken(
        "pause-ignored",
        "a status that rests a clock that may not",
        type='[statuses.x]\nvi = "X"\nopen311 = "open"\npaused = true\n[pause]\nallowed = false',
    ),
    broken(
        "steps-exceed-case",
        "steps that together take too long",
        around("user a ; user b", "a -> b"),
        type="".join(f'[deadlines.{step}]\nterm = "PT4H"\ncalendar = "24/7"\n' for step in "ab"),
    ),
]


ROUTES = [
    broken(
        "deadlock",
        "a choice that ends in a parallel join",
        "start s ; user a ; xor x ; user b ; user c ; and j ; tell t ; end e ; s -> a -> x ; x -> c default ; "
        'x -> b : channel == "web" ; b -> j ; c -> j ; j -> t -> e',
    ),
    broken(
        "never-ends",
        "two tasks that lead to each other for ever",
        'start s ; xor x ; user a ; user b ; tell t ; end e ; s -> x ; x -> t default ; x -> a : channel == "web" ; '
        "t -> e ; a -> b -> a",
    ),
    broken(
        "tokens-without-bound",
        "a loop that leaves a token behind each time",
        "start s ; user a ; and f ; user b ; tell t ; end e ; s -> a -> f -> b -> a ; f -> t -> e",
    ),
    broken(
        "runs-twice",
        "parallel paths that meet without a join",
        "start s ; and f ; user a ; user b ; user c ; tell t ; end e ; s -> f -> a -> c -> t -> e ; f -> b -> c",
    ),
    broken(
        "loop-without-wait",
        "a script that runs in circles",
        "start s ; user a ; script n script='x = 1' ; xor x ; tell t ; end e ; s -> a -> n -> x ; "
        "x -> t default ; x -> n : x < 3 ; t -> e",
    ),
    broken("citizen-not-told", "an end without a text", "start s ; user a ; end e ; s -> a -> e"),
    broken(
        "citizen-not-told",
        "an end with nothing but an acknowledgement",
        "start s ; tell t ; user a ; end e ; s -> t -> a -> e",
    ),
    broken("citizen-not-told", "an end behind a timer", SIMPLE + " ; boundary b on=a timer=PT1H ; end e2 ; b -> e2"),
    broken(
        "citizen-not-told",
        "an end inside a parallel branch that ends everything",
        "start s ; and f ; user a ; user b ; tell t ; end e ; end k terminate ; s -> f -> a -> t -> e ; f -> b -> k",
    ),
    broken(
        "citizen-not-told",
        "a called process that may not tell",
        "start s ; call c calls=P2 ; end e ; s -> c -> e",
        files={
            "other.bpmn": draw(
                "start s2 ; user u ; xor x ; tell t ; end e2 ; end e3 ; s2 -> u -> x ; "
                'x -> t default ; t -> e2 ; x -> e3 : channel == "web"',
                "P2",
            )
        },
    ),
]

CATALOGUE = [*SHAPE, *ELEMENTS, *EVENTS, *EXCHANGES, *ELSEWHERE, *FLOWS, *PEOPLE, *WORDING, *SERVICES, *TABLES, *ROUTES]
