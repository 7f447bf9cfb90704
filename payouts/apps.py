from django.apps import AppConfig


class PayoutsConfig(AppConfig):
    name = "payouts"
    verbose_name = "Payouts"

    def ready(self) -> None:
        from treasury.ledger import register_kind

        from . import emails, ledger_checks

        register_kind("customer:*:invested", normal_side="credit", floor=0)
        emails.register_all()
        ledger_checks.register_all()
