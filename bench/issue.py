"""`make bench-issue`: issuing end to end, beside learning-credentials 0.5.3, and by itself for large courses.

Evaluate, issue, render and store for 1,000 learners, on SQLite and local files, the same template and font; processes
of both in turn, medians. The reference gets its learners from a function that says who is eligible, ours from an
imported roster; nobody is written to. Then ours alone for the sizes of `--sizes`, each in a process of its own: how it
grows. `--json` prints a list of `{figure, measured, limit, holds}`.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pdf
import run
from table import show

COMPARED = 1000
ROUNDS = 3
RATIO = 20
QUERIES = 0.2
MEMORY = 50
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


def ours(size, home):
    """One run in which everybody qualifies, and its certificates."""
    import django

    os.environ |= {"CONFERRAL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "conferral.service.settings"}
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from conferral.issuance.generate import generate
    from conferral.issuance.run import run as run_it
    from conferral.lms.roster import import_file
    from conferral.models import Credential, CredentialConfiguration

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
    configuration = CredentialConfiguration.objects.get()
    counted = Counted()
    with connection.execute_wrapper(counted):
        begun = time.perf_counter()
        run_it(configuration, trigger="command")
        generate(configuration)
        seconds = time.perf_counter() - begun
    assert Credential.objects.filter(state="available").count() == size
    memory, queries = peak(), counted.queries
    counted.queries = 0
    with connection.execute_wrapper(counted):
        begun = time.perf_counter()
        run_it(configuration, trigger="command")
        again = time.perf_counter() - begun
    return {"seconds": seconds, "queries": queries, "memory": memory, "again": again, "again queries": counted.queries}


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


WAYS = {"ours": ours, "reference": reference}


def apart(way, size):
    """In a process of its own, in a directory that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="conferral-bench-") as home:
        command = [sys.executable, "-W", "ignore", __file__, "--way", way, "--size", str(size), "--home", home]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def compared():
    _, is_reference = pdf.install()
    if not is_reference:
        yield "the reference", "not to be had here", "", None
        return
    measured = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way, results in measured.items():
            results.append(apart(way, COMPARED))
    seconds = {way: statistics.median(each["seconds"] for each in results) for way, results in measured.items()}
    for way, results in measured.items():
        yield f"{way}: {COMPARED:,} learners", f"{seconds[way]:.2f} s", "", None
        each = results[0]["queries"] / COMPARED
        limit = QUERIES if way == "ours" else None
        bound = f"≤ {limit}" if limit else ""
        yield f"{way}: queries per credential", f"{each:.3f}", bound, each <= limit if limit else None
    ratio = seconds["reference"] / seconds["ours"]
    yield "ours against the reference", f"{ratio:.0f}×", f"≥ {RATIO}×", ratio >= RATIO


def alone(sizes):
    smallest = None
    for size in sizes:
        result = apart("ours", size)
        what = f"{size:,} learners"
        yield f"{what}: certificates per second", f"{size / result['seconds']:.0f}", "", None
        each = result["queries"] / size
        yield f"{what}: queries per credential", f"{each:.3f}", f"≤ {QUERIES}", each <= QUERIES
        yield f"{what}: again, all hold one", f"{result['again']:.2f} s", "", None
        yield f"{what}: again, queries per 1,000", f"{result['again queries'] / size * 1000:.1f}", "", None
        yield f"{what}: peak memory", f"{result['memory']:.0f} MB", "", None
        if smallest:
            more = result["memory"] - smallest["memory"]
            yield f"{what}: more memory than the smallest", f"{more:.0f} MB", f"≤ {MEMORY} MB", more <= MEMORY
        smallest = smallest or result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", default="1000,10000,100000")
    for hidden in ("--way", "--size", "--home"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(WAYS[options.way](int(options.size), Path(options.home))))
        return
    try:
        rows = [*compared(), *alone([int(size) for size in options.sizes.split(",")])]
    except subprocess.CalledProcessError:
        sys.exit(2)
    show(rows, as_json=options.json)


if __name__ == "__main__":
    main()
