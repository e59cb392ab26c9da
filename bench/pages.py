"""`make bench-pages`: how fast pages answer while there are a million credentials, and that no query reads them all.

A PostgreSQL of its own is filled in bulk, first with a few credentials, then with `--size`; each page is asked for
through the WSGI application of the standalone service, one request after the other. A page holds when it needs as many
queries as it did with few, and when none of them reads more than LONGEST rows of a table in sequence, or more than MOST
rows by any way, an index included (EXPLAIN ANALYZE); the figures for Prometheus count all, now and then.
The last figure of each is the most that one of its queries read.
Operators, and teachers of 1, 5 and 200 courses, look at every list and search it.
`--json` prints a list of `{figure, measured, limit, holds}`.
"""

import argparse
import io
import itertools
import json
import math
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from table import show

ROOT = Path(__file__).parent.parent
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
FIRST = (
    "Maria João Ana José Łukasz Иван Ελένη John Mary Wei Fatima Mohammed Aisha Chen Priya Rahul Yuki Hans Sofia Pierre"
    " Chloé Lars Ingrid Björn Åsa Carlos Lucía Mateo Camila Diego Olga Dmitri Anastasia Kwame Amara Chidi Noor Omar"
    " Layla Min-jun Seo-yeon Thanh Linh Budi Siti Juan Rosa Peter Anna David"
)
LAST = (
    "Silva Santos Ñandú García Wiśniewski Петров Παπαδοπούλου Smith Jones Wang Li Zhang Khan Ahmed Sharma Patel Tanaka"
    " Müller Schmidt Dubois Martin Johansson Nilsson Hansen Fernández López Rodríguez Martínez Pérez Sokolova Ivanov"
    " Mensah Okafor Eze Haddad Nasser Kim Park Nguyen Tran Santoso Wijaya Cruz Reyes Novak Kowalski O'Neil McDonald"
    " Brown Lee"
)
BASE, SUCCESSORS = 1000, 50_000_000
"""From where keys of rows go on that are copied, and of those that take another's place."""
CONFIGURATIONS, TYPES, RUNS_EACH, LEARNERS = 200, 10, 250, 0.3
FEW, FEW_RUNS_EACH = 60_000, 60
"""So many that what is compared has more than one page then, too: a list asks more when it has."""
MORE = 3
"""Queries that a list needs where its rows are not among the newest, or fill more than one page."""
MANY = 40
"""Credentials of one learner."""
LARGE = 10_000
"""Rows of a table that is not to be read in sequence."""
LONGEST = 20_000
"""Rows of a table that a query may read in sequence: twice what a list counts up to, as it may meet those of others."""
MOST = 50_000
"""Rows of a table that a query may read by any way: those who have a common first name are 20,000."""
EVERY = (math.inf, math.inf)
"""What the figures for Prometheus may count, as they do so now and then."""
MOST_REQUESTS, FEWEST_REQUESTS = 300, 5
QUICK, ENOUGH = 0.05, 100
"""Of pages that take less than that many seconds the 99th percentile is taken from so many requests at least."""
TEACHERS = (1, 5, 200)
"""Courses that somebody teaches."""
DRY_RUN, ASKED = 100_000, 300
"""Rows of one dry run; how many of those, and of reissues, there are."""
TOKEN = "a token of the bench"
PATIENCE = 20
"""Seconds that a query may take."""


