"""Conferral in an Open edX site that Tutor runs: put this file into the folder that `tutor plugins printroot` prints.

Then `tutor plugins enable conferral`, `tutor images build openedx`, and `tutor local launch` (or `k8s`).
"""

from tutor import hooks

hooks.Filters.CONFIG_DEFAULTS.add_items(
    [
        # What pip installs: a release, or `git+https://…@branch`.
        ("CONFERRAL_PACKAGE", "conferral"),
        # Fonts for every script. Without them names in scripts like Tamil or Chinese are refused with the reason.
        ("CONFERRAL_FONTS", "fonts-noto-core fonts-noto-cjk"),
        # Where files are kept when the site has no bucket: a folder that no web server serves.
        ("CONFERRAL_FILES", "/openedx/media-private/conferral"),
    ]
)

PATCHES = {
    "openedx-dockerfile-minimal": """
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\
    --mount=type=cache,target=/var/lib/apt,sharing=locked \\
    apt update && apt install -y {{ CONFERRAL_FONTS }}
""",
    "openedx-dockerfile-post-python-requirements": """
RUN --mount=type=cache,target=/openedx/.cache/pip,sharing=shared \\
    $PIP_COMMAND install '{{ CONFERRAL_PACKAGE }}'
""",
    # Whoever keeps files in a bucket (the minio plugin does) has them there, private, by Conferral's own settings.
    "openedx-lms-production-settings": """
if "s3" not in STORAGES["default"]["BACKEND"].lower():
    STORAGES["conferral"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": "{{ CONFERRAL_FILES }}"},
    }
""",
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
