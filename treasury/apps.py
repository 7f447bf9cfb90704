from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class TreasuryConfig(AppConfig):
    name = "treasury"
    verbose_name = _("Treasury")

    def ready(self) -> None:
        from accounts import failpoints as failpoints_of_accounts
        from treasury import chart, checks, emails, failpoints, ledger_checks

        failpoints_of_accounts.install(failpoints.hit)
        chart.register_treasury_kinds()
        ledger_checks.register_treasury_checks()
        checks.register_all()
        emails.register_all()
        post_migrate.connect(chart.store_kinds_after_migrate, sender=self, dispatch_uid="treasury.chart")