class Filling:
    """Rows in bulk: each is a copy of a real one, but for what is said of it in SQL."""

    def __init__(self, connection):
        self.connection = connection
        self.seeds = {}

    def run(self, statement):
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def copy(self, model, source, **said):
        """`said` by column, over `source`: whatever follows FROM."""
        meta = model._meta  # noqa: SLF001 - documented
        columns = [each.column for each in meta.concrete_fields]
        values = ", ".join(said.get(column, f't."{column}"') for column in columns)
        names = ", ".join(f'"{column}"' for column in columns)
        seed = self.seeds[model]
        one = f"(SELECT * FROM {meta.db_table} WHERE id = {seed}) AS t"
        self.run(f"INSERT INTO {meta.db_table} ({names}) SELECT {values} FROM {one}, {source}")

    def name_words(self, which):
        """The words by which learners are found."""
        from conferral.models.name_word import words_of

        self.run("CREATE TEMP TABLE IF NOT EXISTS bench_words (name varchar(40), word varchar(40))")
        self.run("TRUNCATE bench_words")
        with self.connection.cursor() as cursor, cursor.copy("COPY bench_words FROM STDIN") as copy:
            for name in {*FIRST.split(), *LAST.split(), "Zoë"}:
                for word in words_of(name):
                    copy.write_row((name, word))
        self.run(
            f"""INSERT INTO conferral_nameword (word, learner_id) SELECT DISTINCT w.word, l.id FROM conferral_learner l
            JOIN bench_words w ON w.name IN (split_part(l.name, ' ', 1), split_part(l.name, ' ', 2)) WHERE {which}"""
        )

    def ids(self, first, last):
        """Verification ids, which no SQL makes."""
        from conferral.models.verification import new_id

        self.run("CREATE TABLE IF NOT EXISTS bench_ids (n bigint PRIMARY KEY, id varchar(16))")
        with self.connection.cursor() as cursor, cursor.copy("COPY bench_ids FROM STDIN") as copy:
            for n in range(first, last):
                copy.write_row((n, new_id()))


def begin(filling, home):
    """The real ones: a course, three learners, their certificates and mails."""
    import typst
    from django.core.management import call_command
    from django.utils import timezone

    from conferral import models
    from conferral.issuance.generate import generate
    from conferral.issuance.run import run
    from conferral.lms.roster import import_file

    call_command("migrate", verbosity=0)
    (home / "plain.pdf").write_bytes(typst.compile(b'#set page(paper: "a4", flipped: true)\n#rect(width: 100%)'))
    (home / "bench.yaml").write_text(DECLARATIONS)
    (home / "roster.csv").write_text("username,name,completion\na,Ana,1\nb,Bo,1\nc,Cy,1\n")
    with open(os.devnull, "w") as quiet:
        call_command("conferral", "apply", str(home / "bench.yaml"), stdout=quiet)
    import_file(KEY, home / "roster.csv")
    configuration = models.CredentialConfiguration.objects.get()
    run(configuration, trigger="command")
    generate(configuration)
    one = models.Credential.objects.order_by("pk").first()
    models.Delivery.objects.update_or_create(
        credential=one, channel="email", purpose="issued", defaults={"state": "sent", "sent": timezone.now()}
    )
    for model in (models.CredentialType, models.Context, models.CredentialConfiguration, models.Edition, models.Run):
        filling.seeds[model] = model.objects.order_by("pk").values_list("pk", flat=True).first()
    filling.seeds |= {models.Learner: one.learner_id, models.Credential: one.pk}
    filling.seeds[models.CredentialArtifact] = one.artifacts.get().pk
    filling.seeds[models.Delivery] = one.deliveries.order_by("pk").first().pk
    filling.seeds[models.RosterEntry] = models.RosterEntry.objects.get(learner=one.learner_id).pk
    now, of = timezone.now(), {"configuration": configuration}
    ended = {"status": "finished", "started": now, "ended": now, "figures": {"evaluated": DRY_RUN, "issued": DRY_RUN}}
    dry = models.DryRun.objects.create(**of, **ended)
    said = {"by_name": "admin", "reason": "a new design"}
    fact = {"key": "completion", "step": "", "actual": "1", "required": "0.8", "met": True}
    for one_more in (
        dry,
        models.DryRunRow.objects.create(dry_run=dry, learner="a", name="Ana", outcome="issued", facts=[fact]),
        models.Act.objects.create(kind="credential", object_id=one.pk, verb="revoked", **said),
        models.Candidate.objects.create(**of, learner=one.learner, verdict="always", said=now, **said),
        models.Reissue.objects.create(**of, status="finished", asked=now, ended=now, **said),
        models.NameRequest.objects.create(credential=one, name="Anna", outcome="approved", waiting=None, decided=now),
    ):
        filling.seeds[type(one_more)] = one_more.pk
    for model in filling.seeds:  # rows that come later by themselves stay clear of the copies
        name = model._meta.db_table  # noqa: SLF001 - documented
        filling.run(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 400000000)")
    few = f"generate_series(0, {CONFIGURATIONS - 1}) AS s(n)"
    key = "'course-v1:Bench+C' || (100 + n) || '+2026'"
    filling.copy(
        models.CredentialType, f"generate_series(0, {TYPES - 1}) AS s(n)", id=f"{BASE} + n", name="'Certificate ' || n"
    )
    filling.copy(models.Context, few, id=f"{BASE} + n", key=key, name="'Course ' || n")
    type_id = f"{BASE} + n % {TYPES}"
    filling.copy(
        models.CredentialConfiguration,
        few,
        id=f"{BASE} + n",
        context_key=key,
        type_id=type_id,
        periodic_task_id="NULL::integer",
    )
    filling.copy(models.Edition, few, id=f"{BASE} + n", type_id=type_id, sha256="encode(sha256(n::text::bytea), 'hex')")


