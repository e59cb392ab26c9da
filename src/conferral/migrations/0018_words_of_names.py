from collections import defaultdict

from django.db import migrations

from conferral.models.name_word import words_of

PAGE = 2000


def note_words(apps, schema_editor):
    """Whoever is there is found by each word of their name, too; begun anew when it was broken off."""
    learners, credentials, words = (
        apps.get_model("conferral", name).objects for name in ("Learner", "Credential", "NameWord")
    )
    words.all().delete()
    last = 0
    while page := list(learners.filter(pk__gt=last).order_by("pk").values_list("pk", "name")[:PAGE]):
        last = page[-1][0]
        printed = credentials.filter(learner__gte=page[0][0], learner__lte=last).values_list("learner", "recipient_name")
        found = defaultdict(dict)
        for learner, name in (*page, *printed):
            found[learner].update(dict.fromkeys(words_of(name)))
        rows = [words.model(learner_id=learner, word=word) for learner in found for word in found[learner]]
        words.bulk_create(rows, batch_size=PAGE)


class Migration(migrations.Migration):

    dependencies = [
        ('conferral', '0017_name_words'),
    ]

    operations = [
        migrations.RunPython(note_words, migrations.RunPython.noop),
    ]
