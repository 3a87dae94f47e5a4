"""All stories that came with a report type, played with its draft: which go as they say, and what of the diagram none
of them takes.

Some at a time, for no request should last: what came out so far stands, signed, in the address. So the page can be
left, loaded anew, gone back to and shown to a colleague, and a server that begins anew has lost nothing but the stories
that it was playing. htmx goes on by itself; without it there is a button.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Response, current_app, redirect, request, url_for
from itsdangerous import BadSignature, URLSafeSerializer

from engine.errors import InvalidRequest, TooMany
from engine.flow import paths
from engine.packages import Files, Package
from engine.people.access import Account
from engine.runtime import Unit
from engine.versions import drafts
from webapi.rehearsal import apart
from webapi.ui import door, pages, rehearsing
from webapi.ui.pages import Pages, page
from webapi.ui.words import in_language, translated

bp = Pages("ui_covering")
PAGE = f"{rehearsing.PLAY}/tat-ca"
WHY_MAX = 200  # characters in the address; played by itself a story tells all


@dataclass(frozen=True)
class Found:
    """What came out so far.

    Attributes:
        draft: the etag of what was played.
        whys: why a story does not go as it says, by its name; ``None``: it does.
        untaken: what none has taken yet, as positions in what `paths.cover` tells when nothing was played.
    """

    draft: str
    whys: Mapping[str, str | None] = field(default_factory=dict)
    untaken: frozenset[int] | None = None

    def without(self, name: str, why: str) -> Found:
        """A story that could not be played to its end."""
        return replace(self, whys={**self.whys, name: why[:WHY_MAX]})

    def plus(self, names: list[str], played: Mapping[str, Any]) -> Found:
        whys = {name: why and why[:WHY_MAX] for name, why in zip(names, played["whys"], strict=False)}
        untaken = frozenset(played["untaken"])
        return Found(self.draft, {**self.whys, **whys}, untaken if self.untaken is None else untaken & self.untaken)


@bp.read(PAGE)
def show(unit: Unit, caller: Account, code: str) -> Any:
    """?da-chay=…: what came out so far; with ?dung htmx does not go on."""
    try:
        files = rehearsing.playable(unit, caller, code)
    except InvalidRequest as error:
        return pages.undone(error.detail or "", url_for("ui_rehearsing.show", code=code))
    return _page(code, files, _found(drafts.show(unit, code, by=caller)))


@bp.open("POST", PAGE)
def go_on(code: str) -> Any:
    """Play the next ones."""
    files, found = door.reads(_asked)(code)
    told = {one.stem: one.read_text(encoding="utf-8") for one in rehearsing.stories(code)}
    left = [name for name in told if name not in found.whys]
    try:
        found = _further(files, code, found, {name: told[name] for name in left})
    except TooMany as error:
        return _page(code, files, found, translated(error.detail or ""))
    return redirect(_address(code, found), 303)


def _further(files: list[Files], code: str, found: Found, left: Mapping[str, str]) -> Found:
    """Raises:
    TooMany: others play just now.
    """
    stories = [*left.values()]
    for told in (stories, stories[:1]):  # should some take too long, the first has its turn
        try:
            return found.plus([*left], apart.play_some(files, code, told)) if told else found
        except InvalidRequest as error:
            why = error.detail or ""
    return found.without(next(iter(left)), why)


def _asked(unit: Unit, caller: Account, code: str) -> tuple[list[Files], Found]:
    return rehearsing.playable(unit, caller, code), _found(drafts.show(unit, code, by=caller))


def _page(code: str, files: list[Files], found: Found, why: str = "") -> Any:
    package, stories = Package(files[-1]), {one.stem: rehearsing.title(one) for one in rehearsing.stories(code)}
    left = [name for name in stories if name not in found.whys]
    if not left and "HX-Request" in request.headers:  # the diagram wants a page of its own
        return Response(status=200, headers={"HX-Redirect": _address(code, found)})
    every = paths.cover(package.files, paths.Taken(str(package.type["process"])))
    untaken = [one for position, one in enumerate(every.untaken) if found.untaken is None or position in found.untaken]
    cover = replace(every, untaken=untaken)
    return page("ui/covering.html", 422 if why else 200, code=code, name=in_language(package.name), stories=stories,
                found=found, left=left, why=why, cover=cover, label=_label, here=_address(code, found),
                goes_on=not why and "dung" not in request.args,
                marks={one.id: "changed" for one in untaken})  # fmt: skip


def _label(one: paths.Untaken) -> str:
    """An element or a flow that no story took, as it is named in a sentence."""
    return " → ".join(translated(part) for part in one.label.split(" to "))


# -- what stands in the address ------------------------------------------------------------------------------------


def _address(code: str, found: Found) -> str:
    untaken = None if found.untaken is None else sorted(found.untaken)
    said = _signing().dumps([found.draft, dict(found.whys), untaken])
    return url_for("ui_covering.show", **{"code": code, "da-chay": said})


def _found(draft: drafts.Draft) -> Found:
    """Nothing yet, where something else was played than the draft is now."""
    try:
        etag, whys, untaken = _signing().loads(request.args.get("da-chay", ""))
    except BadSignature:
        etag, whys, untaken = "", {}, None
    if etag != draft.etag():
        return Found(draft.etag())
    return Found(etag, whys, None if untaken is None else frozenset(untaken))


def _signing() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="stories-played")
