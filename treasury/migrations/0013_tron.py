"""Payments on TRON: what their bytes hold, and that a next attempt waits for the proof that the last one is dead."""

from django.db import migrations, models

import treasury.fields

FORWARD = """
CREATE OR REPLACE FUNCTION treasury_guard_broadcast() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a broadcast is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.order_id, NEW.attempt, NEW.purpose, NEW.network, NEW.wallet_id, NEW.nonce, NEW.to_address, NEW.data,
        NEW.gas_limit, NEW.max_fee_wei, NEW.max_priority_fee_wei, NEW.fee_limit_sun, NEW.ref_block, NEW.expiration_ms,
        NEW.timestamp_ms)
       IS DISTINCT FROM
       (OLD.order_id, OLD.attempt, OLD.purpose, OLD.network, OLD.wallet_id, OLD.nonce, OLD.to_address, OLD.data,
        OLD.gas_limit, OLD.max_fee_wei, OLD.max_priority_fee_wei, OLD.fee_limit_sun, OLD.ref_block, OLD.expiration_ms,
        OLD.timestamp_ms)
    THEN
        RAISE EXCEPTION 'the payload of a broadcast never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.signed_bytes IS NOT NULL
       AND (NEW.signed_bytes, NEW.tx_hash) IS DISTINCT FROM (OLD.signed_bytes, OLD.tx_hash) THEN
        RAISE EXCEPTION 'signed bytes never change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- Where no nonce makes a payment unique, nothing new is made while older bytes of it could still be mined.
CREATE FUNCTION treasury_guard_next_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.expiration_ms IS NOT NULL AND EXISTS (
        SELECT FROM treasury_broadcast AS b
         WHERE b.order_id = NEW.order_id AND b.signed_bytes IS NOT NULL AND b.state <> 'dead') THEN
        RAISE EXCEPTION 'an earlier attempt of this payment is not proven dead' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER next_attempt BEFORE INSERT ON treasury_broadcast
    FOR EACH ROW EXECUTE FUNCTION treasury_guard_next_attempt();

GRANT INSERT (fee_limit_sun, ref_block, expiration_ms, timestamp_ms) ON treasury_broadcast TO exchequer_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("treasury", "0012_whole_amounts"),
    ]

    operations = [
        migrations.RenameField(model_name="broadcast", old_name="gas_cost_wei", new_name="fee_native"),
        migrations.AddField(
            model_name="broadcast",
            name="expiration_ms",
            field=models.BigIntegerField(blank=True, null=True, verbose_name="expiration, ms"),
        ),
        migrations.AddField(
            model_name="broadcast",
            name="fee_limit_sun",
            field=models.BigIntegerField(blank=True, null=True, verbose_name="fee limit, sun"),
        ),
        migrations.AlterField(
            model_name="broadcast",
            name="fee_native",
            field=treasury.fields.UnitsField(
                blank=True, max_digits=38, null=True, verbose_name="network fee, in the native coin's smallest unit"
            ),
        ),
        migrations.AddField(
            model_name="broadcast",
            name="ref_block",
            field=models.BinaryField(blank=True, max_length=10, null=True, verbose_name="reference block"),
        ),
        migrations.AddField(
            model_name="broadcast",
            name="timestamp_ms",
            field=models.BigIntegerField(blank=True, null=True, verbose_name="timestamp, ms"),
        ),
        migrations.AddField(
            model_name="signingrecord",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="expires at"),
        ),
        migrations.AlterField(
            model_name="broadcast",
            name="gas_limit",
            field=models.BigIntegerField(blank=True, null=True, verbose_name="gas limit"),
        ),
        migrations.AlterField(
            model_name="broadcast",
            name="max_fee_wei",
            field=treasury.fields.UnitsField(blank=True, max_digits=38, null=True, verbose_name="max fee per gas, wei"),
        ),
        migrations.AlterField(
            model_name="broadcast",
            name="max_priority_fee_wei",
            field=treasury.fields.UnitsField(
                blank=True, max_digits=38, null=True, verbose_name="max priority fee per gas, wei"
            ),
        ),
        migrations.AddConstraint(
            model_name="broadcast",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("expiration_ms", None),
                        ("fee_limit_sun", None),
                        ("gas_limit__isnull", False),
                        ("max_fee_wei__isnull", False),
                        ("max_priority_fee_wei__isnull", False),
                        ("ref_block", None),
                        ("timestamp_ms", None),
                    ),
                    models.Q(
                        ("expiration_ms__gt", models.F("timestamp_ms")),
                        ("fee_limit_sun__gt", 0),
                        ("gas_limit", None),
                        ("max_fee_wei", None),
                        ("max_priority_fee_wei", None),
                        ("ref_block__isnull", False),
                        ("timestamp_ms__gt", 0),
                    ),
                    _connector="OR",
                ),
                name="broadcast_payload_of_one_family",
            ),
        ),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
    ]
