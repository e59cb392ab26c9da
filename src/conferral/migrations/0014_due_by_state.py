from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conferral', '0013_due'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='credentialartifact',
            name='conferral_artifact_due',
        ),
        migrations.RemoveIndex(
            model_name='delivery',
            name='conferral_delivery_due',
        ),
        migrations.AddIndex(
            model_name='candidate',
            index=models.Index(fields=['verdict', 'id'], name='conferral_candidate_listed'),
        ),
        migrations.AddIndex(
            model_name='credentialartifact',
            index=models.Index(fields=['state', 'next_try', 'id'], name='conferral_artifact_due'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['state', 'next_try', 'id'], name='conferral_delivery_due'),
        ),
    ]
