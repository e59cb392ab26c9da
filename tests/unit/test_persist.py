"""What the database breaks off is done again; what it says besides is said."""

import pytest
from django.db import IntegrityError, OperationalError, transaction

from conferral.issuance import persist
from conferral.issuance.persist import persistently


class Stumbling:
    """Fails so many times."""

    def __init__(self, times, error=OperationalError):
        self.left, self.error, self.tried = times, error, 0

    def __call__(self):
        self.tried += 1
        if self.left:
            self.left -= 1
            raise self.error("deadlock detected")
        return "done"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(persist, "PAUSES", (0, 0, 0))


@pytest.mark.django_db(transaction=True)
def test_it_is_done_again():
    assert persistently(Stumbling(3)) == "done"


@pytest.mark.django_db(transaction=True)
def test_not_for_ever():
    with pytest.raises(OperationalError):
        persistently(Stumbling(4))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [IntegrityError, ValueError])
def test_what_is_wrong_stays_wrong(error):
    stumbling = Stumbling(1, error)
    with pytest.raises(error):
        persistently(stumbling)
    assert stumbling.tried == 1


@pytest.mark.django_db(transaction=True)
def test_a_transaction_around_it_is_broken_off_as_a_whole():
    stumbling = Stumbling(1)
    with pytest.raises(OperationalError), transaction.atomic():
        persistently(stumbling)
    assert stumbling.tried == 1


@pytest.mark.django_db(transaction=True)
def test_with_patience_it_goes_on(monkeypatch):
    monkeypatch.setattr(persist, "PAUSES", (0, 0.01))
    assert persistently(Stumbling(8), patience=30) == "done"
