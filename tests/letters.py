"""Letters as the world writes them, for tests."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

CITIZEN = "binh@example.vn"
US = "1022@binhduong.example"


def written(
    said: str = "Chợ đêm tụ tập đông người",
    *,
    html: str = "",
    sender: str = f"Nguyễn Văn Bình <{CITIZEN}>",
    subject: str = "Phản ánh",
    files: tuple[tuple[str, bytes], ...] = (),
    **headers: str,
) -> bytes:
    """A letter; header names with ``_`` for the hyphen, an empty one is left out."""  # fmt: skip
    letter = EmailMessage()
    shown: dict[str, Any] = {"From": sender, "To": US, "Subject": subject, "Date": "Fri, 03 Sep 2021 08:00:00 +0700",
                             "Message-ID": make_msgid(domain="example.vn")}  # fmt: skip
    for name, value in (shown | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        if value:
            letter[name] = value
    if said or not html:
        letter.set_content(said)
    if html:
        (letter.add_alternative if said else letter.set_content)(html, subtype="html")
    for name, content in files:
        letter.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return letter.as_bytes()


def bounced(original: str, to: str, *, action: str = "failed", returned_to: str = "") -> bytes:
    """What a mail server says of a letter that it could not deliver (RFC 3464)."""
    return f"""\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.vn>
To: {US}
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce.{original.strip("<>")}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.vn

Final-Recipient: rfc822; {to}
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b1
Content-Type: text/rfc822-headers

From: {US}
To: {returned_to or to}
Message-ID: {original}
Subject: 1022

--b1--
""".replace("\n", "\r\n").encode()
