"""The `platform` gateway: the LMS's own Python APIs, in its own process and database.

Nothing outside this package imports the platform, and the gateway is loaded only where it is the site's.
"""
