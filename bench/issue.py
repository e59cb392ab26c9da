"""`make bench-issue`: issuing end to end, beside learning-credentials 0.5.3, and by itself for large courses.

Evaluate, issue, render and store for 1,000 learners, on SQLite and local files, the same template and font; processes
of both in turn, medians. The reference gets its learners from a function that says who is eligible, ours from an
imported roster; nobody is written to. Then ours alone for the sizes of `--sizes`, each in a process of its own that
works through the tasks' own messages, as a worker does: how it grows, on SQLite, PostgreSQL, and MariaDB treated as
MySQL 8 (`--databases`). And Celery's worker with two processes against one, over Redis, from the end of the run to the
last file (`--shared`). `--json` prints a list of `{figure, measured, limit, holds}`.
"""

import argparse
import json
import logging
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from math import ceil
from pathlib import Path

import pdf
import run
from table import show

ROOT = Path(__file__).parent.parent

COMPARED = 1000
ROUNDS = 3
RATIO = 20
QUERIES = 0.2
MEMORY = 50
LARGE = 100_000
AGAIN = 5
"""Seconds for 100,000 who all hold one."""
FASTER = 1.7
SHARED = 4000
"""Certificates that a worker with one process makes, or with two."""
GROWTH = 1.2
"""How much more each credential may cost in a larger course."""
PATIENCE = 600
"""Seconds."""
KEY = "course-v1:Bench+B101+2026"
NAME = "A course of the bench"
DECLARATIONS = f"""
assets: [{{slug: template, file: template.pdf}}, {{slug: font, file: font.ttf}}]
contexts: [{{key: "{KEY}", name: {NAME}}}]
types:
  - name: Completion
    processor: completion
    processor_options: {{required_completion: 0.8}}
    generators:
      certificate:
        generator: pdf
        options: {{template: template, font: font, elements: {{}}}}
configurations: [{{context: "{KEY}", type: Completion, enabled: true}}]
"""
PLACES = {"title": (455, 34), "name": (330, 40), "context": (255, 24), "date": (195, 15), "id": (55, 12)}
"""Of the reference's lines: from below, and the size."""


class Counted:
    """Counts the statements of a block."""

    def __init__(self):
        self.queries = 0

    def __call__(self, execute, *arguments):
        self.queries += 1
        return execute(*arguments)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def set_up():
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conferral.service.settings")
    django.setup()
    logging.disable(logging.INFO)


def course(size, home):
    """A course in which everybody qualifies; its configuration."""
    set_up()
    from django.core.management import call_command

    from conferral.lms.roster import import_file
    from conferral.models import CredentialConfiguration

    elements = {
        name: {"text": text, "y": y, "size": size, "x": 60, "width": 722, "font": "font"}
        for name, (text, y, size) in pdf.TEXTS.items()
    }
    (home / "template.pdf").write_bytes(pdf.template())
    (home / "font.ttf").write_bytes(bytes(pdf.pymupdf_fonts.myfont(pdf.FONT)))
    (home / "bench.yaml").write_text(DECLARATIONS.replace("elements: {}", f"elements: {json.dumps(elements)}"))
    rows = (f"u{n},{run.NAMES[n % len(run.NAMES)]} {n},1\n" for n in range(size))
    (home / "roster.csv").write_text("username,name,completion\n" + "".join(rows))
    call_command("migrate", verbosity=0)
    with open(os.devnull, "w") as quiet:
        call_command("conferral", "apply", str(home / "bench.yaml"), stdout=quiet)
    import_file(KEY, home / "roster.csv")
    return CredentialConfiguration.objects.get()


def ours(size, home):
    """One run, and its certificates, by `conferral run`."""
    configuration = course(size, home)
    from django.db import connection

    from conferral.issuance.generate import generate
    from conferral.issuance.run import run as run_it
    from conferral.models import Credential

    counted = Counted()
    with connection.execute_wrapper(counted):
        begun = time.perf_counter()
        run_it(configuration, trigger="command")
        generate(configuration)
        seconds = time.perf_counter() - begun
    assert Credential.objects.filter(state="available").count() == size
    return {"seconds": seconds, "queries": counted.queries}


