"""A shipped report type on SpiffWorkflow as it comes: its own parser, tree of tasks, copies of data, and JSON.

What is compared is the engine, not the language of expressions: the diagrams are translated (`translated`) as far as
they say what only we understand, and a script engine of SpiffWorkflow's kind speaks our language (`OurLanguage`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnEvent, BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.specs.event_definitions import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins import CallActivityMixin, EventBasedGatewayMixin, SubWorkflowTaskMixin
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.specs.Join import Join

from engine.flow.decisions import Decision
from engine.flow.nodes import FIND_DUPLICATES, NEW_NUMBER, START_CASE
from engine.flow.parser import BPMN, CAMUNDA
from engine.flow.scripts import compile_expression, compile_script, strip_expression
from engine.flow.steps import MIRRORED
from engine.flow.xml import parse_xml

ANSWERS = {FIND_DUPLICATES: {"trung_so": 1, "trung_ma": ["1022.BD.20210903.00001"]},
           START_CASE: {NEW_NUMBER: "1022.BD.20210903.00002"}}  # fmt: skip
SERIALIZER = BpmnWorkflowSerializer()
AT_WORK = TaskState.READY | TaskState.WAITING | TaskState.STARTED


# -- translating -----------------------------------------------------------------------------------------------------


def translated(source: str, name: str) -> etree._Element:
    """The diagram, with our words in the standard's: what an element marks or is answered becomes a script; the page,
    by whose y SpiffWorkflow sorts flows, is left out."""
    root = parse_xml(source, name)
    for one in [*root.iter("{*}BPMNDiagram")]:
        root.remove(one)
    for node in [*root.iter(f"{BPMN}sendTask", f"{BPMN}serviceTask")]:
        _becomes_script(node, _said({**_marks(node), **_answer(node)}))
    for node in [*root.iter(f"{BPMN}businessRuleTask")]:
        _becomes_script(node, f"@{node.get('id')}")
    for node in [*root.iter(f"{BPMN}userTask", f"{BPMN}endEvent", f"{BPMN}intermediateCatchEvent")]:
        if marks := _marks(node):
            _put_beside(node, _said(marks), behind=_races(node))
    for marker in root.iter(f"{BPMN}multiInstanceLoopCharacteristics"):
        text = strip_expression(marker.get(CAMUNDA + "collection"))
        etree.SubElement(marker, f"{BPMN}loopCardinality").text = f"${{len({text})}}"
    return root


def _properties(node: etree._Element) -> dict[str, str]:
    found = node.findall(f"{BPMN}extensionElements/{CAMUNDA}properties/{CAMUNDA}property")
    return {one.get("name"): one.get("value") for one in found}


def _marks(node: etree._Element) -> dict[str, Any]:
    return {name: value for name, value in _properties(node).items() if name in ("status", "outcome")}


def given(files: Mapping[str, str]) -> dict[str, list[str]]:
    """What the message of an element brings, as the diagrams say."""
    roots = [parse_xml(source, name) for name, source in files.items() if name.endswith(".bpmn")]
    return {one.getparent().getparent().getparent().get("id"): one.get("value").split(",")
            for root in roots for one in root.iter(f"{CAMUNDA}property") if one.get("name") == "gives"}  # fmt: skip


def _answer(node: etree._Element) -> dict[str, Any]:
    result = ANSWERS.get(node.get(CAMUNDA + "topic"), {})
    return {_properties(node).get("result", name) if name == NEW_NUMBER else name: value
            for name, value in result.items()}  # fmt: skip


def _races(node: etree._Element) -> bool:
    flow = node.getparent().find(f"{BPMN}sequenceFlow[@targetRef='{node.get('id')}']")
    return bool(node.getparent().xpath(f"*[local-name()='eventBasedGateway'][@id='{flow.get('sourceRef')}']"))


def _said(values: dict[str, Any]) -> str:
    return "\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())


def _becomes_script(node: etree._Element, script: str) -> None:
    node.tag = f"{BPMN}scriptTask"
    etree.SubElement(node, f"{BPMN}script").text = script


def _put_beside(node: etree._Element, script: str, behind: bool) -> None:
    process, key = node.getparent(), f"{node.get('id')}.marks"
    end = "sourceRef" if behind else "targetRef"
    for flow in process.iterfind(f"{BPMN}sequenceFlow[@{end}='{node.get('id')}']"):
        flow.set(end, key)
    _becomes_script(etree.SubElement(process, f"{BPMN}task", id=key), script)
    ends = {"sourceRef": node.get("id"), "targetRef": key} if behind else {"sourceRef": key,
            "targetRef": node.get("id")}  # fmt: skip
    etree.SubElement(process, f"{BPMN}sequenceFlow", id=f"{key}.flow", **ends)


class OurLanguage(PythonScriptEngine):
    """Reads expressions and scripts as ours does, and asks our decision tables, by the element that asks."""

    def __init__(self, decisions: Mapping[str, Decision], functions: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__()
        self.decisions, self.functions = decisions, functions

    def evaluate(self, task: Any, expression: str, external_context: Any = None) -> Any:
        source = strip_expression(expression)
        return expression if source is None else compile_expression(source).evaluate(task.data, self.functions)

    def execute(self, task: Any, script: str, external_context: Any = None) -> bool:
        if script.startswith("@"):
            task.data.update(self.decisions[script[1:]].decide(task.data, self.functions))
        else:
            compile_script(script).run(task.data, self.functions)
        return True


# -- running ---------------------------------------------------------------------------------------------------------


@dataclass
class Waits:
    """A user task that is open, or a timer or message that is waited for.

    Attributes:
        place: which branch of an event gateway.
    """

    element: str
    kind: str
    task: Any
    place: int | None = None


class ShippedOnStock:
    """A case of a report type; the whole of it is written as JSON and read again at every step.

    A branch of SpiffWorkflow's knows only what it learned itself. Ours know one set of data (decision 2), so between
    two steps every task that is not finished is told what the others learned (`tell`): a process that is called has a
    set of its own, of which the caller hears at its end, and of the fields of the case at once.

    Attributes:
        known: by the process called (``None``: the case itself), what its branches together found out.
    around: by the process called, what was known when it began.
        learned: in the present step: which task learned what.
    """

    def __init__(self, files: Mapping[str, str], process: str, language: OurLanguage) -> None:
        parser = BpmnParser()
        for name, source in files.items():
            if name.endswith(".bpmn"):
                parser.add_bpmn_xml(translated(source, name), filename=name)
        self.specs = parser.get_spec(process), parser.get_subprocess_specs(process)
        self.language = language

    def starts(self, data: dict[str, Any]) -> None:
        self.workflow = BpmnWorkflow(*self.specs, script_engine=self.language)
        self.known: dict[Any, dict[str, Any]] = {None: dict(data)}
        self.around: dict[Any, dict[str, Any]] = {}
        self.workflow.task_tree.set_data(**data)
        self.learned: list[tuple[Any, dict[str, Any]]] = []
        self.told: dict[Any, dict[str, Any]] = {}
        self._settle()

    def happens(self, one: Waits, said: dict[str, Any]) -> None:
        self.learned = []
        if one.kind == "task":
            one.task.data.update(said)  # `set_data` would merge lists item by item
            one.task.run()
            self._learns(one.task)
        else:
            definition = one.task.task_spec.event_definition
            if one.place is not None:
                definition = definition.event_definitions[one.place]
            one.task.task_spec.catch(one.task, BpmnEvent(definition, {}))
            one.task.task_spec._update(one.task)
            one.task.data.update(said)
        self._settle()

    def _settle(self) -> None:
        while any(not task.task_spec.manual for task in self.workflow.get_tasks(state=TaskState.READY)):
            self.workflow.do_engine_steps(self._comes_back, self._learns)

    def passes_through_json(self) -> None:
        self.workflow = SERIALIZER.deserialize_json(SERIALIZER.serialize_json(self.workflow))
        self.workflow.script_engine = self.language

    @property
    def finished(self) -> bool:
        return bool(self.workflow.completed)

    def waits(self) -> list[Waits]:
        tasks = [Waits(task.task_spec.bpmn_id, "task", task)
                 for task in self.workflow.get_tasks(state=TaskState.READY, manual=True)]  # fmt: skip
        return tasks + [one for task in self.workflow.event_manager.tasks.values() for one in _events(task)]

    # -- who knows what ------------------------------------------------------------------------------------------------

    def called(self, task: Any) -> Any:
        """The call activity that the task is done within."""
        for host in self._hosts(task):
            if isinstance(host.task_spec, CallActivityMixin):
                return host.id
        return None

    def _hosts(self, task: Any) -> Iterator[Any]:
        while (host := task.workflow.parent_task_id) is not None:
            task = self.workflow.get_task_from_id(host)
            yield task

    def _comes_back(self, task: Any) -> None:
        """A called process ends. SpiffWorkflow brings back its whole copy, and with it what others knew when it began;
        ours brings back what it wrote."""
        if isinstance(task.task_spec, CallActivityMixin):
            outside, inside = self.called(task), self.known.pop(task.id)
            new = {name: value for name, value in inside.items() if name not in MIRRORED}
            self.around.pop(task.id)
            self.known[outside] |= new
            self.learned.append((task, new))
            task.data.update(self.knows(outside))

    def _learns(self, task: Any) -> None:
        if task.parent is None or isinstance(task.task_spec, Join | SubWorkflowTaskMixin | LoopTask):
            return  # they find out nothing of themselves
        if "key_or_index" in task.internal_data:
            return  # of several at once: what it found out is its own (decision 10)
        room = self.called(task)
        if room not in self.known:
            self.known[room] = {}
            self.around[room] = self.knows(self.called(self.workflow.get_task_from_id(room)))
        before = self.told.get(task.id, task.parent.data)
        new = {name: value for name, value in task.data.items() if name not in before or before[name] != value}
        self.learned.append((task, new))
        self.known[room].update(new)
        self.known[None].update({name: value for name, value in new.items() if name in MIRRORED})

    def knows(self, room: Any) -> dict[str, Any]:
        """All that is known to a called process, or (``None``) to the case."""
        own = {name: value for name, value in self.known[None].items() if room is None or name in MIRRORED}
        return own if room is None else {**self.around[room], **self.known[room], **own}

    def strange(self, task: Any) -> set[str]:
        """The names of which a task knows something else than it should: all that it can have is from this step,
        from another branch."""
        should = self.knows(self.called(task))
        differ = {name for name in should.keys() | task.data.keys() if task.data.get(name) != should.get(name)}
        return differ - {name for one, new in self.learned if not self._follows(task, one) for name in new}

    def _follows(self, task: Any, earlier: Any) -> bool:
        return any(one is earlier or one.is_descendant_of(earlier) for one in (task, *self._hosts(task)))

    def tell(self) -> None:
        self.told = {}
        for task in self.workflow.get_tasks(state=AT_WORK):
            known = self.knows(self.called(task))
            task.data.update(known)
            if task.parent is not None:
                task.parent.data.update(known)  # an event takes its data from there once more when it happens
            self.told[task.id] = dict(task.data)


def _events(task: Any) -> Iterator[Waits]:
    """What the task waits for, but for signals."""
    node = task.task_spec
    if isinstance(node, EventBasedGatewayMixin):
        events = zip(node.outputs, node.event_definition.event_definitions, strict=True)
        found = [Waits(one.bpmn_id, _kind(event), task, place) for place, (one, event) in enumerate(events)]
    else:
        found = [Waits(node.bpmn_id, _kind(node.event_definition), task)]
    return (one for one in found if one.kind)


def _kind(definition: Any) -> str:
    if isinstance(definition, TimerEventDefinition):
        return "timer"
    return "message" if isinstance(definition, MessageEventDefinition) else ""
