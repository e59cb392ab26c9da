"""The complete service of its own: a Django project for sites without an LMS to install the app into."""
