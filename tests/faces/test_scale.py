"""What pages cost does not grow with what is recorded, and whoever is looked for is found by an index."""

import re
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conferral.admin import base, lists, search
from conferral.issuance import correct
from conferral.issuance.daily import daily
from conferral.models import (
    Act,
    Candidate,
    Context,
    Credential,
    CredentialArtifact,
    CredentialConfiguration,
    CredentialType,
    Delivery,
    DryRun,
    DryRunRow,
    Learner,
    NameRequest,
    NameWord,
    Reissue,
    RosterEntry,
    Run,
)
from conferral.models.verification import shown
from conferral.web.holder import CARDS
from tests.conftest import COURSE, Course
from tests.faces.conftest import address
from tests.faces.test_admin import text_of

PER_PAGE = 50
RECORDS = ("credential", "credentialartifact", "delivery", "learner", "rosterentry", "candidate", "namerequest")
WITHOUT_SEARCH = ("run", "act", "dryrun", "reissue")
SEARCHED = ("credential", "credentialartifact", "delivery", "learner", "rosterentry")
"""Where the tests look for a person."""
LARGE = (
    Credential,
    CredentialArtifact,
    Delivery,
    Learner,
    RosterEntry,
    Run,
    Act,
    Candidate,
    DryRunRow,
    NameRequest,
    NameWord,
)
"""Tables that grow with the learners and the years."""


@pytest.fixture
def staff(person):
    return person("staff", "view_credential", is_superuser=True)


@pytest.fixture
def maria(course):
    """Maria da Silva's credential, among those of others."""
    course.learners(3)
    course.learner("mds", name="Maria da Silva", email="Maria.Silva@Example.com")
    course.configure()
    course.run_and_generate()
    return Credential.objects.get(learner__key="mds")


@pytest.fixture
def teacher(course, person):
    """Who teaches the course, and another in which nobody takes part."""
    found = person("teacher")
    other = Context.objects.create(key="course-v1:Test+Empty+2026", name="Empty")
    for context in (Context.objects.get(key=course.key), other):
        context.teachers.add(found.user)
    return found


def person_of(username, name):
    """Who is known by that username, with that name from now on."""
    return Learner.objects.record("roster", {username: {"name": name}})[0][username]


def grow(course, first, last):
    """Credentials of that many learners, with their files."""
    course.learners(last - first, first=first)
    course.run_and_generate()


def grow_all(course, first, last):
    """The same, and as much of all else that is recorded: mails, verdicts, requests, what was asked for and done."""
    grow(course, first, last)
    now, configuration = timezone.now(), CredentialConfiguration.objects.get()
    of = {"configuration": configuration}
    credentials = list(Credential.objects.select_related("learner").order_by("pk")[first:last])
    Delivery.objects.bulk_create(Delivery(credential=one, purpose="corrected") for one in credentials)
    Candidate.objects.bulk_create(Candidate(**of, learner=one.learner, verdict="always") for one in credentials)
    NameRequest.objects.bulk_create(NameRequest(credential=one, name="Another") for one in credentials)
    Act.objects.bulk_create(
        Act(kind="credential", object_id=one.pk, verb="revoked", by_name="admin") for one in credentials
    )
    ended = {"status": "finished", "claimed_until": now, "started": now}
    Run.objects.bulk_create(
        Run(**of, **ended, claim=f"grown-{number}", active=None, trigger="command") for number in range(first, last)
    )
    DryRun.objects.bulk_create(DryRun(**of, **ended) for _ in credentials)
    dry = DryRun.objects.order_by("pk").first()
    DryRunRow.objects.bulk_create(
        DryRunRow(dry_run=dry, learner=one.learner.key, outcome="issued") for one in credentials
    )
    Reissue.objects.bulk_create(
        Reissue(**of, status="finished", asked=now, by_name="admin", reason="design") for _ in credentials
    )


def queries(browser, path, query=None):
    """How many a page needs, once what is kept is kept."""
    browser.get(path, query).getvalue()
    with CaptureQueriesContext(connection) as captured:
        response = browser.get(path, query)
        response.getvalue()  # a file is closed once it is read
    assert response.status_code in (200, 302)
    return len(captured)


def read_whole(browser, path, query=None):
    """The statements of a page that cannot but read a whole large table: none of its indexes helps.

    Databases read small tables whole, so they are asked what they would do if that were forbidden (PostgreSQL), or
    which index they could use (MySQL). SQLite has no statistics here and uses an index wherever there is one.
    """
    with CaptureQueriesContext(connection) as captured:
        browser.get(path, query).getvalue()
    asked = [each["sql"] for each in captured if each["sql"].startswith("SELECT")]
    assert asked
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        found = [sql for sql in asked if whole(cursor, sql)]
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = on")
    return found


