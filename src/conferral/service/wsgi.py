"""The WSGI application: `conferral serve` runs it, and so does any WSGI server. With a public storage, it is none."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conferral.service.settings")
application = get_wsgi_application()

from conferral import storage  # noqa: E402 - it needs settings, which are read by now

storage.check()
