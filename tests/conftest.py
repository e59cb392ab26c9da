"""What the stories in the tests are made of."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
import typst
from django.core.cache import cache
from django.db import OperationalError, connection

from conferral import plugins
from conferral.issuance import configure
from conferral.issuance.generate import generate
from conferral.issuance.run import run
from conferral.lms.roster import RosterGateway
from conferral.models import Context, Credential, CredentialConfiguration, Learner, RosterEntry

COURSE = "course-v1:Test+T101+2026"


@pytest.fixture(autouse=True)
def _fresh_plugins():
    """Plugins are made once a process; here once a test, so that one test's does not remember another's."""
    plugins.load.cache_clear()


@pytest.fixture(autouse=True)
def _fresh_counters():
    """Requests are counted in the cache; here no test counts those of another."""
    cache.clear()


@pytest.fixture(scope="session")
def template():
    """A blank page of A4, landscape, as a designer's PDF."""
    return typst.compile(b'#set page(paper: "a4", flipped: true)\n#rect(width: 100%, height: 100%)')


@dataclass
class Course:
    """A course with a credential that can be earned in it, driven through the same use cases as production."""

    key: str = COURSE
    type_name: str = "Completion"
    configuration: CredentialConfiguration | None = field(default=None)

    def learner(self, username, completion="1", *, name=None, email="", active=True, **grades):
        told = {"name": username.title() if name is None else name, "email": email, "active": active}
        learner = Learner.objects.record("roster", {username: told})[0][username]
        RosterEntry.objects.update_or_create(
            context=Context.objects.get(key=self.key),
            learner=learner,
            defaults={"completion": completion, "grades": grades},
        )
        return learner

    def learners(self, count, first=0):
        """`learner-0`, `learner-1` and so on, who all qualify."""
        for number in range(first, first + count):
            self.learner(f"learner-{number}")

    def configure(self, *, processor="completion", processor_options=None, generators=None, **values):
        own = ("step_options", "time_zone", "schedule")
        overrides = {name: values.pop(name) for name in own if name in values}
        configure.save_type(
            self.type_name,
            processor=processor,
            processor_options={"required_completion": 0.8} if processor_options is None else processor_options,
            generators={"certificate": {"generator": "text"}} if generators is None else generators,
            **values,
        )
        configure.save_configuration(self.key, self.type_name, enabled=True, **overrides)
        self.configuration = CredentialConfiguration.objects.get(context_key=self.key, type__name=self.type_name)
        return self.configuration

    def run(self, *, notify=True):
        return run(self.configuration, trigger="command", notify=notify)

    def run_and_generate(self):
        ended = self.run()
        generate(self.configuration)
        return ended

    def states(self):
        """State by username."""
        return dict(Credential.objects.values_list("learner__key", "state"))


@pytest.fixture
def course(db):
    configure.save_context(COURSE, name="Testing", organisation="Test")
    return Course()


@pytest.fixture
def told_wrongly():
    """A source that tells other things of some learners, by username: from now on, or while the block lasts."""
    people = RosterGateway.people
    with pytest.MonkeyPatch.context() as patched:

        def tell(**wrong):
            def wrongly(lms, keys):
                return [replace(person, **wrong.get(person.key, {})) for person in people(lms, keys)]

            patched.setattr(RosterGateway, "people", wrongly)
            return until_then()

        @contextmanager
        def until_then():
            yield
            patched.undo()

        yield tell


@pytest.fixture
def broken_off():
    """A database that breaks off the first statements with those words, as it does in a deadlock."""

    @contextmanager
    def so_often(words, times=1):
        left = [OperationalError("deadlock detected")] * times

        def watch(execute, sql, *arguments):
            if words in sql.replace("`", '"') and left:  # MySQL quotes in its own way
                raise left.pop()
            return execute(sql, *arguments)

        with connection.execute_wrapper(watch):
            yield
        assert not left

    return so_often
