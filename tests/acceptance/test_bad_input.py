"""Bad input: one clear line, a non-zero exit, and nothing changed."""

import io

import pikepdf
import pytest

from tests.acceptance.conftest import COURSE

GOOD = [("ana", "Ana", "0.8")]


@pytest.fixture
def running(site):
    site.set_up(GOOD)
    site.ok("run")
    return site


def contents(site):
    tables = [name for (name,) in site.rows("select name from sqlite_master where type = 'table' order by 1")]
    return {name: site.rows(f"select * from {name} order by 1") for name in tables if name.startswith("conferral")} | {
        "files": sorted(str(path) for path in (site.home / "files").rglob("*") if path.is_file())
    }


def refused(site, *arguments):
    before = contents(site)
    done = site(*arguments)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert contents(site) == before
    return done.stderr.removeprefix("Error: ").rstrip()


def encrypted(content):
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    return out.getvalue()


def without_pages():
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.save(out)
    return out.getvalue()


def test_files_that_are_wrong(running, template):
    """One story, so that one site serves all of them."""
    site = running
    for name, content, says in (
        (
            "no-header.csv",
            b"ana,Ana,0.8\n",
            "no-header.csv: line 1: there is no column `username`; the first line names",
        ),
        (
            "twice.csv",
            b"username\nana\nana\n",
            "twice.csv: line 3: username 'ana' is there already (twice.csv: line 2)",
        ),
        (
            "above.csv",
            b"username,completion\nana,80\n",
            "above.csv: line 2: completion: '80' is not a share; write a number",
        ),
        (
            "latin.csv",
            b"username,name\nana,\xd1\n",
            "latin.csv: line 2: is not UTF-8; save the file as CSV with the enc",
        ),
        ("empty.csv", b"", "empty.csv: is empty; the first line names the columns"),
    ):
        (site.path / name).write_bytes(content)
        assert refused(site, "roster", "import", COURSE, name).startswith(says)
    assert refused(site, "roster", "import", "T999", "empty.csv").startswith("context: 'T999' is not known; known: cou")

    for name, content, says in (
        ("text.pdf", b"no PDF at all", "asset 'new': text.pdf is not a PDF, or is damaged; export it again as PDF"),
        ("locked.pdf", encrypted(template), "asset 'new': locked.pdf is encrypted; save it without a password"),
        ("hollow.pdf", without_pages(), "asset 'new': hollow.pdf has no page; export it again"),
        ("words.ttf", b"no font at all", "asset 'new': words.ttf is not a font, or is damaged"),
    ):
        (site.path / name).write_bytes(content)
        site.write("new.yaml", f"assets: [{{slug: new, file: {name}}}]")
        assert refused(site, "apply", "new.yaml").startswith(f"new.yaml: assets[0]: {says}")


def test_declarations_that_are_wrong(running):
    site = running
    good = (site.path / "credentials.yaml").read_text()
    for change, says in (
        (
            ("slug: plain", "slug: plain, sulg: x"),
            "wrong.yaml: assets[0].sulg: unknown key; known here: description, file",
        ),
        (
            ("processor: completion", "processor: magic"),
            "wrong.yaml: types[0]: processor: 'magic' is not installed; inst",
        ),
        (("generator: pdf", "generator: jpg"), "wrong.yaml: types[0]: generator: 'jpg' is not installed; installed:"),
        (
            ("{template: plain}", "{template: fancy}"),
            "wrong.yaml: types[0]: generators.certificate.options: 'fancy' is not",
        ),
        (
            ("{template: plain}", "{template: plain, font: sans}"),
            "generators.certificate.options: 'sans' is not among the",
        ),
        (
            ("{template: plain}", "{template: plain, x: 1}"),
            "generators.certificate.options.x: unknown key; known here:",
        ),
        (
            ("{template: plain}", '{template: plain, elements: {a: {y: 1, text: "{nobody}"}}}'),
            "generators.certificate.options.elements.a.text: '{nobody}' is not accepted: unknown placeholder {nobody}",
        ),
        (
            ("required_completion", "completion"),
            "processor_options.completion: unknown key; known here: required_compl",
        ),
        (
            ("file: plain.pdf", "file: missing.pdf"),
            "wrong.yaml: assets[0]: file: missing.pdf cannot be read: No such file",
        ),
        (("types:", "types: {"), "is not YAML"),
        (("enabled: true}", "enabled: true, enabled: false}"), "the key 'enabled' is there twice"),
        (("enabled: true}", "enabled: perhaps}"), "configurations[0].enabled: 'perhaps' is not accepted"),
        (("Test+T101+2026", "Test"), "context key: 'course-v1:Test' is not a key"),
        (("Test+T101+2026", f"{'T' * 250}+T101+2026"), "characters, at most 255 are allowed"),
    ):
        site.write("wrong.yaml", good.replace(*change))
        assert says in refused(site, "apply", "wrong.yaml")
    assert "cannot be read: No such file" in refused(site, "apply", "nowhere.yaml")


def test_what_is_in_use_stays(running):
    site = running
    assert refused(site, "delete", "type", "Completion").startswith("type 'Completion': is used by 1 configurations")
    assert refused(site, "delete", "asset", "plain").startswith("asset 'plain': is used by the type 'Completion'")
    assert "has issued 1 credentials" in refused(site, "delete", "configuration", COURSE, "Completion")
    assert "is not known" in refused(site, "show", "0000-0000-0000-0000")
    assert "is mistyped" in refused(site, "show", "K7QF")
    assert "none is enabled for T101 · Nothing" in refused(site, "run", "T101", "--type", "Nothing")


def test_two_runs_at_once(running):
    """The second says that one is running; the first is not disturbed."""
    site = running
    rows = "".join(f"learner-{number},Learner {number},1\n" for number in range(600))
    site.write("many.csv", "username,name,completion\n" + rows)
    site.ok("roster", "import", COURSE, "many.csv")
    site.environment["CONFERRAL_PAGE_SIZE"] = "2"  # so that the first is long enough
    first = site.start("run", "--json")
    while not site.rows("select 1 from conferral_run where active"):
        assert first.poll() is None
    second = site("run", "--json")
    first.communicate(timeout=120)
    assert first.returncode == 0
    if '"status": "running"' in second.stdout:
        assert second.returncode == 1
        assert "a run of this configuration is going on since" in second.stdout
    issued = site.rows("select count(*), count(distinct learner_id) from conferral_credential where current")
    assert issued == [(601, 601)]
