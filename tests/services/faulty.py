"""What goes wrong between us and a storage: a proxy of our own before a real server, that spoils some requests."""

import http.client
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

XML = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
RESET = struct.pack("ii", 1, 0)
"""To linger for no time: the connection is not closed but reset."""


@dataclass
class Faults:
    """What the proxy does with a request, by its method; without an entry, it passes it on. `asked` has what came."""

    address: str
    how: dict[str, Callable[["_Handler"], None]] = field(default_factory=dict)
    asked: list[tuple[float, str, str]] = field(default_factory=list)
    delay: float = 0
    at_once: int = 0
    most_at_once: int = 0

    def count(self, method: str) -> int:
        return sum(each == method for _, each, _ in self.asked)

    def spoil(self, how: Callable[["_Handler"], None], *methods: str) -> None:
        self.how = dict.fromkeys(methods, how)

    def heal(self) -> None:
        self.how = {}


def answer(status: int, code: str, message: str = "told to") -> Callable[["_Handler"], None]:
    """An answer in S3's words."""

    def fault(handler: "_Handler") -> None:
        handler.take_body()
        handler.say(status, {"Content-Type": "application/xml"}, XML.format(code=code, message=message).encode())

    return fault


def reset(handler: "_Handler") -> None:
    """The connection is reset before anything is read of the body."""
    handler.cut()


def cut_upload(handler: "_Handler") -> None:
    """Half of what is uploaded reaches the server; then both connections are gone."""
    body = handler.take_body()
    with socket.create_connection(handler.server.upstream, timeout=10) as upstream:
        head = f"{handler.command} {handler.path} HTTP/1.1\r\n" + "".join(
            f"{k}: {v}\r\n" for k, v in handler.headers.items()
        )
        upstream.sendall(head.encode("latin-1") + b"\r\n" + body[: len(body) // 2])
        time.sleep(0.05)
    handler.cut()


def lose_the_answer(handler: "_Handler") -> None:
    """The server does what it is asked for, and nobody hears of it."""
    handler.ask()
    handler.cut()


def cut_download(handler: "_Handler") -> None:
    """Half of what was promised comes; then the connection is gone."""
    status, headers, body = handler.ask()
    if handler.command == "HEAD" or not body:
        handler.say(status, headers, body)
        return
    handler.say(status, headers, body[: len(body) // 2], length=len(body))
    handler.cut()


def hang(handler: "_Handler") -> None:
    """No answer, until the other side has had enough."""
    handler.server.faults_end.wait(120)
    handler.cut()


def trickle(handler: "_Handler") -> None:
    """Slow, but right: two seconds before anything comes."""
    time.sleep(2)
    handler.say(*handler.ask())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    upstream: tuple[str, int]
    faults: Faults
    faults_end: threading.Event

    def handle_error(self, request, client_address):
        """Connections that are cut are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *arguments):
        pass

    def _any(self):
        faults = self.server.faults
        faults.asked.append((time.monotonic(), self.command, self.path))
        faults.at_once += 1
        faults.most_at_once = max(faults.most_at_once, faults.at_once)
        try:
            time.sleep(faults.delay)
            if fault := faults.how.get(self.command):
                fault(self)
            else:
                self.say(*self.ask())
        finally:
            faults.at_once -= 1

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _any  # noqa: N815 - http.server's names

    def take_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def ask(self):
        """The real server's answer."""
        connection = http.client.HTTPConnection(*self.server.upstream, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect"):
                connection.putheader(name, value)
        connection.endheaders(self.take_body() or None)
        answered = connection.getresponse()
        body = answered.read()
        headers = {
            name: value
            for name, value in answered.getheaders()
            if name.lower() not in ("connection", "transfer-encoding")
        }
        connection.close()
        return answered.status, headers, body

    def say(self, status, headers, body, length=None):
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        promised = headers.get("Content-Length", len(body)) if self.command == "HEAD" else (length or len(body))
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self):
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close_connection = True
        self.connection.close()


@contextmanager
def before(address: str) -> Iterator[Faults]:
    """The proxy, on a loopback port of its own, before the server at that address."""
    upstream = urllib.parse.urlsplit(address)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.upstream = (upstream.hostname or "", upstream.port or 80)
    server.faults_end = threading.Event()
    server.faults = Faults(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.faults
    finally:
        server.faults_end.set()
        server.shutdown()
        server.server_close()
        thread.join()
