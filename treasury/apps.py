from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TreasuryConfig(AppConfig):
    name = "treasury"
    verbose_name = "Treasury"

    def ready(self) -> None:
        from treasury import chart, checks, emails

        chart.register_treasury_kinds()
        checks.register_all()
        emails.register_all()
        post_migrate.connect(chart.store_kinds_after_migrate, sender=self, dispatch_uid="treasury.chart")
