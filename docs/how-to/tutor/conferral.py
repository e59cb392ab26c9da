"""Conferral in an Open edX site that Tutor runs: put this file into the folder that `tutor plugins printroot` prints.

Then `tutor plugins enable conferral`, `tutor images build openedx`, and `tutor local launch` (or `k8s`).
"""

from tutor import hooks, plugins

hooks.Filters.CONFIG_DEFAULTS.add_items(
    [
        # What pip installs: a release, or `git+https://…@branch`.
        ("CONFERRAL_PACKAGE", "conferral"),
        # Fonts for every script. Without them names in scripts like Tamil or Chinese are refused with the reason.
        ("CONFERRAL_FONTS", "fonts-noto-core fonts-noto-cjk"),
        # Where files are kept when the site has no bucket: a folder that no web server serves.
        ("CONFERRAL_FILES", "/openedx/media-private/conferral"),
        # A bucket of Conferral's own, where the site has S3; empty: the site's. The minio plugin makes the site's
        # public, so there it is another one, which is made below.
        ("CONFERRAL_BUCKET", "{% if 'minio' in PLUGINS %}conferral{% endif %}"),
    ]
)

# Other plugins choose the site's storage in patches like this one, after Conferral has looked: it is chosen again.
STORAGE = """
conferral_storages = globals().get("STORAGES")
conferral_default = conferral_storages["default"] if conferral_storages else {"BACKEND": DEFAULT_FILE_STORAGE}
if "s3" in conferral_default["BACKEND"].lower():
    conferral_options = {"location": "conferral", "default_acl": "private"}
    conferral_options |= {"querystring_auth": True, "custom_domain": None}
    {%- if CONFERRAL_BUCKET %}
    conferral_options |= {"bucket_name": "{{ CONFERRAL_BUCKET }}", "default_acl": None}
    {%- endif %}
    conferral_options = {**conferral_default.get("OPTIONS", {}), **conferral_options}
    conferral_entry = {"BACKEND": conferral_default["BACKEND"], "OPTIONS": conferral_options}
else:
    conferral_options = {"location": "{{ CONFERRAL_FILES }}"}
    conferral_entry = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": conferral_options}
if conferral_storages:
    STORAGES["conferral"] = conferral_entry
else:  # up to Teak, which names its storage in the old way
    CONFERRAL_STORAGE = conferral_entry
"""

PATCHES = {
    "openedx-dockerfile-minimal": """
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\
    --mount=type=cache,target=/var/lib/apt,sharing=locked \\
    apt update && apt install -y {{ CONFERRAL_FONTS }}
""",
    "openedx-dockerfile-post-python-requirements": """
RUN --mount=type=cache,target=/openedx/.cache/pip,sharing=shared \\
    ${PIP_COMMAND:-pip} install '{{ CONFERRAL_PACKAGE }}'
""",
    "openedx-lms-production-settings": STORAGE,
    # In development there is no worker and no beat, and the LMS has a port of its own.
    "openedx-lms-development-settings": STORAGE + 'CONFERRAL_PUBLIC_URL = LMS_ROOT_URL + "/conferral"\n',
    # Beat wakes the configurations at their times. One of it, never two.
    "local-docker-compose-prod-services": """
lms-beat:
  image: {{ DOCKER_IMAGE_OPENEDX }}
  environment:
    SERVICE_VARIANT: lms
    DJANGO_SETTINGS_MODULE: lms.envs.tutor.production
  command: ["celery", "--app=lms.celery", "beat", "--loglevel=info", "--pidfile="]
  restart: unless-stopped
  volumes:
    - ../apps/openedx/settings/lms:/openedx/edx-platform/lms/envs/tutor:ro
    - ../apps/openedx/settings/cms:/openedx/edx-platform/cms/envs/tutor:ro
    - ../apps/openedx/config:/openedx/config:ro
  depends_on:
    - lms
""",
    "k8s-deployments": """
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: lms-beat
  labels:
    app.kubernetes.io/name: lms-beat
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels:
      app.kubernetes.io/name: lms-beat
  template:
    metadata:
      labels:
        app.kubernetes.io/name: lms-beat
    spec:
      securityContext:
        runAsUser: 1000
        runAsGroup: 1000
      containers:
        - name: lms-beat
          image: {{ DOCKER_IMAGE_OPENEDX }}
          args: ["celery", "--app=lms.celery", "beat", "--loglevel=info", "--pidfile="]
          env:
            - name: SERVICE_VARIANT
              value: lms
            - name: DJANGO_SETTINGS_MODULE
              value: lms.envs.tutor.production
          volumeMounts:
            - mountPath: /openedx/edx-platform/lms/envs/tutor/
              name: settings-lms
            - mountPath: /openedx/edx-platform/cms/envs/tutor/
              name: settings-cms
            - mountPath: /openedx/config
              name: config
          securityContext:
            allowPrivilegeEscalation: false
      volumes:
        - name: settings-lms
          configMap:
            name: openedx-settings-lms
        - name: settings-cms
          configMap:
            name: openedx-settings-cms
        - name: config
          configMap:
            name: openedx-config
""",
}

for place, patch in PATCHES.items():
    hooks.Filters.ENV_PATCHES.add_item((place, patch))

BUCKET = """
{%- if CONFERRAL_BUCKET %}
mc config host add minio http://minio:9000 {{ OPENEDX_AWS_ACCESS_KEY }} {{ OPENEDX_AWS_SECRET_ACCESS_KEY }} --api s3v4
mc mb --ignore-existing minio/{{ CONFERRAL_BUCKET }}
{%- endif %}
"""


@hooks.Actions.PLUGINS_LOADED.add()
def make_the_bucket() -> None:
    """With the minio plugin, `launch` makes the bucket. Nobody but the LMS may read it."""
    if "minio" in plugins.iter_loaded():
        with hooks.Contexts.app("conferral").enter():
            hooks.Filters.CLI_DO_INIT_TASKS.add_item(("minio", BUCKET))
