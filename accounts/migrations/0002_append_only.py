"""Tables of record refuse change: by trigger for everybody, by privilege for the application's role.

`exchequer_refuse_change()` is used by every app's append-only tables.
"""

from django.db import migrations

FORWARD = """
CREATE OR REPLACE FUNCTION exchequer_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: rows of record never change', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON accounts_activitylog
    FOR EACH ROW EXECUTE FUNCTION exchequer_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON accounts_activitylog
    FOR EACH STATEMENT EXECUTE FUNCTION exchequer_refuse_change();

REVOKE UPDATE, DELETE ON accounts_activitylog FROM exchequer_app;
REVOKE DELETE ON accounts_outgoingmail, accounts_user, accounts_userprofile FROM exchequer_app;
"""

BACKWARD = """
DROP TRIGGER append_only_rows ON accounts_activitylog;
DROP TRIGGER append_only_table ON accounts_activitylog;
DROP FUNCTION exchequer_refuse_change();
GRANT UPDATE, DELETE ON accounts_activitylog TO exchequer_app;
GRANT DELETE ON accounts_outgoingmail, accounts_user, accounts_userprofile TO exchequer_app;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
