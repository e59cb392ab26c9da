"""Files of a site without a bucket."""

from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.utils.functional import cached_property


class MediaFolder(FileSystemStorage):
    """A folder of its own among the site's media: wherever these are by the time that a file is written."""

    @cached_property
    def base_location(self) -> str:
        """MEDIA_ROOT is set after our settings in many sites, Tutor's among them."""
        return str(Path(settings.MEDIA_ROOT) / "conferral")
