"""The service's settings, with a MariaDB that is treated as if it were MySQL 8."""

from conferral.service.settings import *  # noqa: F403
from conferral.service.settings import DATABASES

DATABASES["default"]["ENGINE"] = "tests.fire.mysql8"
