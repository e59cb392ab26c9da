"""People who earn."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Case, F, Value, When
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conferral.models.name_word import NameWord, words_of

RETIRED = "retired-"
NOTED_AT_ONCE = 500
ASIDE = re.compile(r" #\d+$")


def retired_key(gateway: str, key: str) -> str:
    """The key of a learner once they are retired: it tells nothing, and the same username is recognised by it."""
    return RETIRED + salted_hmac("conferral.retired", f"{gateway}:{key}", algorithm="sha256").hexdigest()[:40]


class LearnerQuerySet(models.QuerySet["Learner"]):
    """Learners in bulk."""

    def retired_among(self, gateway: str, keys: Collection[str]) -> set[str]:
        """Which of those keys belonged to learners who are retired by now; one query."""
        hidden = {retired_key(gateway, key): key for key in keys}
        found = self.filter(gateway=gateway, key__in=list(hidden)) if hidden else self.none()
        return {hidden[key] for key in found.values_list("key", flat=True)}

    def note_missing_words(self) -> None:
        """By their words are found those, too, whom older code recorded while newer code was being deployed.

        And by none of them who was retired by it.
        """
        NameWord.objects.filter(learner__in=self.exclude(retired=None).values("pk")).delete()
        noted = NameWord.objects.filter(learner=models.OuterRef("pk"))
        missing, last = self.exclude(name="").filter(~models.Exists(noted)).order_by("pk"), 0
        while keys := list(missing.filter(pk__gt=last).values_list("pk", flat=True)[:NOTED_AT_ONCE]):
            with transaction.atomic():
                self.note_words(list(self.select_for_update().filter(pk__in=keys).order_by("pk")))
            last = keys[-1]

    def spelt_otherwise(self, gateway: str, keys: Collection[str]) -> dict[str, str]:
        """Which of those keys are stored in another spelling, and in which; none where the database minds spelling.

        MySQL minds neither case nor accents, and has one place for both. One query, and one more when there are any.
        """
        if connection.vendor != "mysql":
            return {}
        stored = set(self.filter(gateway=gateway, key__in=list(keys)).values_list("key", flat=True))
        if not (others := stored.difference(keys)):
            return {}
        # Which letters are the same each collation says for itself.
        told = Case(*(When(key=key, then=Value(key)) for key in keys if key not in stored))
        found = self.filter(gateway=gateway, key__in=list(others)).annotate(told=told)
        return dict(found.values_list("told", "key"))

    def respell(self, gateway: str, keys: Collection[str]) -> None:
        """Gives those who are stored in another spelling the one that the source tells.

        They are one account: two could not be in the LMS's own tables either, which are compared in the same way.
        """
        if others := self.spelt_otherwise(gateway, keys):
            whens = (When(key=stored, then=Value(told)) for told, stored in others.items())
            stored_so = self.filter(gateway=gateway, key__in=list(others.values()))
            stored_so.update(key=Case(*whens, default=F("key")))

    def follow(self, gateway: str, told: Mapping[str, Mapping[str, Any]]) -> int:
        """Gives learners whom the source knows by another key now that key; says how many were moved.

        Accounts are told by their ids. Else whoever changes their username would be somebody new, and get everything
        once more; and whoever is given a username that was free again would have what another person earned. Who had
        it is put aside, until the source tells their new one.
        """
        self.respell(gateway, told)
        ids = {values["external_id"]: key for key, values in told.items() if values.get("external_id")}
        if not ids:
            return 0
        with transaction.atomic():
            locked = self.select_for_update().filter(gateway=gateway, retired=None).order_by("pk")
            known = list(locked.filter(external_id__in=list(ids)))
            holders = {learner.key: learner for learner in locked.filter(key__in=list(ids.values()))}
            moves = _moves(ids, {learner.external_id: learner for learner in reversed(known)}, holders)
            changed = [learner for learner, _ in moves]
            # Aside first: two may have taken each other's username.
            for target in ([_aside(learner) for learner in changed], [key for _, key in moves]):
                for learner, key in zip(changed, target, strict=True):
                    learner.key = key
                self.bulk_update(changed, ["key"], batch_size=500)
        return len(moves)

    def record(self, gateway: str, told: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, "Learner"], set[str]]:
        """Our records of a page of learners, by key, brought up to date with what the gateway tells of each.

        Also the keys of those that changed. Who is retired is left out, and not recorded again. A constant number of
        queries for a page; the rows stay locked until the end of the transaction that this takes place in.
        """
        with transaction.atomic():
            return self._record(gateway, told)

    def _record(self, gateway: str, told: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, "Learner"], set[str]]:
        self.follow(gateway, told)
        known = self._by_key(gateway, told)
        called = {key: learner.name for key, learner in known.items()}
        retired = self.retired_among(gateway, told.keys() - known.keys())
        told = {key: values for key, values in told.items() if key not in retired}
        changed = [known[key] for key, values in told.items() if key in known and known[key].take(values)]
        if changed:
            fields = sorted({field for learner in changed for field in told[learner.key]})
            # In one order everywhere, so that two imports wait for each other and do not lock each other out.
            self.bulk_update(sorted(changed, key=lambda learner: learner.key), fields, batch_size=500)
        new = [Learner(gateway=gateway, key=key, **values) for key, values in sorted(told.items()) if key not in known]
        if new:
            try:
                with transaction.atomic():
                    self.bulk_create(new)
            except IntegrityError:
                # Another run met some of them first: add who is still missing, once.
                there = self._by_key(gateway, told)
                self.bulk_create(learner for learner in new if learner.key not in there)
            known = self._by_key(gateway, told)
        self.note_words([learner for key, learner in known.items() if learner.name != called.get(key, "")])
        return known, {learner.key for learner in changed}

    def note_words(self, learners: Collection["Learner"]) -> None:
        """By which words those are found from now on; a constant number of queries, none for nobody.

        Those of their names, and of what is printed on what they hold: an old name is what people look for who want to
        correct it. The rows are locked by whoever calls, so that nothing is noted twice.
        """
        if not learners:
            return
        keys = [learner.pk for learner in learners]
        printed = self.filter(pk__in=keys).exclude(credentials=None).values_list("pk", "credentials__recipient_name")
        names = [*((learner.pk, learner.name) for learner in learners), *printed.distinct()]
        wanted = dict.fromkeys((key, word) for key, name in names for word in words_of(name))
        noted = {
            (key, word): pk
            for pk, key, word in NameWord.objects.filter(learner__in=keys).values_list("pk", "learner", "word")
        }
        NameWord.objects.filter(pk__in=[pk for each, pk in noted.items() if each not in wanted]).delete()
        NameWord.objects.bulk_create(
            NameWord(learner_id=key, word=word) for key, word in wanted if (key, word) not in noted
        )

    def _by_key(self, gateway: str, told: Mapping[str, Any]) -> dict[str, "Learner"]:
        # In one order everywhere, so that two who lock wait for each other and do not lock each other out.
        found = self.select_for_update().filter(gateway=gateway, key__in=list(told)).order_by("pk")
        return {learner.key: learner for learner in found}


def _moves(
    ids: Mapping[str, str], accounts: Mapping[str, "Learner"], holders: Mapping[str, "Learner"]
) -> list[tuple["Learner", str]]:
    """Who gets another key, and which, by the keys of the accounts as the source tells them."""
    moves: dict[int, tuple[Learner, str]] = {}
    for account, key in ids.items():
        holder = holders.get(key)
        if holder and holder.external_id == account:
            continue
        if owner := accounts.get(account):
            moves[owner.pk] = (owner, key)
        # Whose account is not known is the same person, unless another record is.
        if holder and (holder.external_id or owner):
            moves.setdefault(holder.pk, (holder, _aside(holder)))
    return list(moves.values())


def _aside(learner: "Learner") -> str:
    """A key that no source tells, for one whose own belongs to somebody else by now."""
    return learner.key if ASIDE.search(learner.key) else f"{learner.key[:200]} #{learner.pk}"


class Learner(models.Model):
    """A person as a gateway knows them: the username in the LMS, a row of a roster.

    `user` is linked at sign-in or in the LMS's own process, never by a matching username: a roster's `admin` is not our
    superuser.

    .. pii: Name, e-mail address, username and language of a learner.
    .. pii_types: name, email_address, username
    .. pii_retirement: local_api
    """

    gateway = models.CharField(_("source"), max_length=50)
    key = models.CharField(_("username"), max_length=255)
    external_id = models.CharField(_("number of the account"), max_length=255, blank=True)
    name = models.CharField(_("name"), max_length=255, blank=True, db_index=True)
    email = models.EmailField(_("e-mail address"), blank=True, db_index=True)
    language = models.CharField(_("language"), max_length=35, blank=True)
    active = models.BooleanField(_("active"), default=True)
    retired = models.DateTimeField(
        pgettext_lazy("when", "retired"),
        null=True,
        blank=True,
        help_text=_("Since when nothing personal is kept of them"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="conferral_learners",
        verbose_name=_("user"),
    )

    objects = LearnerQuerySet.as_manager()

    class Meta:
        verbose_name = _("learner")
        verbose_name_plural = _("learners")
        constraints = [models.UniqueConstraint(fields=["gateway", "key"], name="conferral_learner_key")]
        indexes = [
            models.Index(fields=["gateway", "external_id"], name="conferral_learner_account"),
            models.Index(fields=["key", "id"], name="conferral_learner_username"),
            models.Index(fields=["active", "retired"], name="conferral_learner_active"),
        ]

    def __str__(self) -> str:
        return self.key

    def take(self, values: Mapping[str, Any]) -> bool:
        """Takes over the values, unsaved; whether anything changed."""
        changed = any(getattr(self, field) != value for field, value in values.items())
        for field, value in values.items():
            setattr(self, field, value)
        return changed
