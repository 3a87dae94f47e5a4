"""Rules about what a task hands on to: services, notices, decision tables, called processes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.flow.diagram import ACTIVITIES, CAMUNDA, Node, Scope, local
from engine.flow.draft import TYPE, Draft
from engine.flow.faults import Fault, error, warning
from engine.flow.nodes import PRIORITY
from engine.flow.policies import LISTS
from engine.flow.rules.correspondence import leaves
from engine.flow.rules.phrases import meant
from engine.flow.rules.variables import GIVEN, starts_case
from engine.forms import Form

_CODE = ("class", "expression", "delegateExpression")


def services(draft: Draft) -> Iterator[Fault]:
    for process in draft.reached:
        for node in process.walk():
            if node.kind in ("serviceTask", "sendTask"):
                yield from _service(draft, node)
            elif node.kind == "businessRuleTask":
                yield from _decision(draft, node)
            elif node.kind == "callActivity":
                yield from _call(draft, node)
            if node.kind in ACTIVITIES - {"serviceTask", "sendTask"} and (node.inputs or node.outputs):
                yield error(node, "mapping-ignored", f"Remove the inputs and outputs from {node.label}: every step "
                            "sees the whole data of the case, so only services have inputs.")
        yield from _recursion(draft, process)
    yield from _unused(draft)


def _service(draft: Draft, node: Node) -> Iterator[Fault]:
    topic = node.camunda.get("topic", "").strip()
    if used := [name for name in _CODE if node.camunda.get(name)]:
        yield error(node, "service-code", f"Make {node.label} an external task with a topic: camunda:{used[0]} is code "
                    "of another engine.")
        return
    if node.kind == "sendTask" and not topic and node.is_event("message"):
        if node.outputs or node.inputs and not leaves(node):
            yield error(node, "mapping-ignored", f"Remove the inputs and outputs from {node.label}, or give it a key: "
                        "as it is, its message stays in the case, which sees all its data.")
        return
    if not topic:
        yield error(node, "service-topic", f"Give {node.label} a topic (implementation: external): nobody would do it. "
                    "The topic 'notify' sends a text, 'start_case' starts a case of another type.")
    elif node.camunda.get("type") != "external":
        yield error(node, "service-topic", f"Set the implementation of {node.label} to 'external': its topic {topic!r} "
                    "has no effect otherwise.")
    priority = node.camunda.get("taskPriority", "").strip()
    if priority and "${" not in priority and not re.fullmatch(PRIORITY, priority):
        yield error(node, "service-priority", f"Write the priority of {node.label} as a whole number of at most nine "
                    f"digits, or as ${{…}}: {priority!r} is none.")
    if starts_case(node):
        yield from _start(draft, node)
    for name, value in node.inputs.items():
        if value is None:
            yield error(node, "mapping-ignored", f"Write the input {name!r} of {node.label} as a text, ${{…}}, or a "
                        "list or map of such, each key once: scripts are not supported.")
    if node.outputs:
        yield error(node, "mapping-ignored", f"Replace the outputs of {node.label} by a result variable: the answer "
                    "of a service is stored whole.")


def _start(draft: Draft, node: Node) -> Iterator[Fault]:
    code, result = node.properties.get("report_type", "").strip(), node.properties.get("result", "").strip()
    if not code or "${" in code:
        yield error(node, "start-unknown", f"Write the report type that {node.label} starts into its property "
                    "'report_type', by its code.")
    elif draft.has(TYPE) and code == draft.type.get("code"):
        yield error(node, "start-unknown", f"Let {node.label} start a case of another type: cases of {code} would "
                    "start each other without end.")
    elif draft.others is not None and code not in draft.others:
        yield warning(node, "start-unknown", f"Deploy the report type {code!r}, too: {node.label} starts it, and the "
                      f"province has none of that code.{meant(code, draft.others)}")
    elif draft.others is not None:
        yield from _intake(node, code, draft.others[code])
    if result and not result.isidentifier() or result in GIVEN:
        yield error(node, "start-result", f"Name another variable in the property 'result' of {node.label}: {result!r} "
                    "cannot take the new case's number.")
    if node.camunda.get("resultVariable"):
        yield error(node, "start-result", f"Write the property 'result' instead of a result variable in {node.label}: "
                    "it names the variable for the new case's number.")


def _intake(node: Node, code: str, form: Form) -> Iterator[Fault]:
    asked = {field.key: field for field in form.fields}
    for name in node.inputs:
        if name not in asked:
            yield error(node, "start-answers", f"Remove the input {name!r} from {node.label}: the intake form of "
                        f"{code} does not ask that.{meant(name, asked)}")
    for field in asked.values():
        if field.required and not field.hidden_when and field.key not in node.inputs:
            yield error(node, "start-answers", f"Add an input {field.key!r} to {node.label}: {code} does not begin "
                        f"without an answer to “{field.label}”.")


def _decision(draft: Draft, node: Node) -> Iterator[Fault]:
    asked = node.camunda.get("decisionRef", "").strip()
    if not asked:
        yield error(node, "decision-missing", f"Say which decision table {node.label} asks (decisionRef).")
    elif asked not in draft.decisions and all(draft.has(name) for name in draft.files if name.endswith(".dmn")):
        yield error(node, "decision-missing", f"Add a .dmn file with the decision {asked!r} that {node.label} asks."
                    f"{meant(asked, draft.decisions)}")
    if node.camunda.get("decisionRefBinding", "latest") not in ("latest", "deployment"):
        yield warning(node, "attribute-ignored", f"Remove the binding of {node.label}: it always asks the table that "
                      "is deployed with it.")
    mapping, decision = node.camunda.get("mapDecisionResult", ""), draft.decisions.get(asked)
    gives_list = decision is not None and (decision.hit_policy, decision.aggregation) in LISTS
    if (gives_list or mapping in ("collectEntries", "resultList")) and not node.camunda.get("resultVariable"):
        yield error(node, "decision-result", f"Name a result variable for {node.label}: a list of results has to go "
                    "somewhere.")
    elif mapping == "singleEntry" and not node.camunda.get("resultVariable"):
        yield error(node, "decision-result", f"Name a result variable for {node.label}: a single entry comes without "
                    "its name.")
    if gives_list and mapping in ("singleEntry", "singleResult"):
        yield error(node, "decision-result", f"Choose collectEntries or resultList in {node.label}: the table "
                    f"{asked!r} gives a list.")
    if decision and mapping in ("singleEntry", "collectEntries") and len(decision.outputs) > 1:
        yield error(node, "decision-result", f"Choose singleResult or resultList in {node.label}: the table {asked!r} "
                    f"has {len(decision.outputs)} outputs, and of each row only the first would be kept.")


def _call(draft: Draft, node: Node) -> Iterator[Fault]:
    called = node.called or ""
    if not called:
        yield error(node, "called-missing", f"Say which process {node.label} calls (called element).")
    elif "${" in called or called not in draft.processes:
        hint = meant(called, draft.processes) if "${" not in called else " Name it; it cannot be an expression."
        yield error(node, "called-missing", f"Add the process {called!r} that {node.label} calls to the package.{hint}")
    holder = node.element.find("{*}extensionElements")
    for one in () if holder is None else holder:
        if one.tag in (CAMUNDA + "in", CAMUNDA + "out") and not (one.get("variables") or one.get("businessKey")):
            yield error(node, "mapping-ignored", f"Remove the {local(one)} mapping from {node.label}, or pass all "
                        "variables: the called process sees the whole data of the case.")


def _recursion(draft: Draft, process: Scope) -> Iterator[Fault]:
    for node in process.walk():
        route = _route_back(draft, draft.processes.get(node.called or ""), process)
        if route:
            calls = " → ".join(repr(one.id) for one in [process, *route])
            yield error(node, "call-recursive", f"Do not call {node.called!r} in {node.label}: it would call itself "
                        f"for ever ({calls}).")


def _route_back(draft: Draft, begin: Scope | None, home: Scope) -> list[Scope]:
    """The processes called one by the other from ``begin`` to ``home``; empty if none leads there."""
    came: dict[str, Scope | None] = {begin.id: None} if begin is not None else {}
    queue = [begin] if begin is not None else []
    for one in queue:
        if one is home:
            route = [one]
            while (before := came[route[-1].id]) is not None:
                route.append(before)
            return route[::-1]
        for node in one.walk():
            called = draft.processes.get(node.called or "")
            if called is not None and called.id not in came:
                came[called.id] = one
                queue.append(called)
    return []


def _unused(draft: Draft) -> Iterator[Fault]:
    if draft.main is None:
        return
    for process in draft.processes.values():
        if process not in draft.reached and process.nodes:
            yield warning(process, "process-unused", f"Remove {process.label}, or call it: no case ever gets there.")
    for process in draft.reached:
        if process.element.get("isExecutable") in ("false", "0"):
            yield warning(process, "process-unused", f"Mark {process.label} as executable: it is run nevertheless.")
    used = {node.camunda.get("decisionRef", "").strip() for process in draft.reached for node in process.walk()}
    used_files = {file for key, file in draft.decision_files.items() if key in used}
    for file in sorted(set(draft.decision_files.values()) - used_files):
        yield Fault(file, 1, None, "decision-unused", f"Remove {file}, or ask its table: no business rule task does.",
                    "warning")
