"""A diagram run by SpiffWorkflow as it comes, to show what `engine.flow` does otherwise."""

from __future__ import annotations

from typing import Any

from lxml import etree
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnEvent, BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser

from tests.drawing import draw


class Stock:
    """The same words as `tests.running.Running`."""

    def __init__(self, drawing: str, process: str = "P") -> None:
        parser = BpmnParser()
        parser.add_bpmn_xml(etree.fromstring((drawing if drawing.startswith("<") else draw(drawing)).encode()))
        self.workflow = BpmnWorkflow(parser.get_spec(process), parser.get_subprocess_specs(process))
        self.workflow.do_engine_steps()

    @property
    def tasks(self) -> list[str]:
        return [task.task_spec.name for task in self._open()]

    @property
    def finished(self) -> bool:
        return bool(self.workflow.completed)

    def _open(self) -> list[Any]:
        return list(self.workflow.get_tasks(state=TaskState.READY, manual=True))

    def does(self, element: str, **answers: Any) -> Stock:
        task = next(task for task in self._open() if task.task_spec.name == element)
        task.set_data(**answers)
        task.run()
        self.workflow.do_engine_steps()
        return self

    def looks_at_the_clock(self) -> Stock:
        self.workflow.refresh_timers()
        self.workflow.do_engine_steps()
        return self

    def hears(self, message: str) -> Stock:
        waiting = [
            task
            for task in self.workflow.get_tasks(state=TaskState.WAITING)
            if getattr(task.task_spec, "event_definition", None) is not None
        ]
        definition = next(
            task.task_spec.event_definition for task in waiting if task.task_spec.event_definition.name == message
        )
        self.workflow.send_event(BpmnEvent(definition, {}))
        self.workflow.do_engine_steps()
        return self

    @property
    def data(self) -> dict[str, Any]:
        return dict(self._open()[0].data) if self._open() else dict(self.workflow.data)
