"""The WSGI application: `conferral serve` runs it, and so does any WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conferral.service.settings")
application = get_wsgi_application()