def whole(cursor, sql):
    """Whether that statement reads such a table from one end to the other."""
    large = {model._meta.db_table for model in LARGE}
    if connection.vendor == "mysql":
        cursor.execute(f"EXPLAIN {sql}")
        columns = [column for column, *_ in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        aliases = dict(re.findall(r"`(conferral_\w+)` (\w\d+)\b", sql))
        large |= {alias for table, alias in aliases.items() if table in large}
        return any(row["table"] in large and row["type"] == "ALL" and not row["possible_keys"] for row in rows)
    if connection.vendor == "postgresql":
        cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        return any(f"Seq Scan on {table} " in plan for table in large)
    cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
    aliases = {alias for table, alias in re.findall(r'"(conferral_\w+)" (\w\d+)\b', sql) if table in large}
    scanned = {table for row in cursor.fetchall() for table in re.findall(r"SCAN (\w+)", row[-1])}
    return bool(scanned & (large | aliases)) and "LIMIT" not in sql


def listed(browser, name, **query):
    """The rows of a list of the admin."""
    return list(browser.get(reverse(f"admin:conferral_{name}_changelist"), query).context["cl"].result_list)


# Queries


def test_public_pages_need_as_many_queries_among_few_as_among_many(course, stranger):
    course.configure()
    grow(course, 0, 5)
    one = Credential.objects.first()
    file = f"{address(one)}/{one.artifacts.get().filename}"
    api = reverse("conferral-api:verify", args=[one.verification_id])
    paths = [address(one), file, f"/check/?id={shown(one.verification_id)}", api]
    before = [queries(stranger, path) for path in paths]
    assert [read_whole(stranger, path) for path in paths] == [[] for _ in paths]
    grow(course, 5, 60)
    assert [queries(stranger, path) for path in paths] == before


def test_my_credentials_come_in_pages(course, person):
    holder = person("holder")
    course.configure()
    grow(course, 0, CARDS + 1)
    Learner.objects.update(user=holder.user)
    before = queries(holder, "/mine/")
    assert read_whole(holder, "/mine/") == []
    grow(course, CARDS + 1, 2 * CARDS + 5)
    Learner.objects.update(user=holder.user)
    assert queries(holder, "/mine/") == before
    pages = [holder.get("/mine/", {"page": number}) for number in (1, 2, 3)]
    assert [len(page.context["cards"]) for page in pages] == [CARDS, CARDS, 5]
    assert len({card["url"] for page in pages for card in page.context["cards"]}) == 2 * CARDS + 5
    assert "Page 2 of 3" in text_of(pages[1])
    assert 'href="?page=1"' in text_of(pages[1])
    assert 'href="?page=3"' in text_of(pages[1])
    assert "Older" not in text_of(pages[2])


def test_whoever_has_few_sees_one_page(course, person):
    holder = person("holder")
    course.configure()
    grow(course, 0, 2)
    Learner.objects.update(user=holder.user)
    assert "Page 1" not in text_of(holder.get("/mine/"))


def lists_of(site, *, narrowed=True):
    """The address of each list, its second page, and what narrows it."""
    asked = [(name, query) for name in RECORDS for query in ({}, {"p": 2}, {"q": "learner"}, {"q": "learner-7"})]
    asked += [(name, query) for name in WITHOUT_SEARCH for query in ({}, {"p": 2})]
    if narrowed:
        asked += [("credential", {"is": "available"}), ("credentialartifact", {"slot": "certificate"})]
        asked += [("credential", {"type": CredentialType.objects.get().pk}), ("learner", {"account": "active"})]
        asked += [("namerequest", {"outcome": "waiting"}), ("run", {"status": "finished"})]
    return [(reverse(f"{site}:conferral_{name}_changelist"), query) for name, query in asked]


def test_lists_need_as_many_queries_for_two_pages_as_for_three(course, staff):
    course.configure()
    grow_all(course, 0, PER_PAGE + 5)
    asked = lists_of("admin")
    before = [queries(staff, *each) for each in asked]
    assert [each for each in asked if read_whole(staff, *each)] == []
    grow_all(course, PER_PAGE + 5, 2 * PER_PAGE + 5)
    assert [queries(staff, *each) for each in asked] == before


def test_whoever_teaches_needs_as_many_queries_for_two_pages_as_for_three(course, teacher):
    course.configure()
    grow_all(course, 0, PER_PAGE + 5)
    asked = [each for each in lists_of("conferral-staff") if "/act/" not in each[0]]
    before = [queries(teacher, *each) for each in asked]
    assert [each for each in asked if read_whole(teacher, *each)] == []
    grow_all(course, PER_PAGE + 5, 2 * PER_PAGE + 5)
    assert [queries(teacher, *each) for each in asked] == before


def test_a_learner_who_earned_twice_there_is_counted_once(course, teacher):
    course.configure()
    grow(course, 0, 3)
    correct.reissue(Credential.objects.first())
    assert Credential.objects.count() == 4
    page = teacher.get(reverse("conferral-staff:conferral_learner_changelist"))
    assert page.context["cl"].paginator.count == 3
    assert len(page.context["cl"].result_list) == 3


def test_a_credential_in_the_admin_needs_as_many_queries_among_few_as_among_many(course, staff):
    course.configure()
    grow(course, 0, 5)
    path = reverse("admin:conferral_credential_change", args=[Credential.objects.first().pk])
    before = queries(staff, path)
    assert read_whole(staff, path) == []
    grow(course, 5, 60)
    assert queries(staff, path) == before


# Search


@pytest.mark.parametrize(
    "typed",
    [
        *("mds", "MDS", "maria", "Maria", "MARIA", "maria da silva", "Maria Silva", "maria  SILVA"),
        *("Maria.Silva@Example.com", "maria.silva@example.com", "Maria.Silva@"),
    ],
)
def test_a_person_is_found_everywhere(maria, staff, typed):
    if typed == "maria.silva@example.com" and connection.vendor != "mysql":
        pytest.skip("an index that minds case is asked for the usual spellings, and this address has another")
    Delivery.objects.get_or_create(credential=maria, purpose="issued")
    assert listed(staff, "credential", q=typed) == [maria]
    assert listed(staff, "learner", q=typed) == [maria.learner]
    assert listed(staff, "credentialartifact", q=typed) == [maria.artifacts.get()]
    assert listed(staff, "delivery", q=typed) == list(maria.deliveries.all())
    assert listed(staff, "rosterentry", q=typed) == [RosterEntry.objects.get(learner=maria.learner)]


@pytest.mark.parametrize("typed", ["maria", "maria silva", "mds", "Maria.Silva@Example.com", "nobody"])
def test_to_look_for_a_person_reads_no_table_whole(maria, staff, teacher, typed, monkeypatch):
    monkeypatch.setattr(base, "SHORT", -1)  # of short lists the names may be read one by one
    for site, browser in (("admin", staff), ("conferral-staff", teacher)):
        for name in RECORDS:
            assert read_whole(browser, reverse(f"{site}:conferral_{name}_changelist"), {"q": typed}) == [], name


def test_others_of_a_common_name_do_not_crowd_out_whom_somebody_teaches(maria, teacher, monkeypatch):
    monkeypatch.setattr(search, "NEWEST", 2)
    elsewhere = Context.objects.create(key="course-v1:Test+Elsewhere+2026", name="Elsewhere")
    for number in range(5):
        one = person_of(f"maria-{number}", "Maria Else")
        RosterEntry.objects.create(context=elsewhere, learner=one)
        Candidate.objects.create(
            configuration=CredentialConfiguration.objects.get(), learner=one
        ) if not number else None
    (entry,) = (
        teacher.get(reverse("conferral-staff:conferral_rosterentry_changelist"), {"q": "maria"})
        .context["cl"]
        .result_list
    )
    assert entry.learner == maria.learner


@pytest.mark.parametrize("typed", ["mari", "maria s"])
def test_a_name_is_found_by_its_beginning(maria, staff, typed):
    assert listed(staff, "credential", q=typed) == [maria]


@pytest.mark.parametrize("typed", ["zoe", "zoe@example.com", "course-v1:No+Such+Course", "Ω", "%", "ma%a", "m_ria"])
def test_nobody_is_found(maria, staff, typed):
    for name in (*RECORDS, "run"):
        assert listed(staff, name, q=typed) == []


def test_a_part_of_a_word_is_found_where_the_list_is_short(maria, staff, monkeypatch):
    """No index answers it."""
    chosen = {"configuration__id__exact": maria.configuration_id}
    assert listed(staff, "credential", q="ilva") == [maria]
    assert listed(staff, "learner", q="ilva") == [maria.learner]
    monkeypatch.setattr(base, "SHORT", 3)
    assert listed(staff, "credential", q="ilva") == listed(staff, "credential", q="ilva", **chosen) == []
    monkeypatch.setattr(base, "SHORT", 4)
    assert listed(staff, "credential", q="ilva", **chosen) == [maria]


@pytest.mark.parametrize("typed", [shown, str.lower, lambda stored: f" {shown(stored).lower()} "])
def test_a_number_finds_the_credential_and_what_belongs_to_it(maria, staff, typed):
    text = typed(maria.verification_id)
    assert listed(staff, "credential", q=text) == [maria]
    assert listed(staff, "credentialartifact", q=text) == [maria.artifacts.get()]
    assert listed(staff, "delivery", q=text) == list(maria.deliveries.all())


def test_a_username_that_could_be_a_number_is_found(course, staff):
    course.learner("0000000000000000")
    course.configure()
    course.run_and_generate()
    assert len(listed(staff, "credential", q="0000000000000000")) == 1


@pytest.mark.parametrize("typed", [COURSE, "Test+T101", "t101+2026"])
def test_the_key_of_a_course_finds_what_was_issued_there(maria, staff, typed):
    assert len(listed(staff, "credential", q=typed)) == 4
    assert len(listed(staff, "rosterentry", q=typed)) == 4
    assert listed(staff, "run", q=typed) == [Run.objects.get()]


def test_a_file_is_found_by_its_hash(maria, staff):
    file = maria.artifacts.get()
    CredentialArtifact.objects.filter(pk=file.pk).update(sha256="ab" * 32)
    assert listed(staff, "credentialartifact", q="AB" * 32) == [file]


def test_an_account_is_found_by_its_id(maria, staff):
    Learner.objects.filter(pk=maria.learner_id).update(external_id="4711")
    assert listed(staff, "learner", q="4711") == [maria.learner]


def test_a_credential_is_found_by_what_is_printed_and_by_the_learners_name(maria, staff):
    """Whoever corrects a name looks for either."""
    person_of("mds", "Maria Souza")
    for typed in ("maria da silva", "silva", "souza", "Souza, Maria"):
        assert listed(staff, "credential", q=typed) == [maria], typed
        assert listed(staff, "learner", q=typed) == [maria.learner], typed
    new = correct.reissue(maria, name="María Sílva", reason="accents")
    for typed in ("da", "silva", "sílva", "souza", "maria"):
        assert set(listed(staff, "credential", q=typed)) == {maria, new}, typed


def test_whom_older_code_recorded_meanwhile_is_found_a_day_later(course, staff, monkeypatch):
    monkeypatch.setattr(base, "SHORT", -1)
    found = [Learner.objects.create(gateway="roster", key=f"l{number}", name="Ana Silva") for number in range(3)]
    Learner.objects.create(gateway="roster", key="nameless")
    monkeypatch.setattr("conferral.models.learner.NOTED_AT_ONCE", 2)
    daily()
    assert set(listed(staff, "learner", q="silva")) == set(found)
    daily()
    assert NameWord.objects.count() == 3 * 2


def test_a_name_that_is_printed_elsewhere_alone_finds_nobody_for_a_teacher(maria, teacher, staff, monkeypatch):
    monkeypatch.setattr(base, "SHORT", -1)
    elsewhere = Context.objects.create(key="course-v1:Test+Elsewhere+2026", name="Elsewhere")
    there = Course(elsewhere.key)
    there.learner("mds", name="Boris Deadname")
    there.configure()
    there.run_and_generate()
    person_of("mds", "Maria da Silva")
    Delivery.objects.get_or_create(credential=maria, purpose="issued")
    for name in ("credential", "learner", "delivery", "rosterentry"):
        path = reverse(f"conferral-staff:conferral_{name}_changelist")
        assert list(teacher.get(path, {"q": "deadname"}).context["cl"].result_list) == [], name
        assert len(teacher.get(path, {"q": "silva"}).context["cl"].result_list) == 1, name
    assert len(listed(staff, "learner", q="deadname")) == 1


def test_others_of_a_common_surname_do_not_crowd_out_whom_somebody_teaches(maria, teacher, monkeypatch):
    monkeypatch.setattr(search, "BEARERS", 3)
    monkeypatch.setattr(base, "SHORT", -1)
    for number in range(5):
        person_of(f"silva-{number}", "Ana Silva")
    for name, typed in (("learner", "silva"), ("credential", "da silva"), ("rosterentry", "silva")):
        path = reverse(f"conferral-staff:conferral_{name}_changelist")
        assert len(teacher.get(path, {"q": typed}).context["cl"].result_list) == 1, name


def test_a_name_that_was_never_printed_is_forgotten_with_its_change(course, staff):
    course.learner("ana", name="Anna Oldname")
    course.learner("ana", name="Ana Vidal")
    assert listed(staff, "learner", q="oldname") == []
    assert listed(staff, "learner", q="vidal ana") == [Learner.objects.get()]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Łukasz O'Neil-García", ["o'neil", "neil", "garcia", "GARCÍA", "garcia łukasz", "gar neil", "García Ł"]),
        ("Straße Müller", ["strasse", "MULLER"]),
        ("王 小明", ["王", "小明"]),
        ("محمد الفاتح", ["الفاتح", "محمد"]),
        ("Παπαδοπούλου Ελένη", ["ελενη", "ΠΑΠΑΔΟΠΟΥΛΟΥ"]),
    ],
)
def test_each_word_of_a_name_finds_it_without_case_and_accents(course, staff, name, typed, monkeypatch):
    monkeypatch.setattr(base, "SHORT", -1)
    course.learner("bo", name="Nobody Else")
    found = course.learner("one", name=name)
    for text in typed:
        assert listed(staff, "learner", q=text) == [found], text