def fill(filling, first, last, rounds):
    """Credentials `first` to `last`, with all that belongs to them; `rounds` are the runs of each configuration.

    What was issued later stands later, as it does where people work.
    """
    from conferral import models

    learner_first, learner_last = int(first * LEARNERS), int(last * LEARNERS)
    learners = learner_last - learner_first
    filling.run("SET session_replication_role = replica")  # what is copied points to what is there
    first_names, last_names = FIRST.split(), LAST.split()
    first_name = f"(ARRAY[{_quoted(first_names)}])[1 + n * 31 % {len(first_names)}]"
    last_name = f"(ARRAY[{_quoted(last_names)}])[1 + n / {len(first_names)} % {len(last_names)}]"
    filling.copy(
        models.Learner,
        f"generate_series({learner_first}, {learner_last - 1}) AS s(n)",
        id=f"{BASE} + n",
        key="'learner-' || n",
        external_id="''",
        name=f"{first_name} || ' ' || {last_name}",
        email="'learner-' || n || '@example.com'",
        active="n % 100 <> 1",
        retired="CASE WHEN n % 1000 = 1 THEN now() END",
    )
    filling.name_words(f"l.id >= {BASE + learner_first} AND l.id < {BASE + learner_last}")
    filling.copy(
        models.Run,
        f"generate_series({rounds[0] * CONFIGURATIONS}, {rounds[1] * CONFIGURATIONS - 1}) AS s(n)",
        id=f"{BASE} + n",
        configuration_id=f"{BASE} + n % {CONFIGURATIONS}",
        claim="'claim-' || n",
        active="NULL::boolean",
        status=f"CASE WHEN n / {CONFIGURATIONS} % 100 = 7 THEN 'failed' ELSE 'finished' END",
        trigger="CASE WHEN n % 501 = 0 THEN 'command' ELSE 'schedule' END",
    )
    filling.ids(first, last)
    source = f"""(
        SELECT n, verification, {BASE} + {learner_first} + (n - {first}) % {learners} AS learner,
        ((n - {first}) % {learners} + (n - {first}) / {learners}) % {CONFIGURATIONS} AS configuration
        FROM bench_ids AS b(n, verification) WHERE n >= {first} AND n < {last}
    ) AS s JOIN conferral_learner l ON l.id = learner"""
    state = "CASE WHEN n % 500 = 3 THEN 'failed' WHEN n % 1000 = 11 THEN 'pending' ELSE 'available' END"
    common = {
        "learner_id": "learner",
        "recipient_name": "l.name",
        "configuration_id": f"{BASE} + configuration",
        "edition_id": f"{BASE} + configuration",
        "run_id": f"{BASE} + configuration + {CONFIGURATIONS} * ({rounds[0]} + n % {rounds[1] - rounds[0]})",
        "context_key": "'course-v1:Bench+C' || (100 + configuration) || '+2026'",
        "context_name": "'Course ' || configuration",
        "state": state,
        "issued": f"now() - (1 - s.n / {last}.0) * interval '700 days'",
        "expires": "CASE n % 20 WHEN 9 THEN now() - interval '1 day' WHEN 10 THEN now() + interval '1 year' END",
        "revoked": "CASE WHEN n % 200 = 7 THEN now() END",
        "revoked_reason": "CASE WHEN n % 200 = 7 THEN 'copied' ELSE '' END",
    }
    replaced = "CASE WHEN n % 100 = 5 THEN NULL ELSE true END"
    filling.copy(
        models.Credential, source, id=f"{BASE} + n", verification_id="verification", current=replaced, **common
    )
    filling.ids(SUCCESSORS + first, SUCCESSORS + first + (last - first) // 100)
    filling.run(
        f"""CREATE TEMP TABLE places AS SELECT id AS old, id - {BASE} AS n, learner_id AS learner,
        configuration_id - {BASE} AS configuration, row_number() OVER (ORDER BY id) - 1 AS place
        FROM conferral_credential WHERE current IS NULL AND id >= {BASE + first} AND id < {SUCCESSORS}"""
    )
    filling.copy(
        models.Credential,
        f"""places AS s JOIN conferral_learner l ON l.id = learner
        JOIN bench_ids AS b(number, made) ON number = {SUCCESSORS + first} + place""",
        **common | {"state": "'available'"},
        id=f"{SUCCESSORS} + s.n",
        verification_id="made",
        supersedes_id="old",
    )
    filling.run("DROP TABLE places")
    if first == 0:
        _one_with_many(filling)
    which = f"c.id >= {BASE + first} AND c.id <> {SUCCESSORS}" if first else "c.id >= 500"
    _what_belongs(filling, which)
    _what_people_did(filling, first, last, which)
    filling.run("SET session_replication_role = DEFAULT")
    filling.run("VACUUM ANALYZE")


def _what_people_did(filling, first, last, which):
    """Verdicts, requests and acts for some of those credentials; dry runs and reissues."""
    from conferral import models

    credentials = f"conferral_credential c WHERE {which} AND c.supersedes_id IS NULL AND c.id < {SUCCESSORS}"
    filling.copy(
        models.Candidate,
        f"{credentials} AND c.id % 5 = 0 ON CONFLICT DO NOTHING",
        id="c.id",
        configuration_id="c.configuration_id",
        learner_id="c.learner_id",
        verdict="CASE WHEN c.id % 50 = 0 THEN 'never' ELSE 'always' END",
    )
    waits = "c.id % 200 = 10"
    filling.copy(
        models.NameRequest,
        f"{credentials} AND c.id % 10 = 0",
        id="c.id",
        credential_id="c.id",
        outcome=f"CASE WHEN {waits} THEN 'waiting' WHEN c.id % 30 = 0 THEN 'refused' ELSE 'approved' END",
        waiting=f"CASE WHEN {waits} THEN true END",
    )
    filling.copy(models.Act, f"{credentials} AND c.id % 2 = 0", id="c.id", object_id="c.id")
    if first == 0:
        few = f"generate_series(0, {ASKED - 1}) AS s(n)"
        of = {"id": f"{BASE} + n", "configuration_id": f"{BASE} + n % {CONFIGURATIONS}"}
        filling.copy(models.DryRun, few, **of)
        filling.copy(models.Reissue, few, **of)
    filling.copy(
        models.DryRunRow,
        f"generate_series({first}, {min(last, DRY_RUN) - 1}) s(n) JOIN conferral_learner l ON l.id = {BASE} + n % 1000",
        id=f"{BASE} + n",
        dry_run_id=f"{BASE}",
        learner="'learner-' || n",
        name="l.name",
        outcome="CASE WHEN n % 3 = 0 THEN 'not yet' ELSE 'issued' END",
    )


def _quoted(words):
    return ",".join("'" + word.replace("'", "''") + "'" for word in words)


def _one_with_many(filling):
    from conferral import models

    filling.copy(
        models.Learner,
        "generate_series(999, 999) AS s(n)",
        id="n",
        key="'many'",
        name="'Zoë Zhang'",
        email="'many@example.com'",
    )
    filling.name_words("l.id = 999")
    filling.ids(2 * SUCCESSORS, 2 * SUCCESSORS + MANY)
    filling.copy(
        models.Credential,
        f"bench_ids AS s WHERE s.n >= {2 * SUCCESSORS}",
        id=f"500 + s.n - {2 * SUCCESSORS}",
        verification_id="s.id",
        learner_id="999",
        recipient_name="'Zoë Zhang'",
        configuration_id=f"{BASE} + s.n % {MANY}",
        edition_id=f"{BASE} + s.n % {MANY}",
        context_name="'Course ' || s.n",
    )


def _what_belongs(filling, which):
    """Files, mails and progress of those credentials that have none."""
    from conferral import models

    real = models.CredentialArtifact.objects.filter(credential__lt=500)
    files = list(real.order_by("pk").values_list("storage_name", flat=True))
    credentials = f"conferral_credential c WHERE {which}"
    missing = "AND NOT EXISTS (SELECT FROM {} x WHERE x.credential_id = c.id)"
    state = "CASE c.state WHEN 'available' THEN 'stored' ELSE c.state END"
    filling.copy(
        models.CredentialArtifact,
        f"{credentials} {missing.format('conferral_credentialartifact')}",
        id="c.id",
        credential_id="c.id",
        edition_id="c.edition_id",
        state=state,
        sha256="encode(sha256(c.id::text::bytea), 'hex')",
        storage_name=f"(ARRAY[{_quoted(files)}])[1 + c.id % {len(files)}]",
    )
    filling.copy(
        models.Delivery,
        f"{credentials} AND c.state = 'available' {missing.format('conferral_delivery')}",
        id="c.id",
        credential_id="c.id",
        state="CASE WHEN c.id % 400 = 9 THEN 'failed' ELSE 'sent' END",
        sent="CASE WHEN c.id % 400 = 9 THEN NULL ELSE c.issued END",
        purpose="CASE WHEN c.supersedes_id IS NULL THEN 'issued' ELSE 'corrected' END",
    )
    filling.copy(
        models.RosterEntry,
        f"conferral_credential c WHERE {which} AND c.supersedes_id IS NULL AND NOT EXISTS ("
        "SELECT FROM conferral_rosterentry x WHERE x.learner_id = c.learner_id AND x.context_id = c.configuration_id)",
        id="c.id",
        learner_id="c.learner_id",
        context_id="c.configuration_id",
    )


@dataclass
class Answer:
    status: str
    body: bytes


class Browser:
    """Asks the WSGI application, as somebody who is signed in or not; each time from another address."""

    addresses = itertools.count(1)

    def __init__(self, application, user=None, token=""):
        self.application, self.cookies, self.token = application, "", token
        if user:
            from django.test import Client

            client = Client()
            client.force_login(user)
            self.cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())

    def get(self, address):
        path, _, query = address.partition("?")
        number = next(self.addresses)
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost:8000",
            "HTTP_COOKIE": self.cookies,
            "HTTP_AUTHORIZATION": f"Bearer {self.token}" if self.token else "",
            "REMOTE_ADDR": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        status = []
        chunks = self.application(environ, lambda said, *_: status.append(said))
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        return Answer(status[0], body)