def written(size, home):
    """Seconds to write so many files as large as a certificate, and nothing else: what the file system takes of it."""
    data, begun = pdf.template(), time.perf_counter()
    for n in range(size):
        place = home / "plain" / str(n // 1000)
        if n % 1000 == 0:
            place.mkdir(parents=True)
        new = place / "new"
        new.write_bytes(data)
        new.rename(place / f"{n}.pdf")
    seconds = time.perf_counter() - begun
    empty(home / "plain")
    return seconds


def worked(size, home):
    """The same by the tasks, each message in turn as it comes; then the run once more, when all hold one."""
    files = written(size, home)
    configuration = course(size, home)
    from django.db import connection

    from conferral import tasks
    from conferral.issuance import run as runs
    from conferral.models import Credential
    from conferral.settings import current

    asked = runs.ask(configuration, by=None, notify=False, release=True)
    counted = Counted()
    with connection.execute_wrapper(counted):
        begun = time.perf_counter()
        tasks.run_asked.delay(asked.pk)
        messages = work_off()
        seconds = time.perf_counter() - begun
    assert Credential.objects.filter(state="available").count() == size
    memory, queries = peak(), counted.queries
    counted.queries = 0
    with connection.execute_wrapper(counted):
        begun = time.perf_counter()
        runs.run(configuration, trigger="command")
        again = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "files": files,
        "seconds beside writing files": seconds - files,
        "queries": queries,
        "messages": messages,
        "memory": memory,
        "again": again,
        "again queries": counted.queries,
        "pages": ceil(size / current().page_size),
    }


def work_off():
    """Takes each message from the broker and does what it says, until there is none; how many there were."""
    from conferral.service.celery import app
    from conferral.tasks import queues

    messages = 0
    with app.connection_for_read() as broker:
        channel = broker.default_channel
        while waiting := [found for queue in sorted(queues()) if (found := channel.basic_get(queue, no_ack=True))]:
            for raw in waiting:
                message = channel.message_to_python(raw) if isinstance(raw, dict) else raw
                arguments, named, _ = message.decode()
                app.tasks[message.headers["task"]](*arguments, **named)
                messages += 1
    return messages


