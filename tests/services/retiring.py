"""A bucket, where somebody has the learner retired right after each file was put there."""

from storages.backends.s3 import S3Storage

from conferral.issuance import people


class Retiring(S3Storage):
    """It says who: the option `learner`."""

    def get_default_settings(self):
        return super().get_default_settings() | {"learner": ""}

    def save(self, name, content, max_length=None):
        stored = super().save(name, content, max_length)
        people.retire(people.find("roster", self.learner))
        return stored