@dataclass
class Page:
    """One kind of page; `addresses` are asked for in turn."""

    figure: str
    browser: Browser
    addresses: list[str]
    status: str = "200"
    more: int = 0
    """Queries that it may need besides those that it needs among few."""
    reads: tuple[float, float] = (LONGEST, MOST)
    """Rows of a table that one of its queries may read in sequence, and by any way."""
    forget: Callable[[], None] = lambda: None
    """Lets it ask the database anew, where it keeps what it said."""

    @property
    def kind(self):
        """What it is compared by with a small database, in which another choice may be the slowest."""
        return self.figure.partition("=")[0]

    def most(self, small):
        """Queries that it may need: what it needed in a small database, or its list did, if that had no such page."""
        least = small[self.kind if self.kind in small else self.kind.rpartition(", ")[0]]
        return least + self.more


def pages(public, holder, many, staff, *teachers, every):
    """All there are, for the rows of the database as it is now; `every` choice of a filter, or the slowest."""
    from django.core.cache import cache
    from django.urls import Resolver404, resolve

    from conferral.models import Credential, CredentialArtifact
    from conferral.models.verification import shown

    chance = random.Random(1)
    good = Credential.objects.filter(state="available", current=True, revoked=None, expires=None, learner__retired=None)
    last = good.filter(pk__lt=SUCCESSORS).order_by("pk").values_list("pk", flat=True).last()
    chosen = list(good.filter(pk__in=[chance.randint(BASE, last) for _ in range(800)]))
    ids = [shown(each.verification_id) for each in chosen]
    name = CredentialArtifact.objects.filter(credential=chosen[0]).values_list("filename", flat=True)[0]
    yield Page("credential page", public, [f"/c/{each}" for each in ids])
    replaced = Credential.objects.filter(current=None, pk__gte=BASE).values_list("verification_id", flat=True)[:100]
    yield Page("credential page, replaced: leads on", public, [f"/c/{shown(each)}" for each in replaced], "302")
    yield Page("credential page, nobody's", public, ["/c/0000-0000-0000-0000"], "404")
    yield Page("its file", public, [f"/c/{each}/{name}" for each in ids])
    yield Page("its picture, drawn before", public, [f"/c/{ids[0]}/picture/{name}"])
    yield Page("/check/?id=", public, [f"/check/?id={each}" for each in ids], "302")
    api = "/api/conferral/v1/credentials/{}/"
    try:
        resolve(api.format(ids[0]))
    except Resolver404:
        pass
    else:
        yield Page("verification API", public, [api.format(each) for each in ids])
    yield Page("metrics", Browser(public.application, token=TOKEN), ["/metrics"], reads=EVERY, forget=cache.clear)
    yield Page("my credentials: 4", holder, ["/mine/"])
    yield Page(f"my credentials: {MANY}", many, ["/mine/"])
    yield from lists("admin", "/admin", staff, every=every)
    yield from searches("search", "/admin", staff, chosen)
    for courses, teacher in zip(TEACHERS, teachers, strict=True):
        who = f"teacher of {courses:,}"
        yield from lists(who, "/conferral/staff", teacher, every=every)
        yield from searches(f"search, {who}", "/conferral/staff", teacher, chosen)
    address = "/admin/conferral/{}/{}/change/"
    yield Page("admin: a credential", staff, [address.format("credential", each.pk) for each in chosen])
    yield Page("admin: a learner", staff, [address.format("learner", each.learner_id) for each in chosen])
    yield Page("admin: a run", staff, [address.format("run", each.run_id) for each in chosen])
    yield Page("admin: a file", staff, [address.format("credentialartifact", each.pk) for each in chosen])
    yield Page("admin: a name to correct", staff, [address.format("namerequest", BASE + 10 * n) for n in range(100)])
    yield Page("admin: a dry run", staff, [address.format("dryrun", BASE)])