def together(size, home, processes):
    """As many certificates, made by a worker with so many processes: the seconds from the end of the run."""
    configuration = course(size, home)
    from conferral import tasks
    from conferral.issuance.run import run as run_it
    from conferral.models import CredentialArtifact
    from conferral.service.celery import app

    command = [sys.executable, "-W", "ignore", "-m", "celery", "--app", "conferral.service", "--quiet", "worker"]
    command += ["--concurrency", str(processes), "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with (home / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: app.control.ping(timeout=0.5), "the worker answers")
        run_it(configuration, trigger="command", notify=False)
        begun = time.perf_counter()
        tasks.sweep.delay()
        waiting = CredentialArtifact.objects.filter(state="pending")  # by an index: that costs the workers little
        until(lambda: not waiting.exists(), "all is made")
        seconds = time.perf_counter() - begun
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    assert CredentialArtifact.objects.filter(state="stored").count() == size
    return {"seconds": seconds}


def until(true, what):
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def everybody(course_id, options, user_id=None):
    """What the reference asks who is eligible."""
    from django.contrib.auth import get_user_model

    return {pk: {"is_eligible": True} for pk in get_user_model().objects.values_list("pk", flat=True)}


def reference(size, home):
    """The same with learning-credentials, by its own models; accounts without a password get no mail."""
    (packages,) = (pdf.ENVIRONMENT / "lib").glob("python*/site-packages")
    sys.path.append(str(packages))
    import django
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django_celery_beat",
            "learning_paths",
            "learning_credentials",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(home / "reference.sqlite3")}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        MEDIA_ROOT=str(home / "media"),
        MEDIA_URL="/media/",
        LMS_ROOT_URL="https://lms.example.org",
        SECRET_KEY="bench",
        TESTING=True,
        USE_TZ=True,
        LOGGING_CONFIG=None,
    )
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.files.base import ContentFile
    from django.db import connection
    from learning_credentials import generators, models

    with connection.schema_editor() as editor:
        for app in ("contenttypes", "auth", "django_celery_beat", "learning_credentials"):
            for model in django.apps.apps.get_app_config(app).get_models():
                editor.create_model(model)
    for slug, name, data in (
        ("template", "template.pdf", pdf.template()),
        ("font", "font.ttf", bytes(pdf.pymupdf_fonts.myfont(pdf.FONT))),
    ):
        asset = models.CredentialAsset(asset_slug=slug, description=slug)
        asset.save()
        asset.asset.save(name, ContentFile(data))
    generators.get_localized_credential_date = lambda created: f"{created:%B %d, %Y}"
    models.get_learning_context_name = lambda _: NAME
    texts = {name: {"y": y, "size": size} for name, (y, size) in PLACES.items()}
    texts["title"]["text"] = "Certificate of Completion"
    texts["id"]["text"] = "{verify_uuid}"
    kind = models.CredentialType.objects.create(
        name="Completion",
        retrieval_func=f"{__name__}.everybody",
        generation_func="learning_credentials.generators.generate_pdf_credential",
        custom_options={"template": "template", "defaults": {"font": "font"}, "text_elements": texts},
    )
    configuration = models.CredentialConfiguration(learning_context_key=KEY, credential_type=kind)
    configuration.save()
    people = get_user_model()
    people.objects.bulk_create(
        people(username=f"u{n}", first_name=run.NAMES[n % len(run.NAMES)], last_name=str(n), password="!")
        for n in range(size)
    )
    counted = Counted()
    with connection.execute_wrapper(counted):
        begun = time.perf_counter()
        configuration.generate_credentials()
        seconds = time.perf_counter() - begun
    assert models.Credential.objects.filter(status="available").count() == size
    return {"seconds": seconds, "queries": counted.queries, "memory": peak()}


WAYS = {
    "ours": ours,
    "reference": reference,
    "worked": worked,
    "one": partial(together, processes=1),
    "two": partial(together, processes=2),
}


def apart(way, size, database="sqlite"):
    """In a process of its own, in a directory of its own, on a fresh database."""
    sys.path.append(str(ROOT))
    from tests.fire import databases
    from tests.services import redis

    home = tempfile.mkdtemp()
    with ExitStack() as stack:
        made = stack.enter_context(databases.serving(database))("bench", home)
        broker = stack.enter_context(redis.running()).url if way in ("one", "two") else "memory://localhost/"
        environment = os.environ | made.environment | {"CONFERRAL_HOME": home, "DATABASE_URL": made.url}
        environment |= {"CELERY_BROKER_URL": broker}
        path = [made.environment.get("PYTHONPATH", ""), str(ROOT)]
        environment |= {"PYTHONPATH": os.pathsep.join(part for part in path if part)}
        if way != "reference":
            environment["DJANGO_SETTINGS_MODULE"] = made.settings
        command = [sys.executable, "-W", "ignore", __file__, "--way", way, "--size", str(size), "--home", home]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def compared(size, rounds):
    _, is_reference = pdf.install()
    if not is_reference:
        yield "the reference", "not to be had here", "", None
        return
    measured = {way: [] for way in ("ours", "reference")}
    for _ in range(rounds):
        for way, results in measured.items():
            results.append(apart(way, size))
    seconds = {way: statistics.median(each["seconds"] for each in results) for way, results in measured.items()}
    for way, results in measured.items():
        yield f"{way}: {size:,} learners", f"{seconds[way]:.2f} s", "", None
        each = results[0]["queries"] / size
        limit = QUERIES if way == "ours" else None
        bound = f"≤ {limit}" if limit else ""
        yield f"{way}: queries per credential", f"{each:.3f}", bound, each <= limit if limit else None
    ratio = seconds["reference"] / seconds["ours"]
    yield "ours against the reference", f"{ratio:.0f}×", f"≥ {RATIO}×", ratio >= RATIO


