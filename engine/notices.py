"""Whoever's account changes is told by e-mail, so that nobody takes one over unseen (OWASP ASVS V2.2.3)."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import select

from engine.model import accounts
from engine.queues import outbox
from engine.runtime import Unit
from engine.terms.calendar import ZONE

SAID = {  # by the act that is recorded
    "password-changed": ("mật khẩu vừa được đổi", "the password was changed"),
    "account-changed": ("thông tin hoặc quyền của tài khoản vừa được đổi", "its data or rights were changed"),
    "second-factor-set": ("mã xác thực thứ hai vừa được bật", "a second factor was set up"),
    "second-factor-removed": ("mã xác thực thứ hai vừa bị gỡ", "the second factor was removed"),
    "recovery-code-used": ("một mã khôi phục vừa được dùng để đăng nhập", "a recovery code was used to log in"),
    "identity-bound": ("tài khoản đăng nhập chung vừa được gắn vào", "an account of elsewhere may now log in"),
}


def tell(unit: Unit, act: str, login: str) -> None:
    """Owe a letter to the address that the account has by now; without one nobody is told.

    Args:
        act: one of `SAID`.
    """
    row = unit.first(select(accounts.c.id, accounts.c.agency, accounts.c.email).where(accounts.c.login == login))
    if row is None or not row.email:
        return
    vietnamese, english = SAID[act]
    text = (f"1022: tài khoản {login}: {vietnamese} lúc {unit.now.astimezone(ZONE):%H:%M ngày %d/%m/%Y}. Nếu ông (bà)"
            f" không biết việc này, hãy báo ngay người quản trị.\n\n"
            f"Account {login}: {english}. If you know nothing of it, tell the administrator at once.")  # fmt: skip
    letter = {"subject": f"1022: tài khoản {login} có thay đổi", "text": text}
    outbox.put(unit, None, "email", act, 0, letter, f"account:{uuid4().hex}", agency=row.agency, account_id=row.id)