def test_of_two_words_both_are_found_though_each_is_common(course, staff, monkeypatch):
    monkeypatch.setattr(search, "NEWEST", 3)
    monkeypatch.setattr(search, "BEARERS", 6)
    monkeypatch.setattr(base, "SHORT", -1)
    sought = course.learner("sought", name="Maria Silva")
    for number in range(4):
        course.learner(f"s{number}", name="Ana Silva")
    for number in range(8):
        course.learner(f"m{number}", name="Maria Costa")
    assert listed(staff, "rosterentry", q="maria silva") == [RosterEntry.objects.get(learner=sought)]
    assert len(listed(staff, "rosterentry", q="silva")) == 3, "the newest of a common name"


def test_a_site_that_was_there_before_finds_everybody_by_each_word(maria, staff, monkeypatch):
    correct.reissue(maria, name="Maria Sousa", reason="misspelt")
    NameWord.objects.all().delete()
    NameWord.objects.create(learner=maria.learner, word="half")  # of a try that was broken off
    filled = import_module("conferral.migrations.0018_words_of_names")
    monkeypatch.setattr(filled, "PAGE", 2)
    filled.note_words(apps, None)
    assert set(NameWord.objects.filter(learner=maria.learner).values_list("word", flat=True)) == {
        "maria",
        "da",
        "silva",
        "sousa",
    }
    assert NameWord.objects.count() == 4 + 3 * 2


