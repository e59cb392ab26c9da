"""Keys of pathways. Not registered with opaque-keys, as the plugin has them: only this class reads them."""

import re

from opaque_keys import InvalidKeyError
from opaque_keys.edx.django.models import LearningContextKeyField
from opaque_keys.edx.keys import LearningContextKey


class LearningPathKey(LearningContextKey):
    CANONICAL_NAMESPACE = "path-v1"
    KEY_FIELDS = ("org", "number", "run", "group")
    CHECKED_INIT = False
    __slots__ = KEY_FIELDS

    def __init__(self, org, number, run, group):
        super().__init__(org=org, number=number, run=run, group=group)

    @classmethod
    def _from_string(cls, serialized):
        if not re.fullmatch(r"[^+]+(\+[^+]+){3}", serialized):
            raise InvalidKeyError(cls, serialized)
        return cls(*serialized.split("+"))

    @classmethod
    def from_string(cls, serialized):
        namespace, _, rest = serialized.partition(":")
        if namespace != cls.CANONICAL_NAMESPACE:
            raise InvalidKeyError(cls, serialized)
        return cls._from_string(rest)

    def _to_string(self):
        return f"{self.org}+{self.number}+{self.run}+{self.group}"


class LearningPathKeyField(LearningContextKeyField):
    KEY_CLASS = LearningPathKey
