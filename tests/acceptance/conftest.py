"""A site of its own for each story: the real command, in processes of its own, on the embedded defaults."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import django
import pytest

COMMAND = str(Path(sys.executable).with_name("conferral"))
PLUGINS = str(Path(__file__).parent.parent / "plugins")
COURSE = "course-v1:Test+T101+2026"

DECLARATIONS = """\
assets: [{slug: plain, file: plain.pdf}]
contexts:
  - {key: "course-v1:Test+T101+2026", name: Testing, organisation: Test}
types:
  - name: Completion
    processor: completion
    processor_options: {required_completion: 0.8}
    generators:
      certificate: {generator: pdf, options: {template: plain}}
configurations:
  - {context: "course-v1:Test+T101+2026", type: Completion, enabled: true}
"""


@dataclass
class Site:
    """A directory with declarations and rosters, and a CONFERRAL_HOME in it."""

    path: Path
    environment: dict[str, str]

    @property
    def home(self):
        return self.path / "var"

    def write(self, name, text):
        target = self.path / name
        target.write_text(text, encoding="utf-8")
        return target

    def start(self, *arguments, out=subprocess.PIPE):
        """The command, started; the caller waits for it or kills it."""
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=self.path,
            env=self.environment,
            stdout=out,
            stderr=out,
            text=True,
            encoding="utf-8",
        )

    def __call__(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def ok(self, *arguments):
        done = self(*arguments)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, "--json"))

    def set_up(self, roster, schedule=""):
        """Migrated, declared, with a roster: (username, name, completion); all have an address."""
        self.write("credentials.yaml", DECLARATIONS.replace("enabled: true", f"enabled: true{schedule}"))
        rows = "".join(
            f"{username},{username}@example.com,{name},{completion}\n" for username, name, completion in roster
        )
        self.write("roster.csv", "username,email,name,completion\n" + rows)
        self.ok("migrate", "--verbosity", "0")
        self.ok("apply", "credentials.yaml")
        self.ok("roster", "import", COURSE, "roster.csv")

    def copy(self, path):
        """The same site elsewhere, to be treated badly."""
        shutil.copytree(self.path, path)
        return Site(path, self.environment | {"CONFERRAL_HOME": str(path / "var")})

    def rows(self, query):
        """Straight from the database, without Django."""
        with sqlite3.connect(f"file:{self.home / 'conferral.sqlite3'}?mode=ro", uri=True, timeout=10) as connection:
            return connection.execute(query).fetchall()


def pytest_collection_modifyitems(items):
    if django.VERSION < (5, 2):
        reason = pytest.mark.skip(reason="the standalone service needs Django 5.2; the app itself does not")
        for item in items:
            if "acceptance" in item.path.parts or "services" in item.path.parts:
                item.add_marker(reason)


@pytest.fixture
def site(tmp_path, template):
    path = tmp_path / "site"
    path.mkdir()
    (path / "plain.pdf").write_bytes(template)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CONFERRAL", "DJANGO", "DATABASE", "EMAIL", "CELERY"))
    }
    environment |= {"CONFERRAL_HOME": str(path / "var"), "PYTHONPATH": PLUGINS, "PYTHONUTF8": "1"}
    # Fonts that are installed on one machine and not on another would make the same test pass here and fail there.
    environment |= {"CONFERRAL_PLUGINS": '{"pdf": {"fallback_fonts": ["built-in"]}}'}
    return Site(path, environment)