@pytest.mark.parametrize("typed", ["maria", "maria silva", "maria@"])
def test_an_index_finds_a_person(db, typed):
    """PostgreSQL reads a small table whole unless that is forbidden; whether an index could be used is what counts."""
    Learner.objects.record("roster", {f"l{n}": {"name": f"{n} Learner"} for n in range(1000)})
    person_of("mds", "Maria da Silva")
    found = Learner.objects.filter(search.learners(typed))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = found.explain()
    if connection.vendor == "sqlite":
        assert "USING INDEX" in plan or "USING COVERING INDEX" in plan
        assert "SCAN" not in plan
    elif connection.vendor == "postgresql":
        assert re.search(r"Index Cond: .*~>=~", plan)
        assert "Seq Scan" not in plan
    else:
        assert "ALL" not in plan.split()


# Filters


def test_lists_are_narrowed_by_what_an_index_answers(maria, staff):
    kind = CredentialType.objects.get()
    assert len(listed(staff, "credential", type=kind.pk)) == 4
    assert listed(staff, "credential", type=kind.pk + 1) == []
    assert listed(staff, "run", type=kind.pk) == [Run.objects.get()]
    assert len(listed(staff, "credentialartifact", slot="certificate")) == 4
    assert listed(staff, "credentialartifact", slot="badge") == []
    assert len(listed(staff, "learner", gateway="roster")) == 4
    assert listed(staff, "learner", gateway="platform") == []


