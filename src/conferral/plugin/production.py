"""Settings of a production LMS: the address of the pages, and a storage that is not public."""

from typing import Any

from conferral.plugin.common import keep

ALIAS = "conferral"
FOLDER = "conferral"


def plugin_settings(settings: Any) -> None:
    """Runs after the site's own YAML was read, and before a Tutor site's patches, which win."""
    root = getattr(settings, "LMS_ROOT_URL", None)
    if isinstance(root, str):
        keep(settings, "CONFERRAL_PUBLIC_URL", f"{root.rstrip('/')}/conferral")
    if hasattr(settings, "CONFERRAL_STORAGE"):
        return  # an entry of STORAGES would count before what the site has said
    entry = private_storage(settings)
    if not hasattr(settings, "STORAGES"):
        # Up to Teak, where a site names its storage in the old way, which Django does not let us mix with the new.
        keep(settings, "CONFERRAL_STORAGE", entry)
    elif ALIAS not in settings.STORAGES:
        settings.STORAGES = {**settings.STORAGES, ALIAS: entry}


def private_storage(settings: Any) -> dict[str, Any]:
    """An entry of STORAGES: the site's bucket where it has one, else a folder among its media.

    The LMS makes everything in its bucket public by default, and a custom domain takes the signature off links: both
    are set here for what is Conferral's alone.
    """
    storages = getattr(settings, "STORAGES", {})
    backend = storages.get("default", {}).get("BACKEND") or getattr(settings, "DEFAULT_FILE_STORAGE", "")
    if "s3" in backend.lower():
        options = storages.get("default", {}).get("OPTIONS", {})
        own = {"default_acl": "private", "querystring_auth": True, "custom_domain": None, "location": FOLDER}
        return {"BACKEND": backend, "OPTIONS": {**options, **own}}
    return {"BACKEND": "conferral.plugin.media.MediaFolder", "OPTIONS": {}}
