from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PayoutsConfig(AppConfig):
    name = "payouts"
    verbose_name = _("Payouts")

    def ready(self) -> None:
        from treasury.ledger import register_kind

        from . import checks, emails, ledger_checks, staff_emails

        register_kind("customer:*:invested", normal_side="credit", floor=0)
        checks.register_all()
        emails.register_all()
        staff_emails.register_all()
        ledger_checks.register_all()
