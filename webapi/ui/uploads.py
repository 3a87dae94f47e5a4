"""Files that citizens send along: taken before a case exists, kept by a signed slip while a form is corrected."""

from __future__ import annotations

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

from engine.errors import EngineError, InvalidRequest, Unscanned
from engine.files.attachments import Stored
from engine.public import offers
from webapi import attached, auth
from webapi.ui.words import _

NAME_MAX = 200
FIELDS = ("file", "files")  # what a refusal is about


def received() -> list[tuple[Stored, str]]:
    """The files of this request, each with its name.

    Raises:
        InvalidRequest: there are too many, or one is empty or too large.
        TooMany: this network address has sent files too often.
    """
    parts = [part for part in request.files.getlist("files") if part.filename]
    if not parts:
        return []
    if len(parts) > offers.FILES_MAX:
        raise InvalidRequest(f"At most {offers.FILES_MAX} files can be sent along.", field="files")
    with auth.runtime().begin() as unit:
        offers.admit_files(unit, auth.address())
    store, largest = attached.store(), current_app.config["BODY_MAX"]
    return [(store.put(part.stream, largest), (part.filename or "")[-NAME_MAX:]) for part in parts]


def sentence(error: EngineError) -> str:
    if isinstance(error, Unscanned):
        return _("Lúc này chưa kiểm tra được tệp: xin gửi lại tệp sau ít phút, hoặc gửi không kèm tệp.")
    if "virus" in error.facts:
        return _("Có tệp chứa mã độc: các tệp vừa chọn không được nhận.")
    if error.facts.get("field") == "files":
        return _("Chỉ gửi được tối đa %(count)s tệp.", count=offers.FILES_MAX)
    return _("Có tệp rỗng hoặc quá lớn; các tệp vừa chọn chưa được nhận.")


def busy() -> str:
    return _("Nhiều phản ánh vừa được gửi từ mạng này. Xin chờ ít phút rồi gửi lại, hoặc gọi tổng đài.")


def slip(stored: Stored, name: str) -> str:
    """What a page keeps of a file, so that it need not be sent again; only we can write one."""
    return str(_slips().dumps([stored.sha256, stored.size, stored.media_type, name]))


def kept(slips: list[str]) -> list[tuple[Stored, str]]:
    found, store = [], attached.store()
    for one in slips:
        try:
            sha256, size, media_type, name = _slips().loads(one)
        except (BadSignature, ValueError):
            continue
        found.append((Stored(sha256, size, media_type, store.find(sha256)), name))
    return found


def _slips() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="kept-file")
