"""A mail whose news had passed before it was sent has not failed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_activity_time_in_range"),
    ]

    operations = [
        migrations.AlterField(
            model_name="outgoingmail",
            name="state",
            field=models.CharField(
                choices=[("queued", "Queued"), ("sent", "Sent"), ("failed", "Failed"), ("dropped", "No longer needed")],
                default="queued",
                max_length=8,
                verbose_name="state",
            ),
        ),
        migrations.RunSQL(
            "UPDATE accounts_outgoingmail SET state = 'dropped', last_error = substr(last_error, length('dropped: ') + 1)"
            " WHERE state = 'failed' AND last_error LIKE 'dropped: %'",
            migrations.RunSQL.noop,
        ),
    ]
