"""A real mail server in a thread that speaks SMTP, and misbehaves on order."""

from __future__ import annotations

import asyncio
import email
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.services import free_port

USER, PASSWORD = "line", "correct horse"


@dataclass
class Inbox:
    """Takes mail. `answers` maps a recipient to what RCPT is answered with."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    after_data: str = "250 taken"
    die_in_data: int = 0
    hang_in_data: float = 0.0
    encrypted: list[bool] = field(default_factory=list)
    peers: set[object] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802 - the server's name for it
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        self.peers.add(session.peer)
        answer = self.answers.get(address, "250 welcome")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - the server's name for it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.hang_in_data:
            await asyncio.sleep(self.hang_in_data)
        if self.after_data.startswith("250"):
            content = envelope.original_content or b""
            mail = email.message_from_bytes(content, policy=default)
            self.mails.append(mail)  # type: ignore[arg-type]
            self.recipients += envelope.rcpt_tos
            self.encrypted.append(session.ssl is not None)
        if self.die_in_data:
            self.die_in_data -= 1
            server.transport.abort()
        return self.after_data


class Server(Controller):
    """`aiosmtpd` on a free port of this machine."""

    def __init__(self, inbox: Inbox, **options: Any) -> None:
        self.inbox = inbox
        super().__init__(
            inbox, hostname="127.0.0.1", port=free_port(), ready_timeout=10, **options
        )


@contextmanager
def running(inbox: Inbox, **options: Any) -> Iterator[Server]:
    server = Server(inbox, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def signing_in(folder: Path) -> dict[str, Any]:
    """Options of a server that asks for STARTTLS and a password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return {
        "tls_context": context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": _authenticate,
    }


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    given = data if isinstance(data, LoginPassword) else LoginPassword(b"", b"")
    right = given == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)
