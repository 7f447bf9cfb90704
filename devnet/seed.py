"""The demo's people and money, made by the product's own operations. Running it again adds only what is missing.

`python -m devnet.seed people` before the first sign-in; `python -m devnet.seed money` once worker and signer run: it
puts test coins into the hot wallets, deposits for the customers and leaves withdrawals in several states behind.
"""

from __future__ import annotations

import json
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accounts.models import User
    from accounts.second_factor import Proof, StepUp
    from payouts.models import WithdrawalRequest

PATIENCE_SECONDS = 90.0
# Anybody's addresses on the local chains: anvil's fourth to seventh development accounts.
RECIPIENTS = (
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
    "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
    "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
)
HOT_WALLET_USDT = "50000"
HOT_WALLET_COINS = {"tron": "20000"}  # energy is burnt here, 13 TRX a payment
USUAL_COINS = "50"
TRON_RECIPIENTS = ("TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy")


@dataclass(frozen=True)
class SeedPerson:
    """Somebody of the demo. Staff have a role."""

    email: str
    name: str
    what: str
    role: str = ""
    language: str = "ru"


PEOPLE = (
    SeedPerson("admin@exchequer.example", "Ada Admin", "admin: staff, content, everything an admin may", role="admin"),
    SeedPerson("support@exchequer.example", "Sasha Support", "support: reviews withdrawals", role="support"),
    SeedPerson("support2@exchequer.example", "Sonya Support", "support: the second pair of eyes", role="support"),
    SeedPerson("treasurer@exchequer.example", "Timur Treasurer", "treasurer: payments, alarms", role="treasurer"),
    SeedPerson("finance@exchequer.example", "Fedor Finance", "finance: reads everything", role="finance"),
    SeedPerson("anna@exchequer.example", "Анна Иванова", "customer with a balance and a history"),
    SeedPerson("ben@exchequer.example", "Ben Carter", "customer, a withdrawal waits for review", language="en"),
    SeedPerson("clara@exchequer.example", "Clara Weiss", "customer, a withdrawal that takes two", language="en"),
    SeedPerson("dmitri@exchequer.example", "Дмитрий Орлов", "customer, new, nothing deposited yet"),
)


def seed_people(password: str) -> None:
    """Accounts with verified addresses; staff with their roles."""
    from accounts.models import User

    for person in PEOPLE:
        if not User.objects.filter(email=person.email).exists():
            _make_person(person, password)
        _give_app(User.objects.get(email=person.email), password)


def _give_app(user: User, password: str) -> None:
    """An authenticator app, whose codes are on the devnet's page."""
    from allauth.mfa.totp.internal.auth import TOTP

    from accounts.second_factor import has_second_factor
    from devnet.codes import seed_of

    if not has_second_factor(user):
        TOTP.activate(user, seed_of(password, user.email))


def _make_person(person: SeedPerson, password: str) -> None:
    from allauth.account.models import EmailAddress
    from django.utils import timezone

    from accounts.models import User, UserProfile
    from accounts.profiles import choose_language
    from accounts.staff_users import add_staff_user

    if person.role == "admin":
        made = User.objects.create_superuser(person.email, password, full_name=person.name)
        EmailAddress.objects.create(user=made, email=made.email, verified=True, primary=True)
    elif person.role:
        admin = User.objects.get(email=PEOPLE[0].email)
        made = add_staff_user(email=person.email, full_name=person.name, roles=[person.role], actor=admin)
        made.set_password(password)
        made.save(update_fields=["password"])
    else:
        made = User.objects.create_user(person.email, password, full_name=person.name)
        EmailAddress.objects.create(user=made, email=made.email, verified=True, primary=True)
    choose_language(user_id=made.pk, language=person.language)
    # So that whoever tries the demo may type an address; a new account is paid to saved ones only.
    UserProfile.objects.filter(user_id=made.pk).update(any_address_from=timezone.now())


def _factors_of(user: User) -> list[int]:
    from allauth.mfa.models import Authenticator

    return list(Authenticator.objects.filter(user=user.pk).values_list("pk", flat=True))