def lists(who, site, staff, *, every):
    """Each list of a site; its last pages; the slowest choice of each of its filters, the slowest of its columns."""
    from django.apps import apps
    from django.contrib import admin

    for model in apps.get_app_config("conferral").get_models():
        if model not in admin.site._registry:  # noqa: SLF001 - nothing public tells it
            continue
        name = model._meta.model_name  # noqa: SLF001 - documented
        address = f"{site}/conferral/{name}/"
        answer = staff.get(address)
        if answer.status.startswith("403"):
            continue  # it is not for teachers

        def page(what, query="", status="200", figure=f"{who}: {name}", address=address):
            return Page(figure + what, staff, [address + query], status, MORE)

        yield page("")
        html = answer.body.decode()
        content, _, filters = html.partition('id="changelist-filter"')
        if offered := [int(number) for number in re.findall(r'href="\?p=(\d+)"', content)]:
            yield page(", last page offered", f"?p={max(offered)}")
            if who == "admin":
                yield page(", page behind it", f"?p={max(offered) + 1}", "302")
        for (what, _), queries in _choices(content, filters).items():
            for query in queries if every else [max(queries, key=lambda one: _seconds(staff, f"{address}?{one}"))]:
                yield page(f", {what}{query}", f"?{query}")


def _choices(content, filters):
    """The queries of each filter of a list, and of its columns."""
    found = {}
    for query in re.findall(r'href="\?([^"]+)"', filters):
        found.setdefault(("", re.split("=|__", query)[0]), []).append(unescape(query))
    for query in re.findall(r'href="\?(o=[^"]+)"', content):
        found.setdefault(("sorted by ", ""), []).append(unescape(query))
    return found


