"""A site under fire: real workers and clocks, on a broker and a database of choice, that are killed and counted."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from celery import Celery

from tests.acceptance.conftest import Site
from tests.fire.buckets import Disk
from tests.fire.databases import Database
from tests.services import smtp
from tests.services.s3 import ROOT

PATIENCE = int(os.environ.get("PATIENCE", "240"))
CELERY = [sys.executable, "-m", "celery", "--app", "conferral.service", "--quiet"]
QUEUES = ("conferral", "conferral.generate", "conferral.deliver")
CLOCK = str(Path(__file__).with_name("clock"))
HELD = {
    "run": "conferral_run where active",
    "file": "conferral_credentialartifact where state = 'pending'",
    "move": "conferral_credentialartifact where state = 'stored' and next_try is not null",
    "mail": "conferral_delivery where state = 'pending'",
}
"""What a process may have in its hands."""
ALONE = ["--without-gossip", "--without-mingle", "--without-heartbeat"]


@dataclass
class Ground(Site):
    """A site with its database, its broker's address and its mail server."""

    database: Database = field(default_factory=Database)
    mails: smtp.Server = field(default_factory=smtp.Server)
    files: Disk = field(default_factory=Disk)
    processes: list = field(default_factory=list)
    struck: Counter = field(default_factory=Counter)

    def rows(self, query):
        return self.database.rows(query)

    def number(self, query):
        ((found,),) = self.rows(query)
        return int(found or 0)

    def celery(self, *arguments):
        """A worker or a beat, in a group of its own."""
        with (self.path / "log").open("ab") as log:
            process = subprocess.Popen(
                [*CELERY, *arguments],
                cwd=self.path,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self, *arguments, concurrency=2):
        return self.celery("worker", "--concurrency", str(concurrency), *ALONE, *arguments)

    def beat(self):
        return self.celery("beat", f"--pidfile={self.path}/beat-{len(self.processes)}.pid", "--max-interval", "2")

    def kill(self, process):
        """With all its children, as the power does; what they had in their hands is counted."""
        stopped = [child for child in children(process) if stop(child)]
        self.struck.update(filter(None, (self.at_work(child.pid) for child in stopped)))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def strike(self, chance, *, at=("run", "file", "mail", "move"), whole=0.3, replaced=True):
        """SIGKILL for a process that has something of that kind in its hands; its number.

        A process is stopped as it is at this moment, looked at, and killed or let go on: so none is killed that has
        nothing to do. In so many cases of one its worker is killed with it, and another one takes its place.
        """
        found = []

        def one_is():
            workers = [worker for worker in self.processes if self.lives(worker)]
            for worker in chance.sample(workers, len(workers)):
                for child in children(worker):
                    if not stop(child):
                        continue
                    if (what := self.at_work(child.pid)) in at:
                        found[:] = worker, child, what
                        return True
                    child.resume()
            return False

        self.wait(one_is, f"a process at one of {at}", nudging=1)
        worker, child, what = found
        if chance.random() < whole:
            self.kill(worker)
            if replaced:
                self.worker(concurrency=1)
        else:
            self.struck[what] += 1
            child.kill()
        return child.pid

    def at_work(self, pid):
        """What the process of that number has claimed and not given back."""
        asked = " union all ".join(f"select '{kind}' from {rows} and {held_by(pid)}" for kind, rows in HELD.items())
        return next((kind for (kind,) in self.rows(asked)), "")

    def clear(self):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.database.close()

    def pool(self):
        """The processes of all workers' pools."""
        return [child for process in self.processes for child in children(process)]

    def ticks(self):
        """How often beat has sent the sweep."""
        return self.number(
            "select sum(total_run_count) from django_celery_beat_periodictask where task = 'conferral.sweep'"
        )

    def more_courses(self, count):
        """Further configurations like the first, for courses of their own."""
        contexts, _, types = self.declarations().partition("types:")
        line = next(line for line in types.splitlines() if line.strip().startswith("- {context:"))
        keys = [f"course-v1:Test+More{number}+2026" for number in range(count)]
        contexts += "".join(f'  - {{key: "{key}", name: More}}\n' for key in keys)
        types += "".join(line.replace("course-v1:Test+T101+2026", key) + "\n" for key in keys)
        self.write("credentials.yaml", f"{contexts}types:{types}")
        self.ok("apply", "credentials.yaml")

    def declarations(self):
        return (self.path / "credentials.yaml").read_text(encoding="utf-8")

    def nudge(self, name="conferral.sweep", *arguments, version=1):
        """A message as beat and workers send it."""
        with Celery(broker=self.environment["CELERY_BROKER_URL"]) as app:
            queue = name if name in QUEUES else "conferral"
            app.send_task(
                name,
                args=arguments,
                queue=queue,
                exchange=queue,
                routing_key=queue,
                headers={} if version is None else {"conferral_version": version},
            )

    def consume(self, queue):
        """Tells the workers that are there to listen to that queue, too."""
        with Celery(broker=self.environment["CELERY_BROKER_URL"]) as app:
            app.control.add_consumer(queue)

    def purge(self):
        """Nothing is left in the queues."""
        with Celery(broker=self.environment["CELERY_BROKER_URL"]) as app, app.connection() as connection:
            for name in QUEUES:
                connection.default_channel.queue_purge(name)

    def make_due(self):
        """Its time has come."""
        self.database.do("update conferral_credentialconfiguration set next_run_at = '2026-01-01 00:00:00'")

    def stored(self):
        """How many files are made."""
        return self.number("select count(*) from conferral_credentialartifact where state = 'stored'")

    def sent(self):
        """How many mails are."""
        return self.number("select count(*) from conferral_delivery where state = 'sent'")

    def progress(self):
        """How many files and mails are done."""
        return self.stored() + self.sent()

    def lives(self, process):
        """Whether a worker is there, with its pool."""
        return process.poll() is None and bool(children(process))

    def done(self, learners):
        return (
            self.number("select count(*) from conferral_credential where state = 'available'") == learners
            and self.number("select count(*) from conferral_delivery where state in ('sent', 'failed')") == learners
        )

    def wait(self, true, what, *, nudging=0.0, patience=PATIENCE):
        """Until it is; with a sweep each so many seconds, as beat would send it each minute."""
        end, last = time.monotonic() + patience, time.monotonic()
        while not true():
            now = time.monotonic()
            assert now < end, f"{what}: did not happen in {patience} s\n{self.log()}"
            if nudging and now - last > nudging:
                self.nudge()
                last = now
            time.sleep(0.05)

    def log(self):
        path = self.path / "log"
        return path.read_text(encoding="utf-8", errors="replace")[-3000:] if path.exists() else ""

    def log_count(self, text):
        return (self.path / "log").read_text(encoding="utf-8", errors="replace").count(text)

    def assert_right(self, learners):
        """Each learner has one credential, each file is there once with its hash, each mail was sent once.

        Only a mail that a killed process had in its hands may have been sent once more for it; how many were.
        """
        holders = self.rows("select configuration_id, learner_id, state from conferral_credential where current")
        assert len(holders) == len({holder[:2] for holder in holders})
        assert {state for *_, state in holders} == {"available"}
        assert self.number("select count(*) from conferral_credential") == len(holders) == learners
        self.assert_files(learners)
        assert self.number("select count(*) from conferral_run where active") == 0
        received = Counter(str(message["Message-ID"]) for message in self.mails.received)
        assert len(received) == learners
        repeats = sum(received.values()) - learners
        assert repeats <= self.struck["mail"]
        return repeats

    def assert_files(self, count):
        """So many are recorded; each is there once, with its hash; and none that nobody names."""
        recorded = dict(self.rows("select storage_name, sha256 from conferral_credentialartifact"))
        assert len(recorded) == count == self.number("select count(*) from conferral_credentialartifact")
        assert self.files.hashes() == recorded