class Money:
    """Coins for the hot wallets and for the customers, then withdrawals in several states."""

    def __init__(self, password: str, networks_file: Path) -> None:
        self.password = password
        self.proofs: dict[int, Proof] = {}
        self.networks: dict[str, dict[str, Any]] = tomllib.loads(networks_file.read_text(encoding="utf-8"))

    def bring_in(self) -> None:
        for code in self.networks:
            self.open_hot_wallet(code)
        deposits = [
            self.deposit("anna", "tron", "320"),
            self.deposit("anna", "arbitrum", "500"),
            self.deposit("anna", "bsc", "250.000000000000000777"),  # 18 decimals: the ledger keeps the dust apart
            self.deposit("ben", "arbitrum", "1200.5"),
            self.deposit("ben", "tron", "75"),
            self.deposit("clara", "bsc", "15000"),
        ]
        for number, is_credited in enumerate(deposits, start=1):
            self.wait(f"deposit {number}", is_credited)
        self.save_address("anna", "arbitrum", RECIPIENTS[0], label="Мой кошелёк")
        self.save_address("anna", "tron", TRON_RECIPIENTS[0], label="Биржа")
        paid = self.withdraw("anna", "arbitrum", RECIPIENTS[0], micro=40_000_000, key="demo-1")
        self.approve(paid, "support")
        rejected = self.withdraw("anna", "bsc", RECIPIENTS[1], micro=20_000_000, key="demo-2")
        self.reject(rejected, "support2", "Пожалуйста, напишите нам: получатель не подтверждён.")
        self.withdraw("ben", "arbitrum", RECIPIENTS[2], micro=300_000_000, key="demo-3")
        large = self.withdraw("clara", "bsc", RECIPIENTS[3], micro=5_000_000_000, key="demo-4")
        self.approve(large, "support")
        self.wait("the fees on TRON", self.fees_are_known)
        on_tron = self.withdraw("anna", "tron", TRON_RECIPIENTS[0], micro=60_000_000, key="demo-5")
        self.approve(on_tron, "support2")
        ended = {"paid", "failed", "returned"}
        self.wait("the first withdrawals' payments", lambda: {self.state_of(paid), self.state_of(on_tron)} <= ended)

    @staticmethod
    def fees_are_known() -> bool:
        from treasury.models import NetworkState

        return NetworkState.objects.filter(network="tron", transfer_sun_to_new__isnull=False).exists()

    def step_up(self, actor: User) -> StepUp:
        """As in a session: a code of the person's app the first time, and what it proved for the deeds after it."""
        from accounts.models import SpentCode
        from accounts.second_factor import StepUp, is_fresh, verify_step_up
        from devnet.codes import codes_of

        proof = self.proofs.get(actor.pk)
        while proof is None or not is_fresh(proof):
            spent = set(SpentCode.objects.filter(factor__in=_factors_of(actor)).values_list("step", flat=True))
            left = [code for step, code in codes_of(self.password, actor.email).items() if step not in spent]
            if left:
                proof = self.proofs[actor.pk] = verify_step_up(user=actor, credential=StepUp(code=left[0]))
            else:
                time.sleep(1)
        return StepUp(proven=proof)

    @staticmethod
    def person(name: str) -> User:
        from accounts.models import User

        return User.objects.get(email=f"{name}@exchequer.example")

    @staticmethod
    def state_of(row: WithdrawalRequest) -> str:
        row.refresh_from_db()
        return str(row.state)

    @staticmethod
    def wait(what: str, condition: Callable[[], bool]) -> None:
        """Returns once the product's own processes have done their part."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"the demo's money: {what} did not happen within {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.2)

    def open_hot_wallet(self, code: str) -> None:
        """Test coins for the hot wallet, entered into the ledger as what it opens with. Once: never topped up later."""
        from devnet.faucet.giving import give
        from treasury.models import Wallet
        from treasury.models.ledger import LedgerTransfer
        from treasury.network_fees import read_transfer_costs
        from treasury.opening import book_opening_balances

        if LedgerTransfer.objects.filter(key=f"opening:{code}:hot").exists():
            return
        self.wait(
            "the signer's first wallet", lambda: Wallet.objects.filter(network=code, role=Wallet.Role.HOT).exists()
        )
        address = Wallet.objects.get(network=code, role=Wallet.Role.HOT).address
        give(
            self.networks, network=code, asset="native", address=address, amount=HOT_WALLET_COINS.get(code, USUAL_COINS)
        )
        give(self.networks, network=code, asset="token", address=address, amount=HOT_WALLET_USDT)
        book_opening_balances(network=code)
        read_transfer_costs(code)  # a worker does it every half a minute

    def deposit(self, name: str, code: str, amount: str) -> Callable[[], bool]:
        """From the faucet to the customer's own deposit address; returns what tells whether it is credited."""
        from devnet.faucet.giving import give
        from treasury.addresses import NoAddressAvailable, deposit_address_for
        from treasury.models import Deposit

        customer = self.person(name)
        family = self.networks[code]["family"]

        def address_is_there() -> bool:
            try:
                return bool(deposit_address_for(customer_id=customer.pk, family=family))
            except NoAddressAvailable:
                return False

        self.wait("the signer's first deposit address", address_is_there)
        mine = Deposit.objects.filter(deposit_address__customer=customer, network=code)
        if not mine.exists():
            address = deposit_address_for(customer_id=customer.pk, family=family)
            give(self.networks, network=code, asset="token", address=address, amount=amount)
        return mine.filter(state=Deposit.State.CREDITED).exists

    def save_address(self, name: str, code: str, address: str, *, label: str) -> None:
        """An entry of the customer's address book, confirmed as by the mailed link."""
        from payouts.address_book import add_address, confirm_address
        from payouts.known_addresses import entry_of
        from payouts.links import address_token

        customer = self.person(name)
        entry = entry_of(customer.pk, code, address) or add_address(
            customer_id=customer.pk,
            label=label,
            network=code,
            address=address,
            step_up=self.step_up(customer),
        )
        if entry.state == "pending":
            confirm_address(token=address_token(entry), customer_id=customer.pk)

    def withdraw(self, name: str, code: str, address: str, *, micro: int, key: str) -> WithdrawalRequest:
        """Requested and confirmed by the customer, as the form and the mailed link would."""
        from payouts.links import confirmation_token
        from payouts.withdrawals import confirm_withdrawal, request_withdrawal

        customer = self.person(name)
        row = request_withdrawal(
            customer_id=customer.pk,
            network=code,
            address=address,
            amount_micro=micro,
            idempotency_key=key,
            step_up=self.step_up(customer),
        )
        if self.state_of(row) == "requested":
            confirm_withdrawal(token=confirmation_token(row), customer_id=customer.pk)
            row.refresh_from_db()
        return row

    def approve(self, row: WithdrawalRequest, by: str) -> None:
        from payouts.models import WithdrawalApproval
        from payouts.withdrawals import approve_withdrawal

        actor = self.person(by)
        if (
            self.state_of(row) == "in_review"
            and not WithdrawalApproval.objects.filter(withdrawal=row, approver=actor).exists()
        ):
            approve_withdrawal(
                withdrawal_id=row.pk, actor=actor, revision=row.revision, reason="Demo", step_up=self.step_up(actor)
            )

    def reject(self, row: WithdrawalRequest, by: str, reason: str) -> None:
        from payouts.withdrawals import reject_withdrawal

        if self.state_of(row) == "in_review":
            actor = self.person(by)
            reject_withdrawal(
                withdrawal_id=row.pk,
                actor=actor,
                revision=row.revision,
                reason_for_customer=reason,
                step_up=self.step_up(actor),
            )


def main() -> None:
    import django
    from django.conf import settings

    from devnet.places import state_folder

    django.setup()
    if not getattr(settings, "DEMO", False):
        raise SystemExit("demo data is for the demo: these settings are not its")
    state = state_folder()
    password = json.loads((state / "secrets.json").read_text(encoding="utf-8"))["demo_password"]
    match sys.argv[1:]:
        case ["people"]:
            seed_people(password)
        case ["money"]:
            Money(password, state / "networks.toml").bring_in()
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