def searches(who, site, staff, chosen):
    """Each kind of thing that people type, where it can be searched for."""
    from urllib.parse import quote

    from conferral.models.verification import shown

    some = chosen[:200]
    typed = {
        "id": [shown(each.verification_id) for each in some],
        "id without dashes": [each.verification_id.lower() for each in some],
        "username": [each.learner.key for each in some],
        "e-mail": [each.learner.email for each in some],
        "common first name": ["maria"],
        "surname": [each.recipient_name.split()[-1].lower() for each in some],
        "name": [each.recipient_name.lower() for each in some],
        "course key": [each.context_key for each in some],
        "nobody": ["nobody-of-that-name"],
    }
    found = {
        "credential": typed,
        "learner": ["username", "e-mail", "common first name", "surname", "name", "nobody"],
        "delivery": ["id", "username", "e-mail", "common first name", "surname", "name", "nobody"],
        "credentialartifact": ["id", "common first name", "name", "nobody"],
        "rosterentry": ["username", "common first name", "surname", "name", "course key", "nobody"],
        "candidate": ["username", "common first name", "surname", "name", "nobody"],
        "namerequest": ["id", "common first name", "name", "nobody"],
        "run": ["course key", "nobody"],
        "credentialconfiguration": ["course key"],
    }
    for name, kinds in found.items():
        for kind in kinds:
            addresses = [f"{site}/conferral/{name}/?q={quote(text)}" for text in typed[kind]]
            yield Page(f"{who}: {name} by {kind}", staff, addresses, more=MORE)


