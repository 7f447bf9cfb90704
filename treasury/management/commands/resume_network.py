"""Let a halted network go on. Somebody has looked at the chain and answers for it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from treasury import halts
from treasury.chains import registry
from treasury.models import PaymentOrder, Wallet


class Command(BaseCommand):
    help = "Resume a halted network."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("network")
        parser.add_argument("--by", required=True, help="Who decides this; stands in the resolved alarm.")
        parser.add_argument(
            "--accept-foreign-nonces",
            action="store_true",
            help="The wallet's key was used outside, and that is explained: go on from the chain's final count.",
        )

    def handle(self, *, network: str, by: str, **options: Any) -> None:
        if network not in registry.networks():
            raise CommandError(f"There is no network {network!r}.")
        if options["accept_foreign_nonces"]:
            if registry.network(network).family != "evm":
                raise CommandError(f"{network} has no nonces.")
            self._accept_nonces(network)
        if not halts.resume_network(network, actor_label=by):
            raise CommandError(f"{network} is not halted.")
        self.stdout.write(f"{network} goes on.")

    def _accept_nonces(self, network: str) -> None:
        wallet = Wallet.objects.get(network=network, role=Wallet.Role.HOT)
        count = registry.nonce_chain(network).transaction_count(wallet.address, "finalized")
        with transaction.atomic():
            locked = Wallet.objects.select_for_update().get(pk=wallet.pk)
            if PaymentOrder.objects.filter(wallet=wallet, state=PaymentOrder.State.OPEN).exists():
                raise CommandError("Orders are under way; their nonces are explained first, by confirming.")
            if count > locked.next_nonce:
                Wallet.objects.filter(pk=wallet.pk).update(next_nonce=count)
                self.stdout.write(f"The next nonce is {count}, it was {locked.next_nonce}.")
