from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from . import emails, sign_in_audit

        emails.register_all()
        sign_in_audit.connect()
