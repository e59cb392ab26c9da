"""What was declared elsewhere can be saved in its form, too, whatever else is changed there."""

import pytest
from django.contrib.auth import get_user_model

from conferral.issuance import configure
from conferral.models import Context, CredentialConfiguration
from tests.conftest import COURSE
from tests.faces.test_admin import change, errors

KEPT = {"enabled": "on", "guard": "on"}
"""The boxes that are checked."""


def declared(course, **values):
    course.configure()
    configure.save_configuration(course.key, course.type_name, enabled=True, **values)
    return CredentialConfiguration.objects.get()


@pytest.mark.parametrize("every", ["10080 minutes", "10081 minutes", "20000 hours", "9999 weeks"])
def test_a_schedule_in_small_units_is_kept(course, operator, every):
    saved = declared(course, schedule={"every": every})
    since = saved.schedule_since
    assert errors(change(operator, saved, **KEPT, guard_learners="10")) == {}
    saved.refresh_from_db()
    assert (saved.schedule, saved.schedule_since, saved.guards) == ({"every": every}, since, {"learners": 10})
    assert errors(change(operator, saved, **KEPT, time_zone="Europe/Paris")) == {}
    saved.refresh_from_db()
    assert (saved.schedule, saved.time_zone) == ({"every": every}, "Europe/Paris")


@pytest.mark.parametrize("share", [0.333333, 0.123456789, 1e-7])
def test_a_share_is_as_exact_as_it_was_declared(course, operator, share):
    saved = declared(course, guards={"share": share})
    page = operator.get(f"/admin/conferral/credentialconfiguration/{saved.pk}/change/")
    assert page.context["adminform"].form["guard_share"].field.widget.attrs["step"] == "any"  # else browsers refuse it
    assert errors(change(operator, saved, **KEPT, guard_learners="10")) == {}
    saved.refresh_from_db()
    assert saved.guards == {"share": share, "learners": 10}


def test_however_many_teach_a_course_it_is_saved_and_so_many_are_added_at_a_time(course, operator):
    users, context = get_user_model().objects, Context.objects.get(key=COURSE)
    names = [f"t{number}" for number in range(102)]
    users.bulk_create(users.model(username=name) for name in names)
    context.teachers.set(users.filter(username__in=names[:51]))

    def teachers():
        return set(context.teachers.values_list("username", flat=True))

    assert errors(change(operator, context, name="Renamed")) == {}
    context.refresh_from_db()
    assert (context.name, teachers()) == ("Renamed", set(names[:51]))
    found = errors(change(operator, context, taught_by="\n".join(names)))
    assert found == {"taught_by": ["Add at most 50 at a time."]}
    found = errors(change(operator, context, taught_by="t0 t60 nobody"))
    assert found == {"taught_by": ["Nobody here is called nobody."]}
    assert errors(change(operator, context, taught_by="\n".join(names[1:101]))) == {}
    assert teachers() == set(names[1:101])
