"""E-mail through the province's mail server."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import quote, unquote

from engine.forms import contacts
from engine.notifiers.message import Clock, Message, Receipt, TryLater, Undeliverable, masked, seconds

_TLS = ("starttls", "implicit", "none")


class Smtp:
    """One connection for each message: there are few, and an idle one is closed by the server anyway."""

    def __init__(
        self,
        host: str,
        sender: str,
        clock: Clock,
        port: int = 587,
        tls: str = "starttls",
        user: str = "",
        password: str = "",
        ca_file: str | None = None,
        domain: str = "",
        reply_to: str = "",
        timeout: float = 10,
    ) -> None:
        """Args:
        sender: the address in From: "1022 Bình Dương <1022@binhduong.gov.vn>".
        tls: starttls, implicit (port 465) or none.
        domain: what follows the @ in Message-ID, and our name in the greeting; the sender's domain if left out.
        reply_to: where answers go; the sender if left out.
        """
        if tls not in _TLS:
            raise ValueError(f"tls must be one of {', '.join(_TLS)}, not {tls!r}.")
        address = sender.rpartition("<")[2].rstrip("> ")
        if not contacts.is_address(address):
            raise ValueError(f"The sender {sender!r} is no e-mail address.")
        if reply_to and not contacts.is_address(reply_to):
            raise ValueError(f"reply_to is {reply_to!r}, which is no e-mail address.")
        self.host, self.port, self.tls = host, int(port), tls
        self.user, self.password = user, password
        self.sender, self.reply_to = sender, reply_to
        self.clock = clock
        self.domain = domain or address.rpartition("@")[2]
        self.timeout = seconds(timeout)
        self._context = None if tls == "none" else ssl.create_default_context(cafile=ca_file)

    def send(self, message: Message) -> Receipt:
        letter = self._letter(message)
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise _refusal(code, f"The mail server refused {masked(message.to)} with {code}.") from None
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, f"The mail server refused the message with {error.smtp_code}.") from None
        except smtplib.SMTPResponseException as error:  # the greeting, the login, the sender: ours to repair
            raise TryLater(f"The mail server {self.host} answered {error.smtp_code} to our {_step(error)}.") from None
        except (smtplib.SMTPException, OSError) as error:
            raise TryLater(f"The mail server {self.host} cannot be used: {_cause(error)}.") from None
        return Receipt(str(letter["Message-ID"]))

    def _connected(self) -> smtplib.SMTP:
        if self.tls == "implicit" and self._context:
            return smtplib.SMTP_SSL(
                self.host, self.port, local_hostname=self.domain, timeout=self.timeout, context=self._context
            )
        server = smtplib.SMTP(self.host, self.port, local_hostname=self.domain, timeout=self.timeout)
        if self._context:
            try:
                server.starttls(context=self._context)
            except BaseException:
                server.close()
                raise
        return server

    def _letter(self, message: Message) -> EmailMessage:
        if not contacts.is_address(message.to):
            raise Undeliverable(f"{masked(message.to)} is not an e-mail address.")
        letter = EmailMessage()
        letter["From"] = self.sender
        letter["To"] = message.to
        subject = message.subject or (f"1022: {message.case_number}" if message.case_number else "Tổng đài 1022")
        letter["Subject"] = " ".join(subject.split())
        letter["Date"] = format_datetime(self.clock())
        letter["Message-ID"] = f"<{quote(message.key, safe='')}@{self.domain}>"
        letter["Auto-Submitted"] = "auto-generated"  # so that holiday replies do not come back (RFC 3834)
        if self.reply_to:
            letter["Reply-To"] = self.reply_to
        letter.set_content(message.text)
        if file := message.payload.get("file"):
            content = f"\ufeff{file['content']}"  # the mark makes Excel read it as UTF-8
            letter.add_attachment(content, subtype="csv", charset="utf-8", filename=file["name"])
        return letter


def key_of(message_id: str) -> str:
    """The key of the message that a letter with this Message-ID was made of, if it is one of ours."""
    return unquote(message_id.strip("<>").rpartition("@")[0])


def _refusal(code: int, reason: str) -> TryLater | Undeliverable:
    return Undeliverable(reason) if 500 <= code < 600 else TryLater(reason)


def _step(error: smtplib.SMTPResponseException) -> str:
    names = {smtplib.SMTPAuthenticationError: "login", smtplib.SMTPSenderRefused: "sender address"}
    return names.get(type(error), "greeting")


def _cause(error: Exception) -> str:
    """Without the server's words: they often repeat the address."""
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it did not answer in time" if isinstance(error.__context__, TimeoutError) else "it hung up"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLError):
        return f"its certificate or encryption failed ({error.reason})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
