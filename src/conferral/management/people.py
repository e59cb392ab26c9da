"""The people of the demo, for its sign-in links."""

from django.contrib.auth import get_user_model

from conferral.models import Context, Learner

OPERATOR, INSTRUCTOR, LEARNER = "demo-operator", "demo-instructor", "demo-learner"
PEOPLE = {INSTRUCTOR: "I teach", LEARNER: "I earned", OPERATOR: "I operate"}
TAUGHT = ("course-v1:Demo+CS101+2026", "course-v1:Demo+GIT+2026", "course-v1:Demo+WEB110+2026")
"""What the instructor of the demo teaches: not all there is."""


def create(learner: Learner) -> None:
    """Accounts without passwords: an operator, an instructor, and the learner's own. Again changes nothing."""
    users = get_user_model()._default_manager  # noqa: SLF001 - Django documents this name
    for username, rights in ((OPERATOR, {"is_staff": True, "is_superuser": True}), (INSTRUCTOR, {}), (LEARNER, {})):
        user, made = users.get_or_create(username=username, defaults=rights)
        if made:
            user.set_unusable_password()
            user.save()
        if username == INSTRUCTOR:
            for context in Context.objects.filter(key__in=TAUGHT):
                context.teachers.add(user)
        if username == LEARNER and learner.user_id != user.pk:
            learner.user = user
            learner.save(update_fields=["user"])
