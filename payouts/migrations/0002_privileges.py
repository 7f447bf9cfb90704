"""What was decided stays: approvals and the timeline are append-only, a request is never deleted."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON payouts_withdrawalapproval
    FOR EACH ROW EXECUTE FUNCTION exchequer_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON payouts_withdrawalapproval
    FOR EACH STATEMENT EXECUTE FUNCTION exchequer_refuse_change();
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON payouts_withdrawalevent
    FOR EACH ROW EXECUTE FUNCTION exchequer_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON payouts_withdrawalevent
    FOR EACH STATEMENT EXECUTE FUNCTION exchequer_refuse_change();

REVOKE UPDATE, DELETE ON payouts_withdrawalapproval, payouts_withdrawalevent, payouts_withdrawalnote FROM exchequer_app;
REVOKE DELETE ON payouts_withdrawalrequest FROM exchequer_app;
"""


class Migration(migrations.Migration):
    dependencies = [("payouts", "0001_initial"), ("accounts", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
