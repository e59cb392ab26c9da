"""The people of the demo, for its sign-in links."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission

from conferral.models import Learner

OPERATOR, INSTRUCTOR, LEARNER = "demo-operator", "demo-instructor", "demo-learner"
PEOPLE = {INSTRUCTOR: "I teach", LEARNER: "I earned", OPERATOR: "I operate"}
INSTRUCTORS = "Instructors"
MAY = (
    *(f"{verb}_credentialconfiguration" for verb in ("view", "add", "change")),
    *(f"view_{model}" for model in ("credentialtype", "credentialasset", "issuer", "context", "learner", "run")),
    *("view_credential", "change_credential", "view_credentialartifact", "view_delivery"),
)


def create(learner: Learner) -> None:
    """Accounts without passwords: an operator, an instructor, and the learner's own. Again changes nothing."""
    users = get_user_model()._default_manager  # noqa: SLF001 - Django documents this name
    instructors, _ = Group.objects.get_or_create(name=INSTRUCTORS)
    instructors.permissions.set(Permission.objects.filter(content_type__app_label="conferral", codename__in=MAY))
    for username, rights in (
        (OPERATOR, {"is_staff": True, "is_superuser": True}),
        (INSTRUCTOR, {"is_staff": True}),
        (LEARNER, {}),
    ):
        user, made = users.get_or_create(username=username, defaults=rights)
        if made:
            user.set_unusable_password()
            user.save()
        if username == INSTRUCTOR:
            user.groups.add(instructors)
        if username == LEARNER and learner.user_id != user.pk:
            learner.user = user
            learner.save(update_fields=["user"])
