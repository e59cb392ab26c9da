"""Who teaches what a service of its own declares: they look after its credentials."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("conferral", "0008_dry_runs"),
    ]

    operations = [
        migrations.AddField(
            model_name="context",
            name="teachers",
            field=models.ManyToManyField(blank=True, related_name="conferral_contexts", to=settings.AUTH_USER_MODEL),
        ),
    ]