def test_mails_are_narrowed_by_purpose(maria, staff):
    correct.reissue(maria)
    mail, _ = Delivery.objects.get_or_create(credential=maria, purpose="corrected")
    assert listed(staff, "delivery", purpose="corrected") == [mail]


@pytest.mark.parametrize("account", ["active", "inactive", "retired"])
def test_learners_are_narrowed_by_account(maria, staff, account):
    values = {"inactive": {"active": False}, "retired": {"active": False, "retired": timezone.now()}}
    Learner.objects.filter(pk=maria.learner_id).update(**values.get(account, {}))
    found = {
        which: maria.learner in listed(staff, "learner", account=which) for which in ("active", "inactive", "retired")
    }
    assert found == {which: which == account for which in found}


def test_only_columns_that_an_index_sorts_can_be_sorted_by(maria, staff):
    sorted_by = {"credential": {"number", "recipient"}, "credentialartifact": {"number"}, "rosterentry": set()}
    sorted_by |= {"learner": {"key", "name", "email"}, "run": set(), "delivery": {"number", "sent"}}
    for name, columns in sorted_by.items():
        page = text_of(staff.get(reverse(f"admin:conferral_{name}_changelist")))
        assert set(re.findall(r'class="sortable column-(\w+)', page)) == columns, name


