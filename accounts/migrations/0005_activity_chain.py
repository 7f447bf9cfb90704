"""The audit's hash chain: its tables, the one function that links, and who may do what. See docs/decisions/0007."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
INSERT INTO accounts_activitylinking (id, complete_to, marked_to, marked_writers) VALUES (1, 0, 0, '{}');

-- "<bytes>:<text>,"; NULL is "~,", which no text is
CREATE FUNCTION exchequer_netstring(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT coalesce(octet_length(value) || ':' || value || ',', '~,') $$;

-- Links up to `most` entries that have no link yet; returns how many, or NULL while somebody else is at it.
CREATE FUNCTION exchequer_link_activity(most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    known      accounts_activitylinking;
    handed_out bigint;
    writers    text[];
    safe_to    bigint;
    entry      record;
    place      bigint;
    before     bytea;
    places     bigint[] := '{}';
    entries    bigint[] := '{}';
    befores    bytea[] := '{}';
    hashes     bytea[] := '{}';
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- each step below has to see what was committed until then
        RAISE EXCEPTION 'linking needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF NOT pg_try_advisory_xact_lock(x'455843484C494E4B'::bigint) THEN  -- "EXCHLINK"
        RETURN NULL;
    END IF;
    SELECT * INTO STRICT known FROM accounts_activitylinking WHERE id = 1;

    -- Ids commit out of order. Who holds an id that was handed out by now, and has not ended, holds this lock: it is
    -- taken before the id is. So first the ids, then the holders, then, with a snapshot newer than both, the entries.
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END INTO handed_out FROM accounts_activitylog_id_seq;
    SELECT coalesce(array_agg(virtualtransaction), '{}') INTO writers
      FROM pg_locks
     WHERE locktype = 'relation' AND relation = 'accounts_activitylog'::regclass AND mode = 'RowExclusiveLock'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    safe_to := CASE WHEN writers = '{}' THEN handed_out
                    WHEN NOT known.marked_writers && writers THEN known.marked_to
                    ELSE known.complete_to END;

    SELECT position, hash INTO place, before FROM accounts_activitylink ORDER BY position DESC LIMIT 1;
    place := coalesce(place, 0);
    before := coalesce(before, decode(repeat('00', 32), 'hex'));
    FOR entry IN
        SELECT l.id,
               exchequer_netstring(l.id::text)
               || exchequer_netstring(to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
               || exchequer_netstring(l.actor_id::text)
               || exchequer_netstring(l.actor_label)
               || exchequer_netstring(l.action)
               || exchequer_netstring(l.target_type)
               || exchequer_netstring(l.target_id)
               || exchequer_netstring(l.facts::text)
               || exchequer_netstring(l.ip_address::text)
               || exchequer_netstring(l.user_agent) AS content
          FROM accounts_activitylog AS l
         WHERE l.id > known.complete_to
           AND NOT EXISTS (SELECT FROM accounts_activitylink AS k
                            WHERE k.entry_id = l.id AND k.entry_id > known.complete_to)
         ORDER BY l.id LIMIT most
    LOOP
        place := place + 1;
        places := places || place;
        entries := entries || entry.id;
        befores := befores || before;
        before := sha256(convert_to(
            'exchequer-activity:v1,' || exchequer_netstring(place::text)
            || exchequer_netstring(encode(before, 'hex')) || entry.content, 'UTF8'));
        hashes := hashes || before;
    END LOOP;
    INSERT INTO accounts_activitylink (position, entry_id, previous_hash, hash)
    SELECT made.* FROM unnest(places, entries, befores, hashes) AS made;

    IF cardinality(entries) >= most THEN  -- there may be more: nothing is said about what comes after the last one
        safe_to := least(safe_to, entries[cardinality(entries)]);
    END IF;
    UPDATE accounts_activitylinking
       SET complete_to = greatest(complete_to, safe_to),
           marked_to = CASE WHEN safe_to >= marked_to THEN handed_out ELSE marked_to END,
           marked_writers = CASE WHEN safe_to >= marked_to THEN writers ELSE marked_writers END
     WHERE id = 1;
    RETURN cardinality(entries);
END $$;

CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON accounts_activitylink
    FOR EACH ROW EXECUTE FUNCTION exchequer_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON accounts_activitylink
    FOR EACH STATEMENT EXECUTE FUNCTION exchequer_refuse_change();
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON accounts_activityanchor
    FOR EACH ROW EXECUTE FUNCTION exchequer_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON accounts_activityanchor
    FOR EACH STATEMENT EXECUTE FUNCTION exchequer_refuse_change();

-- the application reads, and asks the function to link
REVOKE INSERT, UPDATE, DELETE ON accounts_activitylink, accounts_activityanchor, accounts_activitylinking
    FROM exchequer_app;
REVOKE EXECUTE ON FUNCTION exchequer_netstring(text), exchequer_link_activity(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION exchequer_link_activity(integer) TO exchequer_app;

-- the signer sees the chain's hashes, not the audit, and adds its signatures
GRANT SELECT (position, hash) ON accounts_activitylink TO exchequer_signer;
GRANT SELECT, INSERT ON accounts_activityanchor TO exchequer_signer;
"""

BACKWARD = """
DROP FUNCTION exchequer_link_activity(integer);
DROP FUNCTION exchequer_netstring(text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_second_factors"),
    ]

    operations = [
        migrations.CreateModel(
            name="ActivityAnchor",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False, verbose_name="number")),
                ("position", models.BigIntegerField(db_index=True, verbose_name="position")),
                ("hash", models.BinaryField(max_length=32, verbose_name="hash")),
                ("signed_at", models.DateTimeField(verbose_name="signed at")),
                ("daily", models.BooleanField(verbose_name="first of its day")),
                ("signature", models.BinaryField(max_length=64, verbose_name="signature")),
            ],
            options={
                "verbose_name": "anchor of the activity log",
                "verbose_name_plural": "anchors of the activity log",
            },
        ),
        migrations.CreateModel(
            name="ActivityLink",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False, verbose_name="position")),
                ("previous_hash", models.BinaryField(max_length=32, verbose_name="hash of the link before")),
                ("hash", models.BinaryField(max_length=32, verbose_name="hash")),
            ],
            options={
                "verbose_name": "link of the activity log",
                "verbose_name_plural": "links of the activity log",
            },
        ),
        migrations.CreateModel(
            name="ActivityLinking",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("complete_to", models.BigIntegerField(default=0)),
                ("marked_to", models.BigIntegerField(default=0)),
                (
                    "marked_writers",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
            ],
        ),
        migrations.AlterModelOptions(
            name="activitylog",
            options={
                "permissions": (("export_activitylog", "Can export the activity log"),),
                "verbose_name": "activity",
                "verbose_name_plural": "activity log",
            },
        ),
        migrations.AddIndex(
            model_name="activitylog",
            index=models.Index(
                condition=models.Q(("ip_address__isnull", False)), fields=["ip_address", "-id"], name="activity_ip"
            ),
        ),
        migrations.AddIndex(
            model_name="activitylog",
            index=models.Index(fields=["at"], name="activity_at"),
        ),
        migrations.AddField(
            model_name="activitylink",
            name="entry",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="link",
                to="accounts.activitylog",
                verbose_name="entry",
            ),
        ),
        migrations.AddConstraint(
            model_name="activitylinking",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="activity_linking_one_row"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