def alone(database, sizes):
    results = {}
    for size in sizes:
        result = results[size] = apart("worked", size, database)
        what = f"{database}, {size:,} learners"
        yield f"{what}: certificates per second", f"{size / result['seconds']:.0f}", "", None
        yield (
            f"{what}: of the seconds, to write as many such files",
            f"{result['files'] / result['seconds']:.0%}",
            "",
            None,
        )
        yield f"{what}: messages", f"{result['messages']:,}", "", None
        each = result["queries"] / size
        yield f"{what}: queries per credential", f"{each:.3f}", f"≤ {QUERIES}", each <= QUERIES
        limit = AGAIN if size == LARGE else None
        bound = f"≤ {limit} s" if limit else ""
        again = result["again"]
        yield f"{what}: again, all hold one", f"{again:.2f} s", bound, again <= limit if limit else None
        # To read a page of learners is the evaluation's query.
        beside = (result["again queries"] - result["pages"]) / size * 1000
        few = beside <= 1 if limit else None
        bound = "≤ 1" if limit else ""
        yield f"{what}: again, queries per 1,000 beside evaluation", f"{beside:.2f}", bound, few
        yield f"{what}: peak memory", f"{result['memory']:.0f} MB", "", None
        if size != sizes[0]:
            more = result["memory"] - results[sizes[0]]["memory"]
            yield f"{what}: more memory than the smallest", f"{more:.0f} MB", f"≤ {MEMORY} MB", more <= MEMORY
    for smaller, larger in pairwise(sizes):
        for name in ("seconds", "seconds beside writing files", "queries", "messages"):
            ratio = (results[larger][name] / larger) / (results[smaller][name] / smaller)
            figure = f"{database}, {larger:,} against {smaller:,} learners: {name} per credential"
            yield figure, f"{ratio:.2f}×", f"≤ {GROWTH}×", ratio <= GROWTH


def in_parallel(database, size, rounds):
    measured = {way: [] for way in ("one", "two")}
    for _ in range(rounds):
        for way, results in measured.items():
            results.append(apart(way, size, database)["seconds"])
    seconds = {way: statistics.median(results) for way, results in measured.items()}
    ratio = seconds["one"] / seconds["two"]
    yield f"{database}: a worker with one process, {size:,} certificates", f"{seconds['one']:.1f} s", "", None
    yield f"{database}: with two processes", f"{seconds['two']:.1f} s", "", None
    yield f"{database}: two against one", f"{ratio:.2f}×", f"≥ {FASTER}×", ratio >= FASTER


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--shared", type=int, default=SHARED, help="certificates that a worker makes")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which medians are taken")
    parser.add_argument("--compared", type=int, default=COMPARED, help="learners, beside the reference")
    parser.add_argument("--databases", default="sqlite,postgresql,mysql")
    parser.add_argument("--only", choices=["compared", "alone", "parallel"], help="a part of it")
    for hidden in ("--way", "--size", "--home"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(WAYS[options.way](int(options.size), Path(options.home))))
        return
    try:
        rows = list(measured(options))
    except subprocess.CalledProcessError:
        sys.exit(2)
    show(rows, as_json=options.json)


def empty(directory):
    """Its files are there as before, and have nothing in them."""
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.truncate(path, 0)


def measured(options):
    kinds = options.databases.split(",")
    sizes = [int(size) for size in options.sizes.split(",")]
    parts = [
        ("compared", compared(options.compared, options.rounds)),
        ("parallel", in_parallel("postgresql" if "postgresql" in kinds else kinds[0], options.shared, options.rounds)),
        *(("alone", alone(kind, sizes)) for kind in kinds),
    ]
    # Removed at the end alone: a file system looks for minutes through the inodes that it has just freed, for every new
    # file, and the next part would be measured at half its speed. Emptied after each part, for that is gigabytes.
    with tempfile.TemporaryDirectory(prefix="conferral-bench-") as tempfile.tempdir:
        Path(tempfile.tempdir).chmod(0o711)  # root's servers run as somebody else
        for name, part in parts:
            if options.only in (None, name):
                yield from part
                empty(Path(tempfile.tempdir))
    tempfile.tempdir = None


if __name__ == "__main__":
    main()
