"""`conferral serve`: a real beat and a real worker, on the embedded broker, with a real mail server; and `kill -9`."""

import re
import signal
import socket
import time
import urllib.error
import urllib.request
from collections import Counter

import psutil
import pytest

from tests.services import smtp

LEARNERS = 30
PATIENCE = 150


@pytest.fixture
def server():
    with smtp.running() as running:
        yield running


def wait_until(true, what):
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"{what}: did not happen in {PATIENCE} s"
        time.sleep(0.05)


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def parts(process):
    """The process of each part, by its name."""
    found = {}
    for child in psutil.Process(process.pid).children():
        command = child.cmdline()
        if "conferral.service.process" in command:
            found[command[command.index("conferral.service.process") + 1]] = child
    return found


def assert_each_once(received, *, repeats):
    """Each message has an id of its own, which a repeat has too."""
    times = Counter(str(message["Message-ID"]) for message in received)
    assert len(times) == LEARNERS
    assert sum(times.values()) <= LEARNERS + repeats, times.most_common(5)


def test_a_configuration_runs_at_its_time_though_worker_and_beat_are_killed(site, server):
    site.environment |= {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
    learners = [(f"learner-{number}", f"Learner {number}", "1") for number in range(LEARNERS)]
    site.set_up(learners, ', schedule: {crontab: "* * * * *"}')
    port = smtp.free_port()
    server.slow = 0.15
    process = site.start("serve", "--port", str(port))
    try:
        wait_until(lambda: len(server.received) >= 5, "the run at the minute")
        killed = parts(process)
        for name in ("worker", "beat"):
            killed[name].send_signal(signal.SIGKILL)
        wait_until(lambda: len({str(one["Message-ID"]) for one in server.received}) == LEARNERS, "all mails")
        assert_each_once(server.received, repeats=1)

        link = re.search(r"http://localhost:\S+", server.received[0].get_body(("plain",)).get_content())[0]
        assert link.startswith(f"http://localhost:{port}/c/")
        status, page = get(link)
        assert (status, "<h2>Genuine</h2>" in page) == (200, True)
        assert get(f"http://localhost:{port}/")[0] == 200
        assert get(f"http://localhost:{port}/static/conferral/conferral.css")[0] == 200
        wait_until(lambda: site.json("status")["beat"]["alive"], "a tick of the beat that was started again")
        children = list(parts(process).values())
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Conferral is on" in out
    assert "worker ended with status -9; starting it again" in out
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    runs = site.rows("select trigger, issued from conferral_run where status = 'finished'")
    assert sum(issued for _, issued in runs) == LEARNERS
    assert {trigger for trigger, _ in runs} == {"schedule"}


def test_its_children_end_when_it_is_killed(site):
    process = site.start("serve", "--port", str(smtp.free_port()))
    wait_until(lambda: len(parts(process)) == 3, "three processes")
    children = list(parts(process).values())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive


def test_a_port_that_is_taken_is_said(site, server):
    refused = site("serve", "--port", str(server.port))
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        f"Error: --port: 127.0.0.1:{server.port} cannot be listened on: Address already in use"
    )
    assert site("serve", "--port", "99999").stderr == "Error: --port: 99999 is no port; choose one from 1 to 65535\n"


def test_killed_while_mails_go_out_each_goes_once(site, server):
    """In one process, killed three times: `conferral run`, then `conferral due`."""
    site.environment |= {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
    site.set_up([(f"learner-{number}", f"Learner {number}", "1") for number in range(LEARNERS)])
    server.slow = 0.05
    for kill, command in enumerate(("run", "due", "due")):
        process = site.start(command)
        enough = 3 + 8 * kill
        wait_until(lambda enough=enough: len(server.received) >= enough, "some mails")
        process.send_signal(signal.SIGKILL)
        process.communicate()
    site.ok("due")
    assert_each_once(server.received, repeats=3)
    delivery = [one["delivery"] for one in site.json("credentials")]
    assert [(len(each), each[0]["state"]) for each in delivery] == [(1, "sent")] * LEARNERS


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_mails_in_files_are_shown_on_this_machine_alone(site, host):
    site.set_up([("ana", "Ana", "1")])
    site.ok("run")
    port = smtp.free_port()
    private = host == "127.0.0.1"
    process = site.start("serve", "--host", host, "--port", str(port))
    try:
        wait_until(lambda: len(parts(process)) == 3 and answers("127.0.0.1", port), "the pages")
        status, page = get(f"http://localhost:{port}/")
        assert (status, "ana@example.com" in page) == (200, private)
        (path,) = (site.home / "mail").glob("*.eml")
        status, page = get(f"http://localhost:{port}/mails/{path.name}")
        assert (status, "Congratulations, Ana" in page) == ((200, True) if private else (404, False))
        assert get(f"http://localhost:{port}/mails/..%2Fsecret-key")[0] == 404
        status, page = get(f"http://localhost:{port}/nowhere")
        assert (status, "There is no such page" in page) == (404, True)
    finally:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert ("! set CONFERRAL_PUBLIC_URL to the address that others use" in out) != private


def answers(host, port):
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
