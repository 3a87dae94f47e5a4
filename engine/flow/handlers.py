"""Event subprocesses: what a scope does when something happens to it, whatever it is doing just then.

A sentry stands in the scope from its beginning and waits for the event; what is drawn inside is a subprocess like any
other, to which no flow leads.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow import TaskState

from engine.flow.events import Catch
from engine.flow.nodes import EmbeddedSubprocess
from engine.flow.tokens import SENTRY, Token


class Sentry(Catch):
    """Waits for the event of the start event of an event subprocess.

    Interrupting, the event ends everything else in the scope, and the scope ends with the handler. Otherwise the
    handler runs beside, as often as the event happens, and the scope ends when all of them have ended, too.
    """

    guards = True

    def __init__(self, wf_spec: Any, handler: EmbeddedSubprocess, start: Catch, interrupts: bool) -> None:
        super().__init__(wf_spec, f"{handler.name}{SENTRY}", start.event_definition, bpmn_name=start.bpmn_name)
        self.bpmn_id = start.bpmn_id
        self.address = start.address
        self.code_variable, self.message_variable = start.code_variable, start.message_variable
        self.handler = handler
        self.interrupts = interrupts

    def hit(self, token: Token) -> None:
        scope = token.workflow
        if self.interrupts:
            for other in scope.living():
                if other is not token:
                    other.cancel()
        if self.interrupts or not self._stays_armed(token):
            token._state = TaskState.COMPLETED
        self.handler.enter(Token(scope, self.handler))
