import pytest
from django.apps import apps

from conferral import storage
from conferral.contract import ConferralError, TransientError


def put(content=b"x"):
    return storage.put(content, folder="tests", suffix=".txt")


def there(name):
    return storage.exists(name)


def test_what_is_put_within_a_block_stays_only_if_it_is_kept():
    with storage.provisional() as files:
        kept = put()
        files.keep()
        dropped = put()
    assert (there(kept), there(dropped)) == (True, False)


def test_a_block_around_it_has_its_own_say():
    with storage.provisional():
        with storage.provisional() as inner:
            name = put()
            inner.keep()
        assert there(name)
    assert not there(name)


def test_an_error_takes_it_back():
    names = []
    with pytest.raises(IndexError), storage.provisional():
        names.append(put()) or names[1]
    assert not there(names[0])


def test_a_backend_that_does_not_exist_is_told_and_nothing_is_written_elsewhere(settings):
    settings.STORAGES = settings.STORAGES | {"conferral": {"BACKEND": "storages.backends.s3.S3Storge"}}
    with pytest.raises(ConferralError, match="storage 'conferral' is not set up right: .*S3Storge"):
        storage.check()
    with pytest.raises(TransientError, match="could not be written"):
        put()


def test_an_lms_which_starts_without_checks_has_it_in_its_log(settings, caplog):
    settings.STORAGES = settings.STORAGES | {"conferral": {"BACKEND": "storages.backends.s3.S3Storge"}}
    conferral = apps.get_app_config("conferral")
    conferral.ready()
    assert caplog.text == ""  # elsewhere, whoever starts something is told
    settings.CONFERRAL_LMS = "platform"
    conferral.ready()
    assert "storage 'conferral' is not set up right" in caplog.text


def test_what_is_missing_may_come_back():
    name = put()
    storage.remove(name)
    with pytest.raises(TransientError, match="is missing"):
        storage.read(name)