def _seconds(browser, address):
    begun = time.perf_counter()
    browser.get(address)
    return time.perf_counter() - begun


class WrongAnswer(Exception):
    """A page answers with another status than it should."""


class Captured:
    """The statements of a block."""

    def __init__(self):
        self.statements = []

    def __call__(self, execute, sql, params, many, context):
        self.statements.append((sql, params))
        return execute(sql, params, many, context)


def captured(page):
    """The statements of one request, after one that warms up."""
    from django.db import connection

    page.browser.get(page.addresses[0])
    page.forget()
    statements = Captured()
    with connection.execute_wrapper(statements):
        answer = page.browser.get(page.addresses[0])
    if not answer.status.startswith(page.status):
        raise WrongAnswer(f"{page.figure}: {page.addresses[0]} answers {answer.status}")
    return statements.statements


def longest_scan(statements):
    """The most rows of a large table that one of those read in sequence, and by any way; the latter's statement."""
    from django.db import connection

    worst = (0, 0, "")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT relname FROM pg_class WHERE reltuples > {LARGE}")
        large = {name for (name,) in cursor.fetchall()}
    for sql, params in statements:
        if not sql.startswith("SELECT"):
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            plan = cursor.fetchone()[0]
        plan = json.loads(plan) if isinstance(plan, str) else plan
        for node in _nodes(plan[0]["Plan"]):
            if node.get("Relation Name") in large:
                rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
                in_sequence = rows if node["Node Type"] == "Seq Scan" else 0
                worst = max(worst[0], in_sequence), max(worst[1], rows), sql if rows > worst[1] else worst[2]
    return worst


def _nodes(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def measured(page, options):
    """Seconds of each request."""
    times = []
    begun = time.perf_counter()
    for address in itertools.cycle(page.addresses):
        started = time.perf_counter()
        page.browser.get(address)
        times.append(time.perf_counter() - started)
        if len(times) >= MOST_REQUESTS:
            break
        quick = sum(times) / len(times) < QUICK
        if time.perf_counter() - begun > options.seconds and len(times) >= (
            options.enough if quick else options.fewest
        ):
            break
    return sorted(times)


def set_up(home, url):
    """The service, as it is deployed."""
    os.environ |= {"CONFERRAL_HOME": str(home), "DATABASE_URL": url}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "conferral.service.settings", "CONFERRAL_METRICS_TOKEN": TOKEN}
    os.environ.pop("DEBUG", None)
    import logging

    import django

    django.setup()
    logging.disable(logging.WARNING)  # addresses that are not found are meant
    from conferral.service.wsgi import application

    return application


