"""Rules about elements that the engine does not have, and attributes that it would silently ignore."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.flow.diagram import ACTIVITIES, BPMN, CAMUNDA, Diagram, Node, local, words
from engine.flow.draft import Draft
from engine.flow.faults import Fault, error, warning
from engine.flow.rules.correspondence import leaves

_QUIET = frozenset({
    "documentation", "extensionElements", "laneSet", "textAnnotation", "association", "group", "category",
    "auditing", "monitoring", "incoming", "outgoing", "supports", "standardLoopCharacteristics",
    "multiInstanceLoopCharacteristics",
})
_PERFORMERS = frozenset({"resourceRole", "performer", "humanPerformer", "potentialOwner"})
_CORRELATIONS = ("correlationKey", "correlationSubscription")  # wherever they stand
_DATA = frozenset({"dataObject", "dataObjectReference", "dataStoreReference", "dataInputAssociation",
                   "dataOutputAssociation", "ioSpecification", "dataStore", "property"})
_ROOTS = frozenset({
    "process", "collaboration", "message", "signal", "error", "escalation", "category", "itemDefinition", "import",
    "extension", "relationship", "documentation", "extensionElements", "dataStore", "interface", "resource", "endPoint",
})
_NAMESPACES = (
    BPMN, CAMUNDA, "{http://www.omg.org/spec/BPMN/20100524/DI}", "{http://www.omg.org/spec/DD/20100524/",
    "{http://www.w3.org/2001/XMLSchema-instance}", "{http://bpmn.io/schema/", "{http://camunda.org/schema/modeler/",
    "{http://www.omg.org/spec/BPMN/non-normative/color/",
)
_FAMILIAR = frozenset({
    "formKey", "formRef", "formRefBinding", "candidateGroups", "type", "topic", "class", "expression",
    "delegateExpression", "decisionRef", "decisionRefBinding", "resultVariable", "mapDecisionResult", "exclusive",
    "calledElementBinding", "historyTimeToLive", "isStartableInTasklist", "versionTag", "modelerTemplate",
    "modelerTemplateVersion", "resource", "initiator", "taskPriority",
})  # read, refused by a rule of its own, or harmless
_ONLY_ON = {
    "candidateGroups": ("userTask",), "formKey": ("userTask",), "formRef": ("userTask",),
    "topic": ("serviceTask", "sendTask"), "decisionRef": ("businessRuleTask",),
    "resultVariable": ("businessRuleTask", "serviceTask", "sendTask", "scriptTask"),
}  # fmt: skip
_IN_EVENTS = frozenset({"errorCodeVariable", "errorMessageVariable", "escalationCodeVariable", "variableName",
                        "variableEvents"})  # fmt: skip
_TIMES = ("dueDate", "followUpDate")
_ASYNC = ("asyncBefore", "asyncAfter", "async")


def elements(draft: Draft) -> Iterator[Fault]:
    for diagram in draft.diagrams:
        yield from _strangers(diagram)
        for node in diagram.nodes():
            yield from _kind(node)
            if node.kind == "eventBasedGateway":
                yield from _event_gateway(node)
            yield from _markers(node)
            yield from _ignored(node)
            yield from _in_events(node)


def _strangers(diagram: Diagram) -> Iterator[Fault]:
    told: set[str] = set()
    for child in diagram.root:
        if str(child.tag).startswith(BPMN) and local(child) not in _ROOTS and not local(child).endswith("Definition"):
            yield _stranger(diagram, child)
    for scope in diagram.scopes():
        for child in scope.others:
            if local(child) in _DATA:
                yield _at(diagram, child, "data-ignored", f"Remove the {words(local(child))}, or leave it as a "
                          "drawing: a case has one set of data that every step can read and change.", "warning")
            elif str(child.tag).startswith(BPMN) and local(child) not in _QUIET | _PERFORMERS | {_CORRELATIONS[1]}:
                yield _stranger(diagram, child)
    for key in diagram.root.iter(*(BPMN + one for one in _CORRELATIONS)):
        yield _at(diagram, key, "element-unknown", f"Remove the {words(local(key))}: a message finds its case by "
                  "the property 'key' of its events, or by the case's number.", "error")
    for role in diagram.root.iter(*(BPMN + one for one in sorted(_PERFORMERS))):
        yield _at(diagram, role, "performer", f"Remove the {words(local(role))}, and name the agency with "
                  "camunda:candidateGroups or a lane: BPMN's own performers are not read.", "error")
    for listener in diagram.root.iter(f"{CAMUNDA}executionListener", f"{CAMUNDA}taskListener"):
        owner = listener.getparent().getparent()
        name = f"the {words(local(owner))} {owner.get('name') or owner.get('id')!r}"
        yield _at(diagram, owner, "listener", f"Remove the {words(local(listener))} from {name}: draw what it does as "
                  "a task.", "error")
    for element in diagram.root.iter("{*}*"):
        space = etree.QName(element).namespace or ""
        if space not in told and not f"{{{space}}}{local(element)}".startswith(_NAMESPACES):
            told.add(space)
            yield _at(diagram, element, "extension-ignored", f"Write what {local(element)} means with camunda: "
                      f"attributes: elements of {space or 'no namespace'} are ignored.", "warning")
        if str(element.tag).startswith(BPMN) and element is not diagram.root:
            yield from _foreign_attributes(diagram, element, told)


def _foreign_attributes(diagram: Diagram, element: etree._Element, told: set[str]) -> Iterator[Fault]:
    """Each is told once, of the first element that has it."""
    for name in map(str, element.attrib):
        if name.startswith("{") and not name.startswith(_NAMESPACES) and name not in told:
            told.add(name)
            space, _, short = name[1:].partition("}")
            prefix = next(prefix for prefix, uri in element.nsmap.items() if prefix and uri == space)
            owner = f"the {words(local(element))} {element.get('name') or element.get('id')!r}"
            yield _at(diagram, element, "attribute-ignored", f"Write what {prefix}:{short} of {owner} means with "
                      f"camunda: attributes: those of {space} are ignored.", "warning")


def _stranger(diagram: Diagram, element: etree._Element) -> Fault:
    name = words(local(element))
    return _at(diagram, element, "element-unknown", f"Replace the {name}: this server cannot run it.", "error")


def _at(diagram: Diagram, element: etree._Element, code: str, message: str, severity: str) -> Fault:
    return Fault(diagram.file, element.sourceline or 1, element.get("id"), code, message, severity)


def _kind(node: Node) -> Iterator[Fault]:
    say = {
        "task": ("task-abstract", "Say what kind of task {} is: a user task, if a person does it."),
        "manualTask": ("task-manual", "Make {} a user task: nobody could tell the server that a manual task is done."),
        "transaction": ("transaction", "Make {} a subprocess: transactions are not supported."),
        "adHocSubProcess": ("ad-hoc", "Draw {} as a subprocess with flows: ad-hoc subprocesses are not supported."),
        "complexGateway": ("gateway-complex", "Use another gateway for {}: complex gateways are not supported."),
    }.get(node.kind)
    if say:
        yield error(node, say[0], say[1].format(node.label))


def _event_gateway(node: Node) -> Iterator[Fault]:
    if node.attribute("instantiate") == "true" or node.attribute("eventGatewayType") == "Parallel":
        yield error(node, "event-gateway-kind", f"Make {node.label} an ordinary event gateway: it may neither start a "
                    "process nor wait for all of its events.")
    targets = {one.id: one for one in node.scope.nodes}
    for flow in node.outgoing:
        target = targets[flow.target]
        if target.kind not in ("intermediateCatchEvent", "receiveTask"):
            yield error(node, "event-gateway-target", f"Put a timer, message or signal event between {node.label} and "
                        f"{target.label}: only events may follow an event gateway.")
        elif len(target.incoming) > 1:
            yield error(target, "event-gateway-target", f"Draw {target.label} twice: an event behind an event gateway "
                        "may have no other flow into it.")
        elif target.marker is not None or target.is_event("link"):
            yield error(target, "event-gateway-target", f"Draw {target.label} as an event that waits once: it stands "
                        "behind an event gateway.")
        elif target.kind == "receiveTask" and target.watchers:
            yield error(target, "event-gateway-target", f"Take the boundary event off {target.label}: it stands behind "
                        "an event gateway, so draw one more event there instead.")


def _markers(node: Node) -> Iterator[Fault]:
    found = {local(child) for child in node.element}
    if node.attribute("isForCompensation") == "true":
        yield error(node, "compensation", f"Remove the compensation marker from {node.label}: draw what undoes it as "
                    "an ordinary path.")
    for name in ("startQuantity", "completionQuantity"):
        if (node.attribute(name) or "1").strip() != "1":
            yield error(node, "quantity", f"Remove {name} from {node.label}: one token goes in, and one comes out.")
    if node.body is None and _DATA & found:  # what lies in a subprocess is told there
        yield warning(node, "data-ignored", f"Remove the data of {node.label}, or leave them as a drawing: a case "
                      "has one set of data that every step can read and change.")


def _ignored(node: Node) -> Iterator[Fault]:
    for name in node.extensions:
        if name == "connector":
            yield error(node, "connector", f"Remove the connector from {node.label}: name a topic of an external task.")
        elif name in ("formData", "properties", "inputOutput", "in", "out", "executionListener", "taskListener"):
            continue  # rules of their own
        else:
            why = "the server's own retries apply" if name == "failedJobRetryTimeCycle" else "it has no effect"
            yield warning(node, "attribute-ignored", f"Remove camunda:{name} from {node.label}: {why}.")
    for name in node.camunda:
        if name in _ASYNC:
            yield warning(node, "async-ignored", f"Remove camunda:{name} from {node.label}: every step is saved before "
                          "the next one begins.")
        elif name in _TIMES:
            yield warning(node, "attribute-ignored", f"Remove camunda:{name} from {node.label}, and promise the time "
                          "in type.toml under [deadlines]: it has no effect.")
        elif name == "resultVariable" and node.kind == "scriptTask":
            yield error(node, "attribute-ignored", f"Write {node.camunda[name]} = … in the script of {node.label}: a "
                        "script sets variables itself, and its result variable is not read.")
        elif node.kind == "startEvent" and name in ("formKey", "formRef"):
            yield warning(node, "attribute-ignored", f"Remove camunda:{name} from {node.label}: the form that a report "
                          "fills in is the intake_form of type.toml.")
        elif name not in _FAMILIAR or node.kind not in _ONLY_ON.get(name, (node.kind,)):
            yield warning(node, "attribute-ignored", f"Remove camunda:{name} from {node.label}: it has no effect.")
    if node.kind not in ACTIVITIES and (node.outputs or node.inputs and not leaves(node)):
        yield error(node, "mapping-ignored", f"Remove the inputs and outputs from {node.label}: only services "
                    "have them, and what leaves the case.")


def _in_events(node: Node) -> Iterator[Fault]:
    """What is written inside an event's definition for other engines."""
    for drawn in node.element:
        if not local(drawn).endswith("EventDefinition"):
            continue
        written = [str(name).removeprefix(CAMUNDA) for name in drawn.attrib if str(name).startswith(CAMUNDA)]
        holder = drawn.find(BPMN + "extensionElements")
        if "topic" in written or "type" in written:
            yield error(node, "service-topic", f"Draw a service task for the topic of {node.label}: an event throws "
                        "its message itself, and nobody would do it.")
        elif ignored := sorted(set(written) - _IN_EVENTS):
            yield warning(node, "attribute-ignored", f"Remove camunda:{ignored[0]} from {node.label}: it has no "
                          "effect.")
        if holder is not None and len(holder):
            yield error(node, "mapping-ignored", f"Remove camunda:{local(holder[0])} from the event of {node.label}: "
                        "inside the case everybody sees its data, and what leaves it takes inputs.")
