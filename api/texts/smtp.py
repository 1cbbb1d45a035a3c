"""Letters: e-mail by SMTP, through the same outbox and gate as texts, with one click to be left alone.

The standard library's smtplib speaks in a thread of its own: a few letters a second need no further package.
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from typing import ClassVar, Final, Literal

from api.texts.gateway import Arrival, Gateway, InboundText, Order, Report, Said
from loyalty_engine.messages.carrying import Leaving, NotCarried, Receipt
from loyalty_engine.texts.errors import ProofWrong

_SECONDS: Final = 20
_FOR_NOW: Final = range(400, 500)


class Smtp(Gateway, frozen=True, kw_only=True):
    """A mail server. `sender` is the address letters come from."""

    name: ClassVar[str] = "smtp"

    host: str
    port: int = 587
    username: str = ""
    password: str = ""
    sender: str
    tls: Literal["starttls", "always", "never"] = "starttls"

    def __post_init__(self) -> None:
        """Refuse a password that would travel in clear."""
        if self.tls == "never" and self.password:
            raise ValueError("a password is never sent without TLS")

    def verify(self, arrival: Arrival) -> None:
        """Refuse: nothing comes in by a mail server."""
        raise ProofWrong

    def read(self, arrival: Arrival) -> InboundText | None:
        """Hold nothing."""
        return None

    def report(self, arrival: Arrival) -> Report | None:
        """Hold nothing."""
        return None

    def order(self, message: Leaving, report_url: str) -> Order:
        """Ask nobody by HTTP."""
        return Order("", "", {}, b"")

    def taken(self, message: Leaving, said: Said) -> Receipt:
        """Be told nothing by HTTP."""
        return Receipt(message.id)

    def letter(self, message: Leaving, leave_url: str) -> EmailMessage:
        """Write a letter; with an address by which one click ends them (RFC 8058), where there is one."""
        letter = EmailMessage(policy=SMTP)
        domain = self.sender.rpartition("@")[2]
        letter["From"], letter["To"] = self.sender, message.to
        letter["Subject"] = " ".join((message.subject or message.text.splitlines()[0])[:200].split())
        letter["Message-ID"] = f"<{message.id}@{domain}>"
        if leave_url:
            letter["List-Unsubscribe"] = f"<{leave_url}>"
            letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        letter.set_content(message.text + (f"\n\n{leave_url}\n" if leave_url else "\n"))
        return letter

    def post(self, message: Leaving, leave_url: str) -> Receipt:
        """Hand a letter to the mail server; raises NotCarried. Runs in a thread of its own."""
        letter = self.letter(message, leave_url)
        try:
            with self._server() as server:
                if self.tls == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if self.username:
                    server.login(self.username, self.password)
                server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as refused:
            code = next(iter(refused.recipients.values()))[0]
            raise NotCarried(f"{code} refused", again=code in _FOR_NOW) from None
        except smtplib.SMTPResponseException as refused:
            raise NotCarried(f"{refused.smtp_code} smtp", again=refused.smtp_code in _FOR_NOW) from None
        except (OSError, smtplib.SMTPException) as problem:
            raise NotCarried(type(problem).__name__) from None
        return Receipt(letter["Message-ID"])

    def _server(self) -> smtplib.SMTP:
        if self.tls == "always":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(self.host, self.port, timeout=_SECONDS)
