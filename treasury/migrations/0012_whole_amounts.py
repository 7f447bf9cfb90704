"""An amount that is no whole number is refused, not rounded.

`numeric(38, 0)` takes NaN, and rounds a fraction when it is stored: a transfer of 0.5 became one of 1 whose two balances
moved by different amounts. Without a scale in the column's type nothing is rounded before the constraint looks at it.
"""

from django.db import migrations

FORWARD = """
ALTER TABLE public.treasury_ledgertransfer
    ALTER COLUMN amount TYPE numeric,
    ADD CONSTRAINT ledger_transfer_amount_whole CHECK (amount < 1e38 AND amount = trunc(amount));
"""
BACKWARD = """
ALTER TABLE public.treasury_ledgertransfer
    DROP CONSTRAINT ledger_transfer_amount_whole,
    ALTER COLUMN amount TYPE numeric(38, 0);
"""


class Migration(migrations.Migration):
    dependencies = [("treasury", "0011_staff")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
