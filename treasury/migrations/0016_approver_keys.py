"""Approvals carry evidence, and the signer keeps the keys that it is checked with, in a table of its own."""

from django.db import migrations, models

GUARD = """
CREATE FUNCTION treasury_guard_approver_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a key is revoked, never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.revoked_at IS NOT NULL OR to_jsonb(NEW) - 'revoked_at' <> to_jsonb(OLD) - 'revoked_at' THEN
        RAISE EXCEPTION 'a key can be revoked, and nothing else' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON treasury_approverkey
    FOR EACH ROW EXECUTE FUNCTION treasury_guard_approver_key();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON treasury_approverkey
    FOR EACH STATEMENT EXECUTE FUNCTION exchequer_refuse_change();

-- the application may know whose keys are trusted, not what they are made of
REVOKE ALL ON treasury_approverkey FROM exchequer_app;
GRANT SELECT (id, approver_id, approver_label, kind, key, trusted_at, revoked_at) ON treasury_approverkey
    TO exchequer_app;

-- the signer keeps them, and reads the staff's factors when an operator introduces one
GRANT SELECT, INSERT ON treasury_approverkey TO exchequer_signer;
GRANT UPDATE (revoked_at) ON treasury_approverkey TO exchequer_signer;
GRANT USAGE ON SEQUENCE treasury_approverkey_id_seq TO exchequer_signer;
GRANT SELECT ON mfa_authenticator TO exchequer_signer;
GRANT SELECT (id, email, is_staff, is_active) ON accounts_user TO exchequer_signer;
"""
UNGUARD = """
DROP TRIGGER guard ON treasury_approverkey;
DROP TRIGGER append_only_table ON treasury_approverkey;
DROP FUNCTION treasury_guard_approver_key();
REVOKE ALL ON treasury_approverkey FROM exchequer_signer;
REVOKE SELECT ON mfa_authenticator FROM exchequer_signer;
REVOKE SELECT (id, email, is_staff, is_active) ON accounts_user FROM exchequer_signer;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("treasury", "0015_log_index"),
        ("accounts", "0009_past_passwords"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.AddField(
            model_name="paymentapproval",
            name="evidence",
            field=models.JSONField(db_default={}, default=dict, verbose_name="what their second factor left behind"),
        ),
        migrations.CreateModel(
            name="ApproverKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("approver_id", models.BigIntegerField(verbose_name="approver's id")),
                ("approver_label", models.CharField(max_length=254, verbose_name="approver")),
                (
                    "kind",
                    models.CharField(
                        choices=[("totp", "Authenticator app"), ("webauthn", "Passkey")],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("key", models.TextField(verbose_name="what evidence calls it")),
                ("material", models.BinaryField(verbose_name="key material")),
                ("trusted_at", models.DateTimeField(verbose_name="trusted since")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="revoked at")),
                ("signature", models.BinaryField(max_length=64, verbose_name="signature")),
            ],
            options={
                "verbose_name": "approver's key",
                "verbose_name_plural": "approvers' keys",
                "indexes": [models.Index(fields=["approver_id"], name="approver_key_of")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at", None)),
                        fields=("key",),
                        name="approver_key_once_while_trusted",
                    )
                ],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