def people(application):
    """Who is not signed in, an ordinary learner, the one with many, a superuser, and those who teach."""
    from django.contrib.auth import get_user_model

    from conferral.models import Context, Learner

    users = get_user_model().objects
    yield Browser(application)
    for pk, name in ((BASE + 200, "holder"), (999, "many")):
        user = users.create(username=name)
        Learner.objects.filter(pk=pk).update(user=user)
        yield Browser(application, user)
    yield Browser(application, users.create(username="staff", is_staff=True, is_superuser=True))
    for courses in TEACHERS:
        user = users.create(username=f"teacher-{courses}")
        user.conferral_contexts.set(Context.objects.filter(pk__gte=BASE, pk__lt=BASE + courses))
        yield Browser(application, user)


def prepared(home, url):
    """The application with a small database, who visits it, and how to fill it further."""
    from django.db import connection

    application = set_up(home, url)
    filling = Filling(connection)
    filling.run("ALTER SYSTEM SET max_wal_size = '8GB'")
    filling.run("ALTER SYSTEM SET synchronous_commit = off")
    filling.run("SELECT pg_reload_conf()")
    begin(filling, home)
    fill(filling, 0, FEW, (0, FEW_RUNS_EACH))
    return filling, list(people(application))


def chosen_pages(visitors, options, *, every):
    """Those whose figure `--figures` finds."""
    return (page for page in pages(*visitors, every=every) if re.search(options.figures, page.figure))


def queries_of_each(visitors, options):
    """The most queries of each kind of page."""
    found = {}
    for page in chosen_pages(visitors, options, every=True):
        found[page.kind] = max(found.get(page.kind, 0), len(captured(page)))
    return found


def table(visitors, small, options):
    from django.db import OperationalError, connection

    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE postgres SET statement_timeout = '{PATIENCE}s'")
        cursor.execute(f"SET statement_timeout = '{PATIENCE}s'")
    for page in chosen_pages(visitors, options, every=False):
        most = page.most(small)
        limit = f"≤ {most} queries, indexed"
        try:
            statements = captured(page)
            in_sequence, rows, statement = longest_scan(statements)
        except (WrongAnswer, OperationalError):
            yield page.figure, f"no answer within {PATIENCE} s", limit, False
            continue
        times = measured(page, options)
        rate, median, slow = len(times) / sum(times), times[len(times) // 2], times[int(len(times) * 0.99)]
        figures = f"{rate:6.1f}/s  p50 {median * 1000:7.1f} ms  p99 {slow * 1000:7.1f} ms  {len(statements):2} queries"
        holds = in_sequence <= page.reads[0] and rows <= page.reads[1] and len(statements) <= most
        if options.explain and not holds:
            print(f"{page.figure}: {in_sequence:,} in sequence, {rows:,} rows: {statement}", file=sys.stderr)
        yield page.figure, f"{figures}  {rows:9,.0f} rows", limit, holds


def bench(home, url, options):
    filling, visitors = prepared(home, url)
    small = queries_of_each(visitors, options)
    begun = time.perf_counter()
    fill(filling, FEW, options.size, (FEW_RUNS_EACH, RUNS_EACH))
    yield f"filling: {options.size:,} credentials", f"{time.perf_counter() - begun:.0f} s", "", None
    yield from table(visitors, small, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--size", type=int, default=1_000_000, help="credentials")
    parser.add_argument("--seconds", type=float, default=1.5, help="for each page")
    parser.add_argument("--enough", type=int, default=ENOUGH, help="requests at least, of a page that is quick")
    parser.add_argument("--fewest", type=int, default=FEWEST_REQUESTS, help="requests at least, of one that is not")
    parser.add_argument("--figures", default="", help="a regular expression: those pages alone")
    parser.add_argument("--explain", action="store_true", help="print the queries that fall short")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from tests.services import postgresql

    try:
        with postgresql.running() as url, tempfile.TemporaryDirectory(prefix="conferral-bench-") as home:
            rows = list(bench(Path(home), url, options))
    except postgresql.Missing as missing:
        print(missing, file=sys.stderr)
        sys.exit(2)
    show(rows, as_json=options.json)


if __name__ == "__main__":
    main()
