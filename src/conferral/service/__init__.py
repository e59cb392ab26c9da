"""The complete service of its own: a Django project for sites without an LMS to install the app into."""

from conferral.service.celery import app as celery_app

__all__ = ["celery_app"]
