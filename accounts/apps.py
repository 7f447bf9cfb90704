from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Customers and staff")

    def ready(self) -> None:
        from . import emails, geoip, security_emails, sign_in_audit, sign_ins
        from .roles import create_roles_after_migrate

        emails.register_all()
        security_emails.register_all()
        sign_in_audit.connect()
        sign_ins.connect()
        geoip.register_checks()
        post_migrate.connect(create_roles_after_migrate, dispatch_uid="accounts.roles")
