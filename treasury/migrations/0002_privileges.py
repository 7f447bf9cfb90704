"""Who may write which column of the money tables, and the rules that hold whoever writes.

The application's role orders payments and records what the chain says; only the signer's role adds addresses,
wallets, signed bytes and its own log.
"""

from django.db import migrations

FORWARD = """
-- all broadcasts of an order carry its wallet and nonce
ALTER TABLE treasury_paymentorder ADD CONSTRAINT payment_order_place UNIQUE (id, wallet_id, nonce);
ALTER TABLE treasury_broadcast ADD CONSTRAINT broadcast_shares_its_orders_nonce
    FOREIGN KEY (order_id, wallet_id, nonce) REFERENCES treasury_paymentorder (id, wallet_id, nonce);

-- what was ordered never changes; a nonce once given stays; an order closes once
CREATE FUNCTION treasury_guard_payment_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a payment order is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.reference, NEW.network, NEW.address, NEW.amount_micro, NEW.revision, NEW.approvals_required, NEW.created_at)
       IS DISTINCT FROM
       (OLD.reference, OLD.network, OLD.address, OLD.amount_micro, OLD.revision, OLD.approvals_required, OLD.created_at)
    THEN
        RAISE EXCEPTION 'what a payment order pays never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.nonce IS NOT NULL AND (NEW.nonce, NEW.wallet_id) IS DISTINCT FROM (OLD.nonce, OLD.wallet_id) THEN
        RAISE EXCEPTION 'a payment order keeps its nonce' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'open' AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a closed payment order stays closed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON treasury_paymentorder
    FOR EACH ROW EXECUTE FUNCTION treasury_guard_payment_order();

-- a payload never changes; signed bytes are written once
CREATE FUNCTION treasury_guard_broadcast() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a broadcast is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.order_id, NEW.attempt, NEW.purpose, NEW.network, NEW.wallet_id, NEW.nonce, NEW.to_address, NEW.data,
        NEW.gas_limit, NEW.max_fee_wei, NEW.max_priority_fee_wei)
       IS DISTINCT FROM
       (OLD.order_id, OLD.attempt, OLD.purpose, OLD.network, OLD.wallet_id, OLD.nonce, OLD.to_address, OLD.data,
        OLD.gas_limit, OLD.max_fee_wei, OLD.max_priority_fee_wei)
    THEN
        RAISE EXCEPTION 'the payload of a broadcast never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.signed_bytes IS NOT NULL
       AND (NEW.signed_bytes, NEW.tx_hash) IS DISTINCT FROM (OLD.signed_bytes, OLD.tx_hash) THEN
        RAISE EXCEPTION 'signed bytes never change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON treasury_broadcast
    FOR EACH ROW EXECUTE FUNCTION treasury_guard_broadcast();

-- an address belongs to one customer for ever
CREATE FUNCTION treasury_guard_deposit_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a deposit address is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.family, NEW.address, NEW.derivation_index, NEW.signature)
       IS DISTINCT FROM (OLD.family, OLD.address, OLD.derivation_index, OLD.signature) THEN
        RAISE EXCEPTION 'a deposit address never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.customer_id IS NOT NULL AND NEW.customer_id IS DISTINCT FROM OLD.customer_id THEN
        RAISE EXCEPTION 'a deposit address is never given to another customer' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON treasury_depositaddress
    FOR EACH ROW EXECUTE FUNCTION treasury_guard_deposit_address();

CREATE FUNCTION treasury_guard_wallet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a wallet is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.next_nonce < OLD.next_nonce OR (NEW.network, NEW.role, NEW.address, NEW.derivation_path)
       IS DISTINCT FROM (OLD.network, OLD.role, OLD.address, OLD.derivation_path) THEN
        RAISE EXCEPTION 'a wallet never changes and its nonce never falls' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON treasury_wallet
    FOR EACH ROW EXECUTE FUNCTION treasury_guard_wallet();

CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON treasury_paymentapproval
    FOR EACH ROW EXECUTE FUNCTION exchequer_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON treasury_paymentapproval
    FOR EACH STATEMENT EXECUTE FUNCTION exchequer_refuse_change();
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON treasury_signingrecord
    FOR EACH ROW EXECUTE FUNCTION exchequer_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON treasury_signingrecord
    FOR EACH STATEMENT EXECUTE FUNCTION exchequer_refuse_change();

-- the application
REVOKE DELETE ON treasury_alarm, treasury_networkstate, treasury_deposit, treasury_foreigntransfer FROM exchequer_app;
REVOKE UPDATE, DELETE ON treasury_paymentapproval FROM exchequer_app;
REVOKE INSERT, UPDATE, DELETE ON treasury_signingrecord FROM exchequer_app;
REVOKE INSERT, UPDATE, DELETE ON treasury_depositaddress FROM exchequer_app;
GRANT UPDATE (customer_id, assigned_at, retired_at) ON treasury_depositaddress TO exchequer_app;
REVOKE INSERT, UPDATE, DELETE ON treasury_wallet FROM exchequer_app;
GRANT UPDATE (next_nonce) ON treasury_wallet TO exchequer_app;
REVOKE UPDATE, DELETE ON treasury_paymentorder FROM exchequer_app;
GRANT UPDATE (state, dead_reason, wallet_id, nonce, closed_at) ON treasury_paymentorder TO exchequer_app;
REVOKE INSERT, UPDATE, DELETE ON treasury_broadcast FROM exchequer_app;
GRANT INSERT (order_id, attempt, purpose, network, wallet_id, nonce, state, to_address, data, gas_limit, max_fee_wei,
              max_priority_fee_wei, refusal, reserved_at, sends, block_hash, last_error, sent_at, last_sent_at,
              block_number, gas_used, gas_cost_wei, final_at)
    ON treasury_broadcast TO exchequer_app;
GRANT UPDATE (state, sent_at, last_sent_at, sends, block_number, block_hash, gas_used, gas_cost_wei, final_at, last_error)
    ON treasury_broadcast TO exchequer_app;

-- the signer
GRANT SELECT ON treasury_paymentorder, treasury_paymentapproval, treasury_broadcast, treasury_wallet,
    treasury_depositaddress, treasury_signingrecord TO exchequer_signer;
GRANT UPDATE (state, signed_bytes, tx_hash, signed_at, refusal) ON treasury_broadcast TO exchequer_signer;
GRANT INSERT ON treasury_signingrecord, treasury_depositaddress, treasury_wallet TO exchequer_signer;
GRANT USAGE ON SEQUENCE treasury_signingrecord_id_seq, treasury_depositaddress_id_seq, treasury_wallet_id_seq
    TO exchequer_signer;
"""


class Migration(migrations.Migration):
    dependencies = [("treasury", "0001_initial"), ("accounts", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
