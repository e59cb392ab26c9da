"""`make bench-run`: the main job over generated rosters: seconds, memory, queries, and how they grow.

Each size runs in a process of its own, on the embedded defaults in a directory that is removed afterwards. `--json`
prints a list of `{figure, measured, limit, holds}`; `--sizes 1000,20000` chooses the rosters.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table import show

KEY = "course-v1:Bench+B101+2026"
DECLARATIONS = f"""
assets: [{{slug: plain, file: plain.pdf}}]
contexts: [{{key: "{KEY}", name: A course of the bench}}]
types:
  - name: Completion
    processor: completion
    processor_options: {{required_completion: 0.8}}
    generators: {{certificate: {{generator: pdf, options: {{template: plain}}}}}}
configurations: [{{context: "{KEY}", type: Completion, enabled: true}}]
"""
NAMES = ("Łukasz Wiśniewski", "Ana Ñandú", "عبد الله بن محمد", "Иван Петров", "Ελένη Παπαδοπούλου", "John Smith")
MEMORY_LIMIT = 50
QUERIES_LIMIT = 0.2


def measure(size):
    """In a process of its own: one run that issues to 9 of 10 learners, then one that issues to nobody."""
    import django
    import typst

    home = Path(os.environ["CONFERRAL_HOME"])
    os.environ["DJANGO_SETTINGS_MODULE"] = "conferral.service.settings"
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from conferral.issuance.generate import generate
    from conferral.issuance.run import run
    from conferral.lms.roster import import_file
    from conferral.models import Credential, CredentialConfiguration

    (home / "plain.pdf").write_bytes(typst.compile(b'#set page(paper: "a4", flipped: true)\n#rect(width: 100%)'))
    (home / "bench.yaml").write_text(DECLARATIONS)
    rows = (f"u{n},{NAMES[n % len(NAMES)]} {n},{0.5 if n % 10 == 0 else 1}\n" for n in range(size))
    (home / "roster.csv").write_text("username,name,completion\n" + "".join(rows))
    call_command("migrate", verbosity=0)
    with open(os.devnull, "w") as quiet:
        call_command("conferral", "apply", str(home / "bench.yaml"), stdout=quiet)
    begun = time.perf_counter()
    import_file(KEY, home / "roster.csv")
    imported = time.perf_counter() - begun
    configuration = CredentialConfiguration.objects.get()
    queries = 0

    def count(execute, *arguments):
        nonlocal queries
        queries += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        begun = time.perf_counter()
        issued = run(configuration, trigger="command").issued
        evaluated = time.perf_counter() - begun
        generate(configuration)
        made = time.perf_counter() - begun - evaluated
        first, queries = queries, 0
        begun = time.perf_counter()
        run(configuration, trigger="command")
        again = time.perf_counter() - begun
    assert Credential.objects.filter(state="available").count() == issued
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return {
        "size": size,
        "issued": issued,
        "import": imported,
        "evaluate and issue": evaluated,
        "generate and store": made,
        "again": again,
        "queries": first / issued,
        "queries again": queries / size * 1000,
        "memory": peak,
    }


def in_a_process_of_its_own(size):
    with tempfile.TemporaryDirectory(prefix="conferral-bench-") as home:
        done = subprocess.run(
            [sys.executable, __file__, "--measure", str(size)],
            env=os.environ | {"CONFERRAL_HOME": home},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    return json.loads(done.stdout)


def table(results):
    smallest = results[0]
    for result in results:
        size = f"{result['size']:,} learners"
        for name in ("import", "evaluate and issue", "generate and store", "again"):
            yield f"{size}: {name}", f"{result[name]:.2f} s", "", None
        rate = result["issued"] / (result["evaluate and issue"] + result["generate and store"])
        yield f"{size}: credentials per second", f"{rate:.0f}", "", None
        queries = result["queries"]
        yield f"{size}: queries per credential", f"{queries:.3f}", f"≤ {QUERIES_LIMIT}", queries <= QUERIES_LIMIT
        yield f"{size}: again, queries per 1,000 learners", f"{result['queries again']:.1f}", "", None
        yield f"{size}: peak memory", f"{result['memory']:.0f} MB", "", None
        if result is not smallest:
            more = result["memory"] - smallest["memory"]
            figure = f"{size}: more memory than {smallest['size']:,}"
            yield figure, f"{more:.0f} MB", f"≤ {MEMORY_LIMIT} MB", more <= MEMORY_LIMIT


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,20000")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    try:
        results = [in_a_process_of_its_own(int(size)) for size in arguments.sizes.split(",")]
    except subprocess.CalledProcessError:
        sys.exit(2)
    rows = list(table(results))
    show(rows, as_json=arguments.json)


if __name__ == "__main__":
    main()
