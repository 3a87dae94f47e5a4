"""From a package's diagrams to a `Definition`: parsed once per version, shared by all its cases, never changed.

SpiffWorkflow's parser walks the diagram; our parser classes read the ``camunda:`` attributes that the stock Camunda
Modeler writes, compile every expression with our evaluator, and build our nodes. The gate (`engine.flow.check`) has
already said what is wrong with a diagram; here an error is a fault of ours or a package nobody checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser import event_parsers as stock_events
from SpiffWorkflow.bpmn.parser import task_parsers as stock_tasks
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException

from engine.errors import InvalidPackage
from engine.flow import events, gateways, nodes, several
from engine.flow.addressing import WIDE, Address
from engine.flow.bpmn import link_pairs, read_marker, read_parameters
from engine.flow.decisions import Decision, DecisionFault, parse_decisions
from engine.flow.diagram import Written
from engine.flow.events import Alarm, When
from engine.flow.gateways import Condition
from engine.flow.handlers import Sentry
from engine.flow.nodes import Given, Node, ProcessSpec, Value
from engine.flow.scripts import Expression, ScriptError, compile_expression, compile_script, strip_expression
from engine.flow.xml import XmlFault, parse_xml

CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


@dataclass
class Definition:
    """A process and everything it calls.

    Attributes:
        spec: the process that cases start with.
        subprocesses: embedded and called ones by name.
        nodes: every drawn element, by id, in all of them.
        promised: the ids of the user tasks on which it is drawn by which promise they are due.
    """

    spec: ProcessSpec
    subprocesses: dict[str, ProcessSpec]
    nodes: dict[str, Node] = field(default_factory=dict)
    promised: set[str] = field(default_factory=set)

    @property
    def begun_by(self) -> str | None:
        """The name of the message in its start event: sent from outside, it begins a case."""
        found = (getattr(node, "message", None) for node in self.spec.start.outputs)
        return next((name for name in found if name), None)

    def __post_init__(self) -> None:
        for spec in (self.spec, *self.subprocesses.values()):
            self.nodes.update({node.bpmn_id: node for node in spec.task_specs.values() if node.bpmn_id})
            self.promised |= {node.bpmn_id for node in spec.task_specs.values() if getattr(node, "term", "")}


def parse(files: Mapping[str, str | bytes], process: str, lanes: Mapping[str, str]) -> Definition:
    """Args:
        files: the package's files by name; ``.bpmn`` and ``.dmn`` are read.
        process: the id of the process that cases start with.
        lanes: a lane's name -> an agency's key, or ``${…}``.

    Raises:
        InvalidPackage: it cannot be parsed; ``faults`` says why.
    """
    try:
        parser = PackageParser(lanes)
        for name, source in files.items():
            if name.endswith(".dmn"):
                parser.decisions.update(parse_decisions(_bytes(source), name))
        for name, source in files.items():
            if name.endswith(".bpmn"):
                parser.add_bpmn_xml(parse_xml(source, name), filename=name)
        return Definition(parser.get_spec(process), parser.get_subprocess_specs(process))
    except (ValidationException, ScriptError, DecisionFault, XmlFault, ValueError) as error:
        raise InvalidPackage(f"The process {process!r} cannot be read: {error}", faults=[str(error)]) from error


def _bytes(source: str | bytes) -> bytes:
    return source.encode() if isinstance(source, str) else source


class OurProcessParser(ProcessParser):
    def create_spec(self) -> ProcessSpec:
        return ProcessSpec(self.bpmn_id, self.get_name(), self.filename)

    def _index_process_nodes(self) -> None:
        """From a link event that throws, a token goes to the one that catches: as along a flow."""
        super()._index_process_nodes()
        for scope in dict.fromkeys((self.node, *self.node.iter(f"{BPMN}subProcess"))):  # which a subprocess is, too
            for source, target in link_pairs(scope):
                flow = etree.Element(f"{BPMN}sequenceFlow", sourceRef=source, targetRef=target)
                self.outgoing_sequence_flows.setdefault(source, []).append(flow)

    def add_tasks(self) -> None:
        """What the start event leads to, and the event subprocesses, to which nothing leads."""
        starts = self.xpath("./bpmn:startEvent")
        if not starts:
            self.raise_validation_exception("it has no start event")
        for start in starts:
            self.parse_node(start)
        handlers = [node for node in self.xpath("./bpmn:subProcess") if is_handler(node)]
        for node in handlers:
            self.parse_node(node)

    def get_position(self, node_id: str) -> dict[str, float]:
        """SpiffWorkflow sorts flows by where they lead on the page. Moving a shape must not change what a case does:
        we keep the order in which they were drawn."""
        return {"x": 0.0, "y": 0.0}


class Drawn(TaskParser):
    """What our parser classes have in common."""

    def parse_node(self) -> Node:
        node: Node = super().parse_node()
        for key in ("status", "outcome"):
            if key in self.properties:
                node.marks[key] = compiled(self.properties[key])
        return node

    @property
    def properties(self) -> dict[str, str]:
        found = self.node.findall(f"./{BPMN}extensionElements/{CAMUNDA}properties/{CAMUNDA}property")
        return {one.get("name", ""): one.get("value", "") for one in found}

    def addressed(self, task: Any) -> Any:
        """What an event says of who is meant by its message or signal."""
        key, inputs = self.properties.get("key", "").strip(), read_parameters(self.node, "inputParameter")
        task.address = Address(
            key=compiled(key) if key else None,
            kept=compiled(self.properties.get("keep", "").strip()),
            wide=self.properties.get("scope", "").strip() == WIDE,
            inputs={name: _given(value, self) for name, value in inputs.items()},
        )
        return task

    def camunda(self, attribute: str) -> str | None:
        return self.node.get(CAMUNDA + attribute)  # type: ignore[no-any-return]

    def parse_incoming_data_references(self) -> list[Any]:
        return []  # data objects are documentation; a dangling one would hang SpiffWorkflow's parser

    parse_outgoing_data_references = parse_incoming_data_references

    def _add_multiinstance_task(self, _: Any) -> None:
        drawn = read_marker(self.node)
        task = several.MultiInstance(self.spec, self.bpmn_id, self._each(), **self.bpmn_attributes)
        task.collection, task.until = expression(drawn.collection), expression(drawn.until)
        task.cardinality = compiled(drawn.cardinality or "")
        task.item, task.sequential = drawn.item, drawn.sequential
        task.results, task.result = drawn.results, drawn.result
        self.task = task

    def _add_loop_task(self, _: Any) -> None:
        drawn = read_marker(self.node)
        task = several.Loop(self.spec, self.bpmn_id, self._each(), **self.bpmn_attributes)
        task.again = expression(drawn.again)
        task.rounds = int(drawn.rounds) if drawn.rounds else None
        task.asks_first = drawn.asks_first
        self.task = task

    def _each(self) -> Node:
        """The activity proper makes room for what is done with it several times."""
        each: Node = self.task
        del self.spec.task_specs[each.name]
        each.name = f"{self.bpmn_id}>each"  # no element can be called that
        self.spec.task_specs[each.name] = each
        return each

    def _add_boundary_event(self, children: list[Any]) -> Node:
        self.task.boundary = [self.process_parser.parse_node(child).name for child in children]
        return self.task  # type: ignore[no-any-return]


class UserTaskParser(Drawn):
    def create_task(self) -> Node:
        task = super().create_task()
        lanes = self.process_parser.parser.lanes
        group = self.camunda("candidateGroups") or lanes.get(self.lane or "", "")
        task.group = compiled(group)
        task.form = self.camunda("formKey") or self.camunda("formRef") or self.bpmn_id
        task.term = compiled(self.properties.get("term", ""))
        return task  # type: ignore[no-any-return]


class ScriptParser(Drawn):
    def create_task(self) -> Node:
        source = self.node.findtext(f"./{BPMN}script") or ""
        return nodes.ScriptTask(self.spec, self.bpmn_id, compile_script(source), **self.bpmn_attributes)


class RuleParser(Drawn):
    def create_task(self) -> Node:
        task = nodes.BusinessRuleTask(self.spec, self.bpmn_id, **self.bpmn_attributes)
        reference = self.camunda("decisionRef") or ""
        decisions: dict[str, Decision] = self.process_parser.parser.decisions
        if reference not in decisions:
            raise ValidationException(f"there is no decision {reference!r}", self.node, self.filename)
        task.decision = decisions[reference]
        task.result_variable = self.camunda("resultVariable")
        task.mapping = self.camunda("mapDecisionResult")
        return task


class ServiceParser(Drawn):
    def create_task(self) -> Node:
        message = self._thrown_message()
        if message is not None:
            return message
        task = nodes.ServiceTask(self.spec, self.bpmn_id, **self.bpmn_attributes)
        task.topic = self.camunda("topic") or ""
        task.text = self.properties.get("text", "")
        task.to = compiled(self.properties.get("to", "reporter"))
        task.report_type = self.properties.get("report_type", "").strip()
        task.result = self.properties.get("result", "").strip() or nodes.NEW_NUMBER
        task.result_variable = self.camunda("resultVariable")
        task.priority = compiled((self.camunda("taskPriority") or "").strip())
        drawn = read_parameters(self.node, "inputParameter")
        task.inputs_given = {name: _given(value, self) for name, value in drawn.items()}
        return task

    def _thrown_message(self) -> Node | None:
        """A send task that names a message, and no topic, throws it."""
        reference = self.node.get("messageRef")
        if reference is None or self.camunda("topic"):
            return None
        name = self.process_parser.parser.messages.get(reference)
        event = stock_events.MessageEventDefinition(name)
        return self.addressed(events.Throw(self.spec, self.bpmn_id, event, **self.bpmn_attributes))  # type: ignore[no-any-return]


class ChoiceParser(Drawn, stock_tasks.ConditionalGatewayParser):
    def connect_outgoing(self, node: Any, flow: Any, is_default: bool) -> None:
        alone = len(self.process_parser.get_outgoing_sequence_flows(self.bpmn_id)) == 1
        super().connect_outgoing(node, flow, is_default or alone and self.parse_condition(flow) is None)

    def parse_condition(self, sequence_flow: Any) -> Condition | None:
        source = super().parse_condition(sequence_flow)
        if source is None or not source.strip():
            return None
        return Condition(compile_expression(strip_expression(source) or source))


class TimerReader(Drawn):
    """Reads timers as `Alarm`; everything else about events is SpiffWorkflow's."""

    def parse_timer_event(self, event: Any) -> Alarm:
        for kind in ("duration", "date", "cycle"):
            text = event.findtext(f"./{BPMN}time{kind.title()}")
            if text is not None and text.strip():
                return Alarm(kind, compiled(text.strip(), timer=True))
        raise ValidationException("the timer says no time", self.node, self.filename)

    def told(self, task: Any) -> Any:
        """What an error or escalation event is to be told of what it caught, in variables of the case."""
        for kind in ("error", "escalation"):
            drawn = self.node.find(f"{BPMN}{kind}EventDefinition")
            if drawn is not None:
                task.code_variable = drawn.get(f"{CAMUNDA}{kind}CodeVariable")
                task.message_variable = drawn.get(f"{CAMUNDA}{kind}MessageVariable")
        return task

    def parse_conditional_event(self, event: Any) -> When:
        condition = expression((event.findtext(f"./{BPMN}condition") or "").strip())
        if condition is None:
            raise ValidationException("the event says no condition", self.node, self.filename)
        return When(condition)

    def link(self) -> Node | None:
        """A link event is passed; nothing happens at it."""
        drawn = self.node.find(f"{BPMN}linkEventDefinition")
        return None if drawn is None else Node(self.spec, self.bpmn_id, **self.bpmn_attributes)


