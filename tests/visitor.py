"""Somebody at our pages without a browser, for tests: follows links, and fills in the forms that are there.

    page = visitor.opens("/tra-cuu")
    page = visitor.sends(page, number=…, secret=…)     # the page's first form, with what is in it already
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

from flask import Flask
from lxml import html
from werkzeug.datastructures import MultiDict


class Page:
    """What came back; ``status`` and ``url`` after any redirects."""

    def __init__(self, answer: Any) -> None:
        self.status = answer.status_code
        self.url = answer.request.full_path.rstrip("?")
        self.headers = answer.headers
        self.source = answer.text
        self.html = html.fromstring(answer.text)

    @property
    def text(self) -> str:
        return " ".join(self.html.text_content().split())

    @property
    def faults(self) -> list[str]:
        return [one.text_content().strip() for one in self.html.xpath("//*[@id='faults']//li | //*[@class='fault']")]

    def find(self, path: str) -> list[Any]:
        return list(self.html.xpath(path))


class Visitor:
    def __init__(self, app: Flask, address: str = "10.1.2.3") -> None:
        self.client = app.test_client()
        self.address = {"REMOTE_ADDR": address}

    def opens(self, url: str, **headers: str) -> Page:
        sent = {"Accept": "text/html"} | headers
        return Page(self.client.get(url, headers=sent, environ_base=self.address, follow_redirects=True))

    def sends(self, page: Page, *, form: int = 0, to: str | None = None, **values: Any) -> Page:
        """Fill in a form of a page and send it. A key's dots are written __; ``None`` leaves a field out; a file is
        (name, bytes)."""
        (chosen,) = page.html.xpath("//main//form")[form : form + 1]
        for area in chosen.xpath(".//textarea"):
            area.text = (area.text or "").removeprefix("\n")
        body = MultiDict(chosen.form_values())
        for name, value in values.items():
            name = name.replace("__", ".")
            body.poplist(name)
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    body.add(name, (BytesIO(one[1]), one[0]) if isinstance(one, tuple) else one)
        url = to or chosen.get("action") or page.url
        return self.posts(url, body)

    def posts(self, url: str, body: Any) -> Page:
        sent = {"Accept": "text/html"}
        return Page(self.client.post(url, data=body, headers=sent, environ_base=self.address, follow_redirects=True,
                                     content_type="multipart/form-data"))  # fmt: skip


def refused(visitor: Visitor, page: Page, to: str, **values: str) -> str:
    """The form of a page that goes to ``to`` is refused, and comes back open and as it was filled in: why."""
    at = next(n for n, form in enumerate(page.find("//main//form")) if form.get("action") == to)
    again = visitor.sends(page, form=at, **values)
    (form,) = again.find(f"//main//form[@action='{to}' and @data-refused]")
    kept = {name: str(form.fields[name] or "").removeprefix("\n") for name in values}
    assert (again.status, kept) == (422, values), (again.status, again.text)
    assert "open" in form.getparent().attrib or form.getparent().tag != "details", to
    assert style_free(again) and again.find("//nav/a[@aria-current]"), to
    (why,) = again.find("//p[@class='refusal']")
    assert form.find(".//p[@class='fault']").text_content() == why.text_content()
    return str(why.text_content())


def codes(page: Page) -> list[str]:
    """The number and the secret on a receipt."""
    return [one.text_content() for one in page.find("//*[@class='code']")]


def style_free(page: Page) -> bool:
    """Whether a page keeps to its policy: nothing inline."""
    inline = page.find("//@style | //style | //script[not(@src)] | //@*[starts-with(name(), 'on')]")
    return not inline and not re.search(r"https?://(?!1022\.)", re.sub(r"xmlns=\S+|<time.*?</time>", "", page.source))
