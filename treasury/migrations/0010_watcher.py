"""Where the search for other tokens stands, and whom staff credited a waiting deposit to."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("treasury", "0004_signer_reads_halts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField(
            model_name="deposit",
            name="credited_to",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="credited to",
            ),
        ),
        migrations.AddField(
            model_name="networkstate",
            name="foreign_number",
            field=models.BigIntegerField(db_default=0, default=0, verbose_name="other tokens: scanned to block"),
        ),
        migrations.AddField(
            model_name="networkstate",
            name="foreign_last_number",
            field=models.BigIntegerField(db_default=0, default=0, verbose_name="other tokens: being scanned to block"),
        ),
        migrations.AddField(
            model_name="networkstate",
            name="foreign_address_id",
            field=models.BigIntegerField(db_default=0, default=0, verbose_name="other tokens: last address asked for"),
        ),
    ]
