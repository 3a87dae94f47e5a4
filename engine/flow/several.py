"""Activities that are done several times: once for each item of a list, or again until something holds.

The token that enters such an activity stays until all is done, and boundary events hang on it: they concern the whole.
Each instance is a token of its own at the activity proper, in the same scope.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow import TaskState

from engine.flow.nodes import Node, Value
from engine.flow.scripts import Expression
from engine.flow.tokens import Local, Token

INSTANCES_MAX = 100
COUNTER = "loopCounter"


class _Several(Node):
    """What all of them have in common.

    Attributes:
        each: the activity proper.
        until: with ``True``, no further instance is needed.
    """

    until: Expression | None = None

    def __init__(self, wf_spec: Any, bpmn_id: str, each: Node, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.each = each
        each.connect(_Ended(wf_spec, self))

    def instance(self, whole: Token, notes: dict[str, Any]) -> None:
        one = Token(whole.workflow, self.each)
        one.internal_data |= notes | {"of": whole.id}
        self.each.enter(one)

    def instances_of(self, whole: Token) -> list[Token]:
        return [one for one in whole.workflow.living() if one.internal_data.get("of") == whole.id]

    def instance_ended(self, whole: Token, one: Token) -> None:
        raise NotImplementedError

    def _on_cancel(self, token: Token) -> None:
        super()._on_cancel(token)
        for one in self.instances_of(token):
            one.cancel()


class _Ended(Node):
    """Behind the activity proper: an instance is over."""

    def __init__(self, wf_spec: Any, whole: _Several) -> None:
        super().__init__(wf_spec, f"{whole.name}>ended")
        self.bpmn_id = None
        self.whole = whole

    def enter(self, token: Token) -> None:
        token._state = TaskState.COMPLETED
        one = token.workflow.tasks[token._parent]
        self.whole.instance_ended(token.workflow.tasks[one.internal_data["of"]], one)


class MultiInstance(_Several):
    """One instance for each item of a list, or as many as a number says: all at once, or one after the other.

    What an instance is told and finds out is its own. As each ends, its facts become an entry of the list
    ``results``, in the order of the items.

    Attributes:
        collection: gives the list; ``None``: ``cardinality`` gives the number.
        item: the name by which an instance knows its item.
        results: the variable that holds the list of what came out.
        result: the one fact of an instance that goes into the list; ``None``: all of them.
    """

    collection: Expression | None = None
    cardinality: Value | None = None
    item: str | None = None
    results = ""
    result: str | None = None
    sequential = False

    def _update_hook(self, token: Token) -> bool:
        items = self._items(token)
        token.data[self.results] = []
        if not items:
            return True
        token._set_state(TaskState.STARTED)
        now = items[:1] if self.sequential else items
        token.internal_data |= {"all": len(items), "done": 0, "found": []}
        if self.sequential:
            token.internal_data["todo"] = items[1:]
        for number, item in enumerate(now):
            self._begin(token, number, item)
        return False

    def _items(self, token: Token) -> list[Any]:
        if self.collection is not None:
            items = self.value_of(self.collection, token)
            if not isinstance(items, list):
                raise self.fault(f"the collection {self.collection.source!r} came out as {items!r}, not as a list")
            count = len(items)
        else:
            count = self._number(token)
            items = [None] * min(count, INSTANCES_MAX)
        if count > INSTANCES_MAX:
            raise self.fault(f"it would have {count} instances, and {INSTANCES_MAX} is the most")
        return items

    def _number(self, token: Token) -> int:
        count = self.value_of(self.cardinality or "", token)
        if isinstance(count, str) and count.strip().isdecimal():
            count = int(count)
        if type(count) is not int or count < 0:
            raise self.fault(f"the number of its instances came out as {count!r}")
        return count

    def _begin(self, whole: Token, number: int, item: Any) -> None:
        own: dict[str, Any] = {COUNTER: number}
        if self.item is not None and self.collection is not None:
            own[self.item] = item
        self.instance(whole, {"own": own})

    def instance_ended(self, whole: Token, one: Token) -> None:
        notes = whole.internal_data
        notes["done"] += 1
        self._keep(whole, one.internal_data["own"])
        remaining = self.instances_of(whole)
        if self._is_enough(one, notes, len(remaining)):
            for other in remaining:
                other.cancel()
            whole.complete()
        elif notes.get("todo"):
            item, *notes["todo"] = notes["todo"]
            self._begin(whole, notes["done"], item)
        elif not remaining:
            whole.complete()

    def _keep(self, whole: Token, own: dict[str, Any]) -> None:
        """Put what an instance leaves behind where it belongs in the list; those before it may still be at work."""
        found, number = whole.internal_data["found"], own[COUNTER]
        place = sum(1 for one in found if one < number)
        kept = whole.data.get(self.results)
        kept = list(kept) if isinstance(kept, list) else []
        kept.insert(place, own.get(self.result) if self.result else dict(own))
        found.insert(place, number)
        whole.data[self.results] = kept

    def _is_enough(self, one: Token, notes: dict[str, Any], active: int) -> bool:
        if self.until is None:
            return False
        counts = {"nrOfInstances": notes["all"], "nrOfCompletedInstances": notes["done"], "nrOfActiveInstances": active}
        return bool(self.ask(self.until, Local(counts, one.data), one))


class Loop(_Several):
    """The same activity again, as long as a condition holds, at most so many times. It works on the case's data.

    Attributes:
        again: whether there is another round; ``None``: always.
        rounds: how many there may be; ``None``: as many as the condition asks for.
        asks_first: whether the condition is asked before the first round, too.
    """

    again: Expression | None = None
    rounds: int | None = None
    asks_first = False

    def _update_hook(self, token: Token) -> bool:
        token.internal_data["done"] = 0
        if self.rounds == 0 or self.asks_first and not self._goes_on(token):
            return True
        token._set_state(TaskState.STARTED)
        self.instance(token, {})
        return False

    def _goes_on(self, whole: Token) -> bool:
        done = whole.internal_data["done"]
        if self.rounds is not None and done >= self.rounds:
            return False
        return self.again is None or bool(self.ask(self.again, Local({COUNTER: done}, whole.data), whole))

    def instance_ended(self, whole: Token, one: Token) -> None:
        whole.internal_data["done"] += 1
        if self._goes_on(whole):
            self.instance(whole, {})
        else:
            whole.complete()
