"""`conferral serve`: web, worker and beat in one command, with nothing to install beside it."""

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from rich.console import Console

from conferral import access
from conferral.contract import ConferralError
from conferral.management.people import PEOPLE
from conferral.settings import PREFIX

HELP = "Serves the pages and carries out the schedules: web, worker and beat in one, until Ctrl-C."
PUBLIC_URL = f"{PREFIX}PUBLIC_URL"
GRACE = 10
"""Seconds to end what is under way; what is not ended then, another worker takes up."""
RESTART_AFTER = 1.0
SHOWS_MAILS = f"{PREFIX}SHOWS_MAILS"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
LAST_PORT = 65535


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on, 1 to 65535 (default: 8000)")


def handle(options: dict[str, Any], console: Console) -> None:
    """Keeps the three processes running until it is told to stop."""
    host, port = options["host"], options["port"]
    _check_port(host, port)
    call_command("migrate", verbosity=0)
    url = os.environ.get(PUBLIC_URL) or f"http://{_name_of(host)}:{port}"
    private = host in LOOPBACK and PUBLIC_URL not in os.environ
    environment = os.environ | {PUBLIC_URL: url, SHOWS_MAILS: "yes" if private else ""}
    commands = {"web": ["web", host, str(port)], "worker": ["worker"], "beat": ["beat"]}
    # Told to stop by a process manager is the same as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            running[name] = _start(command, environment)
        _wait_for(host, port, running["web"])
        _welcome(console, host, f"http://{_name_of(host)}:{port}", url)
        while True:
            time.sleep(0.2)
            for name, process in running.items():
                if process.poll() is not None:
                    console.print(f"[yellow]! {name} ended with status {process.returncode}; starting it again[/]")
                    time.sleep(RESTART_AFTER)
                    running[name] = _start(commands[name], environment)
    except KeyboardInterrupt:
        console.print("\nstopping …")
    finally:
        _stop(list(running.values()))


def _start(command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which stops the others in good order. Its end of their
    # standard input tells them when it is gone without having done so.
    arguments = [sys.executable, "-m", "conferral.service.process", *command]
    return subprocess.Popen(  # noqa: S603 - our own program  # nosec B603
        arguments, stdin=subprocess.PIPE, env=dict(environment), start_new_session=True
    )


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + GRACE
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _check_port(host: str, port: int) -> None:
    if not 0 < port <= LAST_PORT:
        raise ConferralError(f"--port: {port} is no port; choose one from 1 to {LAST_PORT}")
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
    except UnicodeError:
        raise ConferralError(f"--host: {host!r} is no name of a host") from None
    except OSError as error:
        raise ConferralError(
            f"--port: {host}:{port} cannot be listened on: {error.strerror}; choose another --port"
        ) from None


def _wait_for(host: str, port: int, web: subprocess.Popen[bytes]) -> None:
    while web.poll() is None:
        try:
            socket.create_connection((_name_of(host), port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise ConferralError("the web process did not start; what it said is above")


def _name_of(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host  # noqa: S104 - compared  # nosec B104


def _welcome(console: Console, host: str, here: str, public: str) -> None:
    console.print(f"[bold]Conferral[/] is on [bold]{here}/[/]   web, worker and beat; Ctrl-C stops all three")
    if host not in LOOPBACK and PUBLIC_URL not in os.environ:
        console.print(f"  [yellow]! set {PUBLIC_URL} to the address that others use: it is printed on credentials[/]")
    if public != here:
        console.print(f"  credentials lead to {public}")
    users = {user.get_username(): user for user in get_user_model()._default_manager.filter(username__in=PEOPLE)}  # noqa: SLF001
    for username, door in PEOPLE.items():
        if user := users.get(username):
            console.print(f"  {door:<10} {public}/sign-in/{access.sign_in_token(user)}", soft_wrap=True)
    if users:
        console.print(f"  {'I check':<10} {public}/sign-in/stranger")
    else:
        console.print("  `make demo` brings people to sign in as; or make one: conferral createsuperuser", style="dim")
    if not django_settings.EMAIL_BACKEND.startswith("django."):
        console.print(f"  mails go to files in {django_settings.EMAIL_FILE_PATH}", style="dim")
