from django.db import migrations, models


def take_those_that_are_frozen_for_frozen_by_a_person(apps, schema_editor):
    """Who froze them was not noted until now. A day of waiting after the thaw does no harm; none might."""
    profiles = apps.get_model("accounts", "UserProfile").objects
    profiles.filter(withdrawals_frozen_at__isnull=False).update(frozen_by_person=True)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0013_wrong_passkeys"),
    ]

    operations = [
        migrations.AddField(
            model_name="userprofile",
            name="frozen_by_person",
            field=models.BooleanField(
                db_default=False,
                help_text="By the customer or support, because somebody else may have been in there; not by a process.",
                verbose_name="frozen by a person",
            ),
        ),
        migrations.RunPython(take_those_that_are_frozen_for_frozen_by_a_person, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="withdrawalhold",
            name="kind",
            field=models.CharField(
                choices=[
                    ("password", "the password was changed"),
                    ("email", "the e-mail address was changed"),
                    ("second_factor", "the second factors were changed"),
                    ("unfrozen", "the account had been frozen"),
                    ("support", "support asked for it"),
                ],
                max_length=16,
                verbose_name="why",
            ),
        ),
    ]
