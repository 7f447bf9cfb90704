"""The linker never notes as linked what is not: it refuses a batch of nothing, and looks before it moves its mark.

A batch of no entries counted as a full one, whose end was then everything: what was not linked by then stayed so.
"""

from django.db import migrations

FORWARD = """
CREATE OR REPLACE FUNCTION exchequer_link_activity(most integer) RETURNS integer
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
    IF most IS NULL OR most NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION 'linking takes from 1 to 100000 entries' USING ERRCODE = 'invalid_parameter_value';
    END IF;
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

    -- Whatever was decided above: all there is up to an id only if no entry up to it stands without a link.
    safe_to := least(safe_to, (SELECT l.id - 1 FROM accounts_activitylog AS l
                                WHERE l.id > known.complete_to
                                  AND NOT EXISTS (SELECT FROM accounts_activitylink AS k
                                                   WHERE k.entry_id = l.id AND k.entry_id > known.complete_to)
                                ORDER BY l.id LIMIT 1));
    UPDATE accounts_activitylinking
       SET complete_to = greatest(complete_to, safe_to),
           marked_to = CASE WHEN safe_to >= marked_to THEN handed_out ELSE marked_to END,
           marked_writers = CASE WHEN safe_to >= marked_to THEN writers ELSE marked_writers END
     WHERE id = 1;
    RETURN cardinality(entries);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_past_passwords")]
    # The stricter function serves the code before it as well: going back leaves it.
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
