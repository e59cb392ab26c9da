"""An LMS with Conferral installed in it: the stand-in as a Django project, for tests, benches and commands.

`DATABASE_URL`, else a file under var/. Tables: `django-admin migrate --run-syncdb`.
"""

import os
import sys
from pathlib import Path

import dj_database_url

DOUBLE = Path(__file__).resolve().parent
if str(DOUBLE) not in sys.path:
    sys.path.insert(0, str(DOUBLE))

from tests.settings import *  # noqa: E402, F403
from tests.settings import DATABASES  # noqa: E402

CONFERRAL_LMS = "platform"
PLATFORM_NAME = "Example Campus"
FEATURES = {"DISABLE_HONOR_CERTIFICATES": False}
if not os.environ.get("DATABASE_URL"):
    file = DOUBLE.parents[1] / "var" / "lms-double.sqlite3"
    file.parent.mkdir(exist_ok=True)
    DATABASES["default"] |= dj_database_url.parse(f"sqlite:///{file}") | {
        name: DATABASES["default"][name] for name in ("OPTIONS", "TEST")
    }
