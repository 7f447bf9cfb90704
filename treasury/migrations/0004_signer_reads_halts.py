"""The signer signs nothing for a halted network, so it may read which ones are."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("treasury", "0003_ledger")]
    operations = [
        migrations.RunSQL(
            "GRANT SELECT ON treasury_networkstate TO exchequer_signer",
            "REVOKE SELECT ON treasury_networkstate FROM exchequer_signer",
        )
    ]
