"""A real SMTP server of our own, on a loopback port of its own, that answers as a test wants."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller


@dataclass
class Server:
    """What it received, in order; `answers` is what it replies to a recipient, `slow` how long it takes to say so."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    answers: Callable[[str], str] = lambda recipient: "250 OK"
    slow: float = 0
    connections: int = 0

    @property
    def recipients(self):
        return [str(message["To"]) for message in self.received]

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802 - aiosmtpd's name
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):  # noqa: N802
        answer = self.answers(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.received.append(message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default))
        await asyncio.sleep(self.slow)
        return "250 OK"


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running() -> Iterator[Server]:
    """The server, until the block ends."""
    server = Server(free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port, ready_timeout=10)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