class StartParser(TimerReader, stock_events.StartEventParser):
    def create_task(self) -> Node:
        kinds = ("MESSAGE", "SIGNAL", "TIMER", "ERROR", "ESCALATION", "CONDITIONAL")
        paths = [getattr(stock_events, f"{kind}_EVENT_XPATH") for kind in kinds]
        task = self.addressed(self.told(self._create_task(self.get_event_definition(paths))))
        self.spec.start.connect(task)
        return task  # type: ignore[no-any-return]


class EndParser(TimerReader, stock_events.EndEventParser):
    def create_task(self) -> Node:
        kinds = ("MESSAGE", "CANCEL", "ERROR", "ESCALATION", "TERMINATION", "SIGNAL")
        paths = [getattr(stock_events, f"{kind}_EVENT_XPATH") for kind in kinds]
        task = self.addressed(self._create_task(self.get_event_definition(paths)))
        task.connect(self.spec.end)
        return task  # type: ignore[no-any-return]


class CatchParser(TimerReader, stock_events.IntermediateCatchEventParser):
    def create_task(self) -> Node:
        return self.link() or self.addressed(super().create_task())  # type: ignore[no-any-return]


class ThrowParser(TimerReader, stock_events.IntermediateThrowEventParser):
    def create_task(self) -> Node:
        return self.link() or self.addressed(super().create_task())  # type: ignore[no-any-return]


