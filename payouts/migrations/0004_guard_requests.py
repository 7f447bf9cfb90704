"""What a withdrawal pays is beyond the application's reach once it is asked for, and voids its approvals whoever
changes it: the revision rises with any change of address, network, amount or fee.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION payouts_guard_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a withdrawal is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.public_id, NEW.customer_id, NEW.idempotency_key, NEW.requested_at)
       IS DISTINCT FROM (OLD.id, OLD.public_id, OLD.customer_id, OLD.idempotency_key, OLD.requested_at) THEN
        RAISE EXCEPTION 'whose withdrawal it is never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state IN ('paid', 'returned', 'expired', 'cancelled', 'rejected') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a closed withdrawal stays closed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.network, NEW.address, NEW.amount_micro, NEW.fee_micro)
       IS DISTINCT FROM (OLD.network, OLD.address, OLD.amount_micro, OLD.fee_micro) THEN
        IF OLD.state NOT IN ('requested', 'confirmed', 'in_review', 'on_hold', 'approved') THEN
            RAISE EXCEPTION 'what is being paid, or was, never changes' USING ERRCODE = 'restrict_violation';
        END IF;
        NEW.revision := greatest(NEW.revision, OLD.revision + 1);
    ELSIF NEW.revision < OLD.revision THEN
        RAISE EXCEPTION 'a revision never falls' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON payouts_withdrawalrequest
    FOR EACH ROW EXECUTE FUNCTION payouts_guard_withdrawal();

-- no operation changes what is paid: a customer cancels and asks anew
REVOKE UPDATE ON payouts_withdrawalrequest FROM exchequer_app;
GRANT UPDATE (state, revision, approvals_required, confirmed_at, decided_at, closed_at, claimed_by_id, claimed_until,
              hold_until, reason_for_customer, tx_hash)
    ON payouts_withdrawalrequest TO exchequer_app;
"""

BACKWARD = """
DROP TRIGGER guard ON payouts_withdrawalrequest;
DROP FUNCTION payouts_guard_withdrawal();
GRANT UPDATE ON payouts_withdrawalrequest TO exchequer_app;
"""


class Migration(migrations.Migration):
    dependencies = [("payouts", "0003_staff_queue")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
