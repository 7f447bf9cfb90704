"""The ledger: its tables, the two functions that write them, and who may do what.

The tables belong to the schema's owner, the functions to `exchequer_ledger`, a role nobody signs in as. The application
may read the tables and execute the functions; it has no other way in. Triggers hold for everybody, the owner included:
what was posted never changes, and balances change only as the ledger's role.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import treasury.fields

FORWARD = """
ALTER TABLE public.treasury_ledgeraccount ADD CONSTRAINT ledger_account_code_shape
    CHECK (code ~ '^[A-Za-z0-9_.:-]+$');
-- room on each page for the next versions of its rows, so that an update touches no index
ALTER TABLE public.treasury_ledgerbalance SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Posts transfers: position by position, what p_keys[i] names moves p_amounts[i] from p_debits[i] to p_credits[i].
-- Returns how many were new; those already posted with equal contents are done and not counted. Returns -1, having
-- changed nothing, when an account is not open. A failure changes nothing either; its SQLSTATE says why, its DETAIL
-- which:
--   EX001 an account would fall below its floor (DETAIL: the account's code)
--   EX002 a key was posted with other contents  (DETAIL: the key)
--   EX003 debit and credit are of different assets (DETAIL: the key)
-- Locks: first the keys, then the balance rows in the order of (account, slot). A transaction uses the same slot of every
-- account, and neighbouring transactions use different ones.
CREATE FUNCTION public.exchequer_ledger_post(
    p_keys text[], p_debits text[], p_credits text[], p_amounts numeric[], p_kinds text[], p_groups text[]
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CASE cardinality(p_keys)
        WHEN 0 THEN
            RETURN 0;
        WHEN 1 THEN
            RETURN public.exchequer_ledger_post_one(
                p_keys[1], p_debits[1], p_credits[1], p_amounts[1], p_kinds[1], p_groups[1]);
        ELSE
            RETURN public.exchequer_ledger_post_set(p_keys, p_debits, p_credits, p_amounts, p_kinds, p_groups);
    END CASE;
END $$;

-- The two ways of doing it, below, run with the role and search path of the function above and are for it only.

-- A whole set at once. The planner is kept to plans that reach the balance rows in the order of their key, because an
-- UPDATE has no ORDER BY: by that key's index, either from end to end or row by row from the sorted arrays.
CREATE FUNCTION public.exchequer_ledger_post_set(
    p_keys text[], p_debits text[], p_credits text[], p_amounts numeric[], p_kinds text[], p_groups text[]
) RETURNS integer LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    v_posted integer;
    v_missing boolean;
    v_mixed text;
    v_reused text;
    v_short text;
    v_accounts bigint[];
    v_slots integer[];
    v_deltas numeric[];
    v_reached integer;
BEGIN
    BEGIN
        -- As if every key were new: asking for each of them first would cost a third more.
        WITH input AS MATERIALIZED (
            SELECT i.key, i.amount, i.kind, i.grp, d.id AS debit_id, c.id AS credit_id, d.asset <> c.asset AS mixed,
                   d.slots AS debit_slots, CASE d.normal_side WHEN 'debit' THEN i.amount ELSE -i.amount END AS debit_delta,
                   c.slots AS credit_slots, CASE c.normal_side WHEN 'debit' THEN -i.amount ELSE i.amount END AS credit_delta
              FROM unnest(p_keys, p_debits, p_credits, p_amounts, p_kinds, p_groups)
                   AS i (key, debit, credit, amount, kind, grp)
              LEFT JOIN public.treasury_ledgeraccount d ON d.code = i.debit
              LEFT JOIN public.treasury_ledgeraccount c ON c.code = i.credit
        ), verdict AS MATERIALIZED (
            SELECT bool_or(debit_id IS NULL OR credit_id IS NULL) AS missing, min(key) FILTER (WHERE mixed) AS mixed
              FROM input
        ), posted AS (
            INSERT INTO public.treasury_ledgertransfer (key, debit_id, credit_id, amount, kind, "group")
            SELECT key, debit_id, credit_id, amount, kind, grp
              FROM input
             WHERE (SELECT NOT missing AND verdict.mixed IS NULL FROM verdict)
             ORDER BY key
        ), net AS (
            SELECT account_id, slots, sum(delta) AS delta
              FROM (SELECT debit_id AS account_id, debit_slots AS slots, debit_delta AS delta FROM input
                    UNION ALL
                    SELECT credit_id, credit_slots, credit_delta FROM input) AS legs
             GROUP BY account_id, slots
             ORDER BY account_id
        )
        SELECT verdict.missing, verdict.mixed, cardinality(p_keys), n.accounts, n.slots, n.deltas
          INTO v_missing, v_mixed, v_posted, v_accounts, v_slots, v_deltas
          FROM verdict,
               (SELECT array_agg(account_id) AS accounts, array_agg(slots) AS slots, array_agg(delta) AS deltas
                  FROM net) AS n;
    EXCEPTION WHEN unique_violation THEN
        v_posted := NULL;
    END;
    IF v_missing THEN
        RETURN -1;
    END IF;
    IF v_mixed IS NOT NULL THEN
        RAISE EXCEPTION 'transfer % is between two assets', v_mixed USING ERRCODE = 'EX003', DETAIL = v_mixed;
    END IF;

    IF v_posted IS NULL THEN
        -- Some keys are known, or twice among these. Accounts and assets are as they must be, or this was not reached.
        WITH posted AS (
            INSERT INTO public.treasury_ledgertransfer (key, debit_id, credit_id, amount, kind, "group")
            SELECT i.key, d.id, c.id, i.amount, i.kind, i.grp
              FROM unnest(p_keys, p_debits, p_credits, p_amounts, p_kinds, p_groups)
                   AS i (key, debit, credit, amount, kind, grp)
              JOIN public.treasury_ledgeraccount d ON d.code = i.debit
              JOIN public.treasury_ledgeraccount c ON c.code = i.credit
             ORDER BY i.key
                ON CONFLICT (key) DO NOTHING
            RETURNING debit_id, credit_id, amount
        ), net AS (
            SELECT a.id, a.slots, sum(CASE a.normal_side WHEN 'debit' THEN legs.debited ELSE -legs.debited END) AS delta
              FROM (SELECT debit_id AS account_id, amount AS debited FROM posted
                    UNION ALL
                    SELECT credit_id, -amount FROM posted) AS legs
              JOIN public.treasury_ledgeraccount a ON a.id = legs.account_id
             GROUP BY a.id
             ORDER BY a.id
        )
        SELECT (SELECT count(*) FROM posted), array_agg(id), array_agg(slots), array_agg(delta)
          INTO v_posted, v_accounts, v_slots, v_deltas
          FROM net;

        SELECT i.key INTO v_reused
          FROM unnest(p_keys, p_debits, p_credits, p_amounts, p_kinds, p_groups)
               AS i (key, debit, credit, amount, kind, grp)
          JOIN public.treasury_ledgeraccount d ON d.code = i.debit
          JOIN public.treasury_ledgeraccount c ON c.code = i.credit
          LEFT JOIN public.treasury_ledgertransfer t
                 ON t.key = i.key AND t.debit_id = d.id AND t.credit_id = c.id AND t.amount = i.amount
                AND t.kind = i.kind AND t."group" = i.grp
         WHERE t.id IS NULL
         LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'key % was posted with other contents', v_reused
                USING ERRCODE = 'EX002', DETAIL = v_reused;
        END IF;
        IF v_posted = 0 THEN
            RETURN 0;
        END IF;
    END IF;

    BEGIN
        UPDATE public.treasury_ledgerbalance b SET balance = b.balance + m.delta
          FROM unnest(v_accounts, v_slots, v_deltas) AS m (account_id, slots, delta)
         WHERE b.account_id = m.account_id
           AND b.slot = CASE m.slots WHEN 1 THEN 0 ELSE pg_current_xact_id()::text::bigint % m.slots END
           AND (b.floor IS NULL OR b.balance + m.delta >= b.floor);
        GET DIAGNOSTICS v_reached = ROW_COUNT;
        IF v_reached < cardinality(v_accounts) THEN
            RAISE EXCEPTION 'an account would fall below its floor' USING ERRCODE = 'EX001';
        END IF;
    EXCEPTION WHEN SQLSTATE 'EX001' THEN
        -- The balances are as they were before: say which of them does not suffice.
        SELECT a.code INTO v_short
          FROM unnest(v_accounts, v_deltas) AS m (account_id, delta)
          JOIN public.treasury_ledgeraccount a ON a.id = m.account_id
          JOIN public.treasury_ledgerbalance b ON b.account_id = a.id AND b.floor IS NOT NULL
         ORDER BY b.balance + m.delta - b.floor
         LIMIT 1;
        RAISE EXCEPTION 'account % would fall below its floor', v_short USING ERRCODE = 'EX001', DETAIL = v_short;
    END;
    RETURN v_posted;
END $$;

-- A single transfer, without the machinery of sets.
CREATE FUNCTION public.exchequer_ledger_post_one(
    p_key text, p_debit text, p_credit text, p_amount numeric, p_kind text, p_group text
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_debit_id bigint;
    v_debit_asset text;
    v_debit_slots integer;
    v_debit_delta numeric;
    v_credit_id bigint;
    v_credit_asset text;
    v_credit_slots integer;
    v_credit_delta numeric;
    v_xid bigint;
BEGIN
    SELECT d.id, d.asset, d.slots, CASE d.normal_side WHEN 'debit' THEN p_amount ELSE -p_amount END,
           c.id, c.asset, c.slots, CASE c.normal_side WHEN 'debit' THEN -p_amount ELSE p_amount END
      INTO v_debit_id, v_debit_asset, v_debit_slots, v_debit_delta,
           v_credit_id, v_credit_asset, v_credit_slots, v_credit_delta
      FROM public.treasury_ledgeraccount d, public.treasury_ledgeraccount c
     WHERE d.code = p_debit AND c.code = p_credit;
    IF NOT FOUND THEN
        RETURN -1;
    END IF;
    IF v_debit_asset <> v_credit_asset THEN
        RAISE EXCEPTION 'transfer % is between two assets', p_key USING ERRCODE = 'EX003', DETAIL = p_key;
    END IF;

    INSERT INTO public.treasury_ledgertransfer (key, debit_id, credit_id, amount, kind, "group")
    VALUES (p_key, v_debit_id, v_credit_id, p_amount, p_kind, p_group)
        ON CONFLICT (key) DO NOTHING;
    IF NOT FOUND THEN
        PERFORM FROM public.treasury_ledgertransfer
          WHERE key = p_key AND debit_id = v_debit_id AND credit_id = v_credit_id AND amount = p_amount
            AND kind = p_kind AND "group" = p_group;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'key % was posted with other contents', p_key USING ERRCODE = 'EX002', DETAIL = p_key;
        END IF;
        RETURN 0;
    END IF;

    IF v_debit_slots > 1 OR v_credit_slots > 1 THEN
        v_xid := pg_current_xact_id()::text::bigint;
    ELSE
        v_xid := 0;
    END IF;
    IF v_debit_id < v_credit_id THEN
        UPDATE public.treasury_ledgerbalance SET balance = balance + v_debit_delta
         WHERE account_id = v_debit_id AND slot = v_xid % v_debit_slots
           AND (floor IS NULL OR balance + v_debit_delta >= floor);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'account % would fall below its floor', p_debit USING ERRCODE = 'EX001', DETAIL = p_debit;
        END IF;
    END IF;
    UPDATE public.treasury_ledgerbalance SET balance = balance + v_credit_delta
     WHERE account_id = v_credit_id AND slot = v_xid % v_credit_slots
       AND (floor IS NULL OR balance + v_credit_delta >= floor);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % would fall below its floor', p_credit USING ERRCODE = 'EX001', DETAIL = p_credit;
    END IF;
    IF v_debit_id > v_credit_id THEN
        UPDATE public.treasury_ledgerbalance SET balance = balance + v_debit_delta
         WHERE account_id = v_debit_id AND slot = v_xid % v_debit_slots
           AND (floor IS NULL OR balance + v_debit_delta >= floor);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'account % would fall below its floor', p_debit USING ERRCODE = 'EX001', DETAIL = p_debit;
        END IF;
    END IF;
    RETURN 1;
END $$;

-- Opens accounts that are not open yet, each as its kind says. Failures change nothing:
--   EX003 the account, or its kind, is of another asset (DETAIL: the code)
--   EX004 no kind, or more than one, knows such a code  (DETAIL: the code)
CREATE FUNCTION public.exchequer_ledger_open(p_codes text[], p_assets text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_code text;
BEGIN
    SELECT i.code INTO v_code FROM unnest(p_codes) AS i (code)
     WHERE (SELECT count(*) FROM public.treasury_ledgerkind k
             WHERE i.code ~ ('^' || replace(k.pattern, '*', '[^:]+') || '$')) <> 1
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'not exactly one kind of account is called %', v_code USING ERRCODE = 'EX004', DETAIL = v_code;
    END IF;

    WITH opened AS (
        INSERT INTO public.treasury_ledgeraccount (code, asset, normal_side, floor, slots)
        SELECT i.code, i.asset, k.normal_side, k.floor, k.slots
          FROM unnest(p_codes, p_assets) AS i (code, asset)
          JOIN public.treasury_ledgerkind k
            ON i.code ~ ('^' || replace(k.pattern, '*', '[^:]+') || '$') AND k.asset IN ('', i.asset)
         ORDER BY i.code
            ON CONFLICT (code) DO NOTHING
        RETURNING id, floor, slots
    )
    INSERT INTO public.treasury_ledgerbalance (account_id, slot, balance, floor)
    SELECT o.id, s.slot, 0, o.floor FROM opened o, generate_series(0, o.slots - 1) AS s (slot);

    SELECT i.code INTO v_code
      FROM unnest(p_codes, p_assets) AS i (code, asset)
      LEFT JOIN public.treasury_ledgeraccount a ON a.code = i.code AND a.asset = i.asset
     WHERE a.id IS NULL
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'account % is of another asset', v_code USING ERRCODE = 'EX003', DETAIL = v_code;
    END IF;
END $$;

REVOKE ALL ON FUNCTION public.exchequer_ledger_post(text[], text[], text[], numeric[], text[], text[]),
    public.exchequer_ledger_post_one(text, text, text, numeric, text, text),
    public.exchequer_ledger_post_set(text[], text[], text[], numeric[], text[], text[]),
    public.exchequer_ledger_open(text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.exchequer_ledger_post(text[], text[], text[], numeric[], text[], text[]),
    public.exchequer_ledger_open(text[], text[]) TO exchequer_app;
ALTER FUNCTION public.exchequer_ledger_post(text[], text[], text[], numeric[], text[], text[]) OWNER TO exchequer_ledger;
ALTER FUNCTION public.exchequer_ledger_post_one(text, text, text, numeric, text, text) OWNER TO exchequer_ledger;
ALTER FUNCTION public.exchequer_ledger_post_set(text[], text[], text[], numeric[], text[], text[]) OWNER TO exchequer_ledger;
ALTER FUNCTION public.exchequer_ledger_open(text[], text[]) OWNER TO exchequer_ledger;

REVOKE ALL ON public.treasury_ledgerkind, public.treasury_ledgeraccount, public.treasury_ledgerbalance,
    public.treasury_ledgertransfer FROM PUBLIC, exchequer_app;
REVOKE ALL ON SEQUENCE public.treasury_ledgeraccount_id_seq, public.treasury_ledgertransfer_id_seq
    FROM PUBLIC, exchequer_app;
GRANT SELECT ON public.treasury_ledgerkind, public.treasury_ledgeraccount, public.treasury_ledgerbalance,
    public.treasury_ledgertransfer TO exchequer_app, exchequer_ledger;
GRANT INSERT ON public.treasury_ledgeraccount, public.treasury_ledgerbalance, public.treasury_ledgertransfer
    TO exchequer_ledger;
GRANT UPDATE (balance) ON public.treasury_ledgerbalance TO exchequer_ledger;

-- Whoever writes: no change of what was posted or opened, and nothing new but through the functions. Statement triggers,
-- whose condition costs a large batch nothing.
CREATE FUNCTION public.exchequer_only_through_the_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: only the functions of the ledger write here', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.treasury_ledgertransfer
    FOR EACH STATEMENT EXECUTE FUNCTION public.exchequer_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.treasury_ledgeraccount
    FOR EACH STATEMENT EXECUTE FUNCTION public.exchequer_refuse_change();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON public.treasury_ledgerbalance
    FOR EACH STATEMENT EXECUTE FUNCTION public.exchequer_refuse_change();
CREATE TRIGGER only_through_the_ledger BEFORE INSERT ON public.treasury_ledgertransfer
    FOR EACH STATEMENT WHEN (current_user <> 'exchequer_ledger')
    EXECUTE FUNCTION public.exchequer_only_through_the_ledger();
CREATE TRIGGER only_through_the_ledger BEFORE INSERT ON public.treasury_ledgeraccount
    FOR EACH STATEMENT WHEN (current_user <> 'exchequer_ledger')
    EXECUTE FUNCTION public.exchequer_only_through_the_ledger();
CREATE TRIGGER only_through_the_ledger BEFORE INSERT OR UPDATE ON public.treasury_ledgerbalance
    FOR EACH STATEMENT WHEN (current_user <> 'exchequer_ledger')
    EXECUTE FUNCTION public.exchequer_only_through_the_ledger();
"""

BACKWARD = """
DROP FUNCTION public.exchequer_ledger_post(text[], text[], text[], numeric[], text[], text[]);
DROP FUNCTION public.exchequer_ledger_open(text[], text[]);
DROP FUNCTION public.exchequer_ledger_post_one(text, text, text, numeric, text, text);
DROP FUNCTION public.exchequer_ledger_post_set(text[], text[], text[], numeric[], text[], text[]);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("treasury", "0002_privileges"),
        ("accounts", "0002_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=80, verbose_name="code")),
                ("asset", models.CharField(max_length=16, verbose_name="asset")),
                (
                    "normal_side",
                    models.CharField(
                        choices=[("debit", "Debit"), ("credit", "Credit")], max_length=6, verbose_name="normal side"
                    ),
                ),
                (
                    "floor",
                    treasury.fields.UnitsField(blank=True, max_digits=38, null=True, verbose_name="lowest balance"),
                ),
                ("slots", models.PositiveSmallIntegerField(default=1, verbose_name="balance rows")),
                (
                    "opened_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="opened at"
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger account",
                "verbose_name_plural": "ledger accounts",
                "constraints": [
                    models.UniqueConstraint(fields=("code",), name="ledger_account_code_once"),
                    models.CheckConstraint(
                        condition=models.Q(("slots", 1), models.Q(("floor", None), ("slots__gt", 1)), _connector="OR"),
                        name="ledger_account_floor_needs_one_row",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerKind",
            fields=[
                ("pattern", models.CharField(max_length=80, primary_key=True, serialize=False, verbose_name="pattern")),
                (
                    "normal_side",
                    models.CharField(
                        choices=[("debit", "Debit"), ("credit", "Credit")], max_length=6, verbose_name="normal side"
                    ),
                ),
                (
                    "asset",
                    models.CharField(
                        blank=True, help_text="Empty: it depends on the account.", max_length=16, verbose_name="asset"
                    ),
                ),
                (
                    "floor",
                    treasury.fields.UnitsField(blank=True, max_digits=38, null=True, verbose_name="lowest balance"),
                ),
                ("slots", models.PositiveSmallIntegerField(default=1, verbose_name="balance rows")),
            ],
            options={
                "verbose_name": "account kind",
                "verbose_name_plural": "account kinds",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("normal_side__in", ["debit", "credit"])), name="ledger_kind_side"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("slots", 1), models.Q(("floor", None), ("slots__gt", 1)), _connector="OR"),
                        name="ledger_kind_floor_needs_one_row",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerBalance",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id", "slot", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("slot", models.PositiveSmallIntegerField(verbose_name="slot")),
                ("balance", treasury.fields.UnitsField(default=0, max_digits=38, verbose_name="balance")),
                (
                    "floor",
                    treasury.fields.UnitsField(blank=True, max_digits=38, null=True, verbose_name="lowest balance"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="balances",
                        to="treasury.ledgeraccount",
                        verbose_name="account",
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger balance",
                "verbose_name_plural": "ledger balances",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("floor", None), models.Q(("balance__gte", models.F("floor")), ("slot", 0)), _connector="OR"
                        ),
                        name="ledger_balance_not_below_its_floor",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerTransfer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=120, verbose_name="key")),
                ("amount", treasury.fields.UnitsField(max_digits=38, verbose_name="amount")),
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                ("group", models.CharField(blank=True, db_default="", max_length=80, verbose_name="group")),
                (
                    "posted_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="posted at"
                    ),
                ),
                (
                    "credit",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credits",
                        to="treasury.ledgeraccount",
                        verbose_name="credit",
                    ),
                ),
                (
                    "debit",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="debits",
                        to="treasury.ledgeraccount",
                        verbose_name="debit",
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger transfer",
                "verbose_name_plural": "ledger transfers",
                "indexes": [
                    models.Index(fields=["debit", "id"], name="ledger_transfer_by_debit"),
                    models.Index(fields=["credit", "id"], name="ledger_transfer_by_credit"),
                    models.Index(
                        condition=models.Q(("group", ""), _negated=True),
                        fields=["group"],
                        name="ledger_transfer_by_group",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("key",), name="ledger_transfer_key_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="ledger_transfer_amount_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("debit", models.F("credit")), _negated=True),
                        name="ledger_transfer_between_two_accounts",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