class BoundaryParser(TimerReader, stock_events.BoundaryEventParser):
    def create_task(self) -> Node:
        return self.addressed(self.told(super().create_task()))  # type: ignore[no-any-return]


class ReceiveParser(TimerReader, stock_events.ReceiveTaskParser):
    def create_task(self) -> Node:
        return self.addressed(super().create_task())  # type: ignore[no-any-return]


class GatewayParser(Drawn, stock_tasks.GatewayParser):
    pass


class SubprocessParser(Drawn, stock_tasks.SubWorkflowParser):
    def create_task(self) -> Node:
        inside = stock_tasks.SubprocessParser.get_subprocess_spec(self)
        task = nodes.EmbeddedSubprocess(self.spec, self.bpmn_id, subworkflow_spec=inside, **self.bpmn_attributes)
        if is_handler(self.node):
            interrupts = self.node.find(f"{BPMN}startEvent").get("isInterrupting") not in ("false", "0")
            start = self.process_parser.parser.process_parsers[inside].get_spec().start.outputs[0]
            self.spec.start.sentries.append(Sentry(self.spec, task, start, interrupts))
        return task


class CallParser(Drawn, stock_tasks.CallActivityParser):
    pass


class PackageParser(BpmnParser):
    """SpiffWorkflow's parser with our classes; what it does not list here is refused."""

    PROCESS_PARSER_CLASS = OurProcessParser
    PARSER_CLASSES = {
        full_tag("startEvent"): (StartParser, events.StartEvent),
        full_tag("endEvent"): (EndParser, events.Throw),
        full_tag("userTask"): (UserTaskParser, nodes.UserTask),
        full_tag("scriptTask"): (ScriptParser, nodes.ScriptTask),
        full_tag("businessRuleTask"): (RuleParser, nodes.BusinessRuleTask),
        full_tag("serviceTask"): (ServiceParser, nodes.ServiceTask),
        full_tag("sendTask"): (ServiceParser, nodes.ServiceTask),
        full_tag("receiveTask"): (ReceiveParser, events.Catch),
        full_tag("exclusiveGateway"): (ChoiceParser, gateways.ExclusiveGateway),
        full_tag("inclusiveGateway"): (ChoiceParser, gateways.InclusiveGateway),
        full_tag("parallelGateway"): (GatewayParser, gateways.ParallelGateway),
        full_tag("eventBasedGateway"): (GatewayParser, events.EventGateway),
        full_tag("intermediateCatchEvent"): (CatchParser, events.Catch),
        full_tag("intermediateThrowEvent"): (ThrowParser, events.Throw),
        full_tag("boundaryEvent"): (BoundaryParser, events.BoundaryEvent),
        full_tag("subProcess"): (SubprocessParser, nodes.EmbeddedSubprocess),
        full_tag("callActivity"): (CallParser, nodes.CallActivity),
    }

    def __init__(self, lanes: Mapping[str, str]) -> None:
        super().__init__()
        self.lanes = lanes
        self.decisions: dict[str, Decision] = {}

    def _add_data_stores(self, bpmn: Any) -> None:
        """Only drawings here; the gate says so."""

    def _add_correlations(self, bpmn: Any) -> None:
        """Which case a message is for, its events say: `engine.flow.addressing`."""


def compiled(text: str, timer: bool = False) -> Value:
    """``${…}`` becomes an expression, a plain text stays one. A timer may leave out the ``${}``: ``due("handle")``."""
    source = strip_expression(text)
    if source is None and timer and not _is_iso(text):
        source = text
    return text if source is None else compile_expression(source)


def _given(written: Written | None, drawn: Drawn) -> Given:
    """What a service is given: each text in a list or map, however deep, is read like a text alone."""
    if written is None:
        raise ValidationException("an input is a script", drawn.node, drawn.filename)
    if isinstance(written, list):
        return [_given(item, drawn) for item in written]
    if isinstance(written, dict):
        return {key: _given(item, drawn) for key, item in written.items()}
    return compiled(written)


def expression(text: str | None) -> Expression | None:
    """What stands where only an expression can, with or without ``${}``."""
    return compile_expression(strip_expression(text) or text) if text else None


def is_handler(subprocess: Any) -> bool:
    return subprocess.get("triggeredByEvent") in ("true", "1")


def _is_iso(text: str) -> bool:
    """``PT5H``, ``R3/PT10M`` and ``2021-09-03T17:00+07:00`` are values, not expressions."""
    return text[:1] == "P" or text.startswith("R") and "/" in text or text[:1].isdigit()
