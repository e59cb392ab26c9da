"""The `platform` gateway: the LMS's own Python APIs, in its own process and database.

Nothing outside this package imports the platform, and the gateway is loaded only where it is the site's.
"""

from importlib.util import find_spec

from conferral.contract import ConferralError

if find_spec("openedx") is None:
    raise ConferralError("it works inside an Open edX LMS; beside one, use `rest`")