def stop(process):
    """Stops a process as it is; whether there was one to be stopped."""
    try:
        process.suspend()
        while (status := process.status()) not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
            time.sleep(0.001)
    except psutil.NoSuchProcess:
        return False
    return status == psutil.STATUS_STOPPED


def held_by(pid):
    """The condition that rows are claimed by the process of that number."""
    return f"claim like '%:{pid}:%'"


def megabytes(process):
    """Of memory that a process has by itself; none when it has ended."""
    try:
        return process.memory_info().rss / 1e6
    except psutil.NoSuchProcess:
        return 0


def children(process):
    try:
        return psutil.Process(process.pid).children()
    except psutil.NoSuchProcess:
        return []


def prepared(
    site, database, broker, mails, *, learners, schedule=", schedule: {every: 30 days}", clock=None, bucket=None, **more
):
    """The site with so many learners who qualify, on that database and broker; its clock and bucket, if given."""
    inherited = [
        CLOCK if clock else "",
        database.environment.get("PYTHONPATH", ""),
        site.environment["PYTHONPATH"],
        str(ROOT),
    ]
    environment = (
        site.environment
        | (clock.environment if clock else {})
        | (bucket.environment if bucket else {})
        | {
            "PYTHONPATH": os.pathsep.join(part for part in inherited if part),
            "DJANGO_SETTINGS_MODULE": database.settings,
            "CELERY_BROKER_URL": broker,
            "EMAIL_URL": f"smtp://127.0.0.1:{mails.port}",
            "CONFERRAL_RETRY_SECONDS": "0",
            "CONFERRAL_PAGE_SIZE": "200",
            "CONFERRAL_BATCH_SIZE": "50",
            **more,
        }
    )
    if database.url:
        environment["DATABASE_URL"] = database.url
    ground = Ground(Path(site.path), environment, database, mails, bucket or Disk(site.home / "files"))
    # The first run issues to everybody, which the guard would hold for a person.
    configured = f"{schedule}, guards: {{enabled: false}}"
    ground.set_up([(f"learner-{number}", f"Learner {number}", "1") for number in range(learners)], configured)
    return ground