# Pages


@pytest.fixture
def many(db, monkeypatch):
    """230 learners, in lists that count up to 100."""
    monkeypatch.setattr(lists, "COUNTED", 100)
    Learner.objects.bulk_create(Learner(gateway="roster", key=f"learner-{number:03}") for number in range(230))


def test_pages_end_where_counting_does(many, staff):
    path = reverse("admin:conferral_learner_changelist")
    pages = {number: staff.get(path, {"p": number}) for number in (1, 2)}
    assert "more than 100 learners · Search, filter or sort the list to find the others." in text_of(pages[1])
    assert "100 results" not in text_of(pages[1])
    seen = [learner.key for page in pages.values() for learner in page.context["cl"].result_list]
    assert seen == [f"learner-{number:03}" for number in range(100)]
    assert 'href="?p=2"' in text_of(pages[1])
    assert 'href="?p=3"' not in text_of(pages[2])
    assert listed(staff, "learner", o="-0")[0].key == "learner-229"


@pytest.mark.parametrize("number", ["3", "1000000", "0", "-1", "x"])
def test_a_page_that_is_not_there_leads_back(many, staff, number):
    response = staff.get(reverse("admin:conferral_learner_changelist"), {"p": number}, follow=True)
    assert response.status_code == 200
    assert "learner-000" in text_of(response)


@pytest.fixture
def crowded(course):
    """105 of everything, the three newest credentials elsewhere."""
    course.configure()
    grow_all(course, 0, 2 * PER_PAGE + 5)
    elsewhere = CredentialConfiguration.objects.get()
    elsewhere.pk, elsewhere.context_key = None, "course-v1:Test+Elsewhere+2026"
    elsewhere.save()
    newest = list(Credential.objects.order_by("-pk").values_list("pk", flat=True)[:3])
    Credential.objects.filter(pk__in=newest).update(configuration=elsewhere)


@pytest.mark.parametrize(
    "bounds",
    [
        {"COUNTED": 100, "LITTLE": -1, "NEAR": -65},
        {"COUNTED": 100, "LITTLE": 30_000, "NEAR": 0},
        {"COUNTED": 10_000, "LITTLE": -1, "NEAR": 0},
        {"COUNTED": 10_000, "LITTLE": 30_000, "NEAR": -65},
    ],
)
def test_however_rows_are_read_the_pages_are_the_same(crowded, staff, teacher, monkeypatch, bounds):
    asked = [("credential", {}), ("credential", {"o": "2"}), ("candidate", {}), ("rosterentry", {})]
    asked += [("credentialartifact", {"state": "stored"}), ("delivery", {}), ("delivery", {"o": "-0"})]
    asked += [("namerequest", {}), ("learner", {}), ("learner", {"account": "active", "o": "-0"})]

    def pages():
        for name, query in asked:
            for browser, site in ((staff, "admin"), (teacher, "conferral-staff")):
                for number in (1, 2):
                    address = reverse(f"{site}:conferral_{name}_changelist")
                    page = browser.get(address, {**query, "p": number}).context["cl"]
                    yield name, query, number, site, [row.pk for row in page.result_list]

    plain = list(pages())
    assert all(len(keys) == PER_PAGE for *_, keys in plain)
    for name, value in bounds.items():
        monkeypatch.setattr(search if name == "LITTLE" else lists, name, value)
    assert list(pages()) == plain


def test_what_can_be_counted_is_told(many, staff):
    Learner.objects.filter(key__gte="learner-100").delete()
    seen = text_of(staff.get(reverse("admin:conferral_learner_changelist")))
    assert "100 learners" in seen
    assert "more than" not in seen
