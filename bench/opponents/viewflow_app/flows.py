"""The lifecycle in Viewflow's words: each step a row of its table of tasks, the boundary event too."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from viewflow import this
from viewflow.workflow import flow, lock

DESK = User(pk=1, username="desk")


def _desk(_activation: object) -> User:
    """Spares each task the update in which somebody takes it."""
    return DESK


class Life(flow.Flow):
    lock_impl = lock.SelectForUpdateLock(nowait=False)

    received = flow.StartHandle(this.take).Next(this.prepare)
    prepare = flow.Function(this.rate).Next(this.verify)
    verify = flow.View(None).Assign(_desk).Next(this.is_right)
    is_right = flow.If(lambda one: one.process.data.get("again")).Then(this.verify).Else(this.assign)
    assign = flow.View(None).Assign(_desk).Next(this.handle)
    handle = flow.View(None).Assign(_desk).OnTimeout(timedelta(hours=72), this.note, interrupting=False).Next(this.tell)
    note = flow.Function(this.be_late).Next(this.noted)
    noted = flow.End()
    tell = flow.View(None).Assign(_desk).Next(this.send)
    send = flow.Function(this.do_send).Next(this.closed)
    closed = flow.End()

    def take(self, activation, data):
        activation.process.data = data
        return activation.process

    def rate(self, activation):
        data = activation.process.data
        data["priority"] = "high" if data["urgent"] else "normal"
        activation.process.save(update_fields=["data"])

    def be_late(self, activation):
        activation.process.data["late"] = True
        activation.process.save(update_fields=["data"])

    def do_send(self, activation):
        """The result, to nobody: as with the other hosts."""
