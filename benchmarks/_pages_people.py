"""Makes a support person and a customer with a history; prints their session cookies as JSON."""

import json

import django

DEPOSITS, WITHDRAWALS = 30, 12


def main() -> None:
    django.setup()
    from allauth.mfa.models import Authenticator
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import Group
    from django.contrib.sessions.backends.db import SessionStore
    from django.utils import timezone
    from django_otp import DEVICE_ID_SESSION_KEY

    from accounts.models import SecondFactorDevice, User
    from accounts.second_factor.secrets import encrypt
    from payouts.models import WithdrawalRequest
    from treasury import ledger
    from treasury.ledger import Posting

    def cookie(user: User) -> str:
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "portal.backends.AuthenticationBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        factor = Authenticator.objects.create(
            user=user, type=Authenticator.Type.TOTP, data={"secret": encrypt("JBSWY3DPEHPK3PXP")}
        )
        session[DEVICE_ID_SESSION_KEY] = SecondFactorDevice(pk=factor.pk, user_id=user.pk).persistent_id
        session.create()
        return f"sessionid={session.session_key}"

    support = User.objects.create_user("support@example.com", None, is_staff=True)
    support.groups.set(Group.objects.filter(name="support"))
    customer = User.objects.create_user("customer@example.com", None)
    available, reserved = f"customer:{customer.pk}:available", f"customer:{customer.pk}:reserved"
    for number in range(DEPOSITS):
        ledger.post(Posting(f"bench-deposit:{number}", "asset:arbitrum:deposit", available, 50_000_000, "deposit"))
    for number in range(WITHDRAWALS):
        row = WithdrawalRequest.objects.create(
            customer=customer, idempotency_key=f"bench-{number}", network="arbitrum", address="0x" + "5a" * 20,
            amount_micro=20_000_000, fee_micro=1_000_000, state="paid", confirm_by=timezone.now(),
            confirmed_at=timezone.now(), closed_at=timezone.now(),
        )  # fmt: skip
        ledger.post(
            Posting(f"withdrawal:{row.pk}:reserve", available, reserved, 21_000_000, "reserve", row.reference),
            Posting(f"withdrawal:{row.pk}:pay", reserved, "asset:arbitrum:hot", 20_000_000, "pay", row.reference),
            Posting(f"withdrawal:{row.pk}:fee", reserved, "income:withdrawal_fee", 1_000_000, "fee", row.reference),
        )
    print(json.dumps({"support": cookie(support), "customer": cookie(customer)}))


if __name__ == "__main__":
    main()
