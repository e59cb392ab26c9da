"""Whether this process is alive, and whether it is of any use: for whatever restarts and routes."""

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from queue import SimpleQueue

from django.db import Error, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conferral import journal, storage
from conferral.models import CredentialAsset

logger = logging.getLogger(__name__)
Question = Callable[[], None]

OK, UNAVAILABLE = "ok", "unavailable"
PATIENCE, KEPT = 3, 15
"""Seconds that the storage has to answer, and for which its answer is good."""
WORDS = {"403": "denied", "404": "missing"}
"""What a bucket says to a question without a body."""


@require_safe
@never_cache
@transaction.non_atomic_requests
def live(request: HttpRequest) -> JsonResponse:
    """It answers. Nothing else is asked: a database that is down is no reason to restart this."""
    return JsonResponse({"status": OK})


@require_safe
@never_cache
@transaction.non_atomic_requests
def ready(request: HttpRequest) -> JsonResponse:
    """Database and storage can be used; 503 says which cannot, and of a storage in a word why: the log says more."""
    found = {"database": _tried(_database), "storage": _tried(storage.check)}
    if found["storage"] == OK:
        found["storage"] = STORAGE.says()
    works = set(found.values()) == {OK}
    return JsonResponse(found, status=HTTPStatus.OK if works else HTTPStatus.SERVICE_UNAVAILABLE)


class Elsewhere:
    """What something in another place answers: asked when nobody has in the last seconds, one question at a time.

    By a thread of its own, which keeps its connection. While that hangs nobody waits for it, and nothing more is asked.
    """

    def __init__(self, question: Callable[[], Question]) -> None:
        """`question` makes what is asked, in the thread of whoever wants to know: it may use the database."""
        self._question = question
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """It is asked anew, by a new thread, when somebody wants to know."""
        self._questions: SimpleQueue[tuple[Question, threading.Event]] | None = None
        self._answered = threading.Event()
        self._answered.set()
        self._said, self._since = "", -math.inf

    def says(self) -> str:
        """`ok`, or why it cannot be used; within PATIENCE."""
        with self._lock:
            if self._answered.is_set() and time.monotonic() - self._since > KEPT:
                question = self._question()
                self._answered, self._since = threading.Event(), time.monotonic()
                self._asked().put((question, self._answered))
            answered, rest = self._answered, self._since + PATIENCE - time.monotonic()
        return self._said if answered.wait(max(rest, 0)) else f"{UNAVAILABLE}: no answer within {PATIENCE} s"

    def _asked(self) -> SimpleQueue[tuple[Question, threading.Event]]:
        if self._questions is None:
            self._questions = SimpleQueue()
            threading.Thread(target=self._work, args=(self._questions,), name="health", daemon=True).start()
        return self._questions

    def _work(self, questions: SimpleQueue[tuple[Question, threading.Event]]) -> None:
        while True:
            question, answered = questions.get()
            said = _tried(question, in_a_word=True)
            if answered is self._answered:
                self._said = said
            answered.set()


def _tried(tried: Question, *, in_a_word: bool = False) -> str:
    try:
        tried()
    except Exception as error:  # a backend of somebody else's may raise anything
        said = journal.discreet(" ".join(str(error).split()))
        journal.event(logger, f"this process is not ready: {said}", level=logging.WARNING)
        return f"{UNAVAILABLE}: {_why(error.__cause__ or error)}" if in_a_word else UNAVAILABLE
    return OK


def _why(error: BaseException) -> str:
    """Of all that a storage says the code, or what kind of error it is: there is no secret in either."""
    answer = getattr(error, "response", None)
    code = str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""
    return WORDS.get(code, code) or type(error).__name__


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _about_the_storage() -> Question:
    """Whether the newest asset is there: a key may be good for files that are there, and for nothing else."""
    try:
        name = CredentialAsset.objects.order_by("-pk").values_list("storage_name", flat=True).first()
    except Error:  # which is told by itself
        name = None
    return partial(storage.ask, name or "")


STORAGE = Elsewhere(_about_the_storage)
