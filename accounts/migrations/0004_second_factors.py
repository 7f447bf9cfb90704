"""Second factors as django-otp sees them, spent codes, remembered devices and signed-in browsers."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE VIEW accounts_secondfactordevice AS
    SELECT id, user_id, type AS name, true AS confirmed FROM mfa_authenticator WHERE type IN ('totp', 'webauthn');
REVOKE INSERT, UPDATE, DELETE ON accounts_secondfactordevice FROM exchequer_app;
REVOKE UPDATE, DELETE ON accounts_spentcode FROM exchequer_app;
REVOKE DELETE ON accounts_trusteddevice, accounts_usersession FROM exchequer_app;
"""
BACKWARD = "DROP VIEW accounts_secondfactordevice"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_staff_roles"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="SecondFactorDevice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The human-readable name of this device.", max_length=64)),
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
            ],
            options={
                "verbose_name": "second factor",
                "db_table": "accounts_secondfactordevice",
                "abstract": False,
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="SpentCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "factor",
                    models.BigIntegerField(help_text="allauth's row; it may be gone.", verbose_name="second factor"),
                ),
                ("step", models.BigIntegerField(verbose_name="half minutes since 1970")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
            ],
            options={
                "verbose_name": "spent code",
                "verbose_name_plural": "spent codes",
                "constraints": [models.UniqueConstraint(fields=("factor", "step"), name="spent_code_once")],
            },
        ),
        migrations.CreateModel(
            name="TrustedDevice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token_hash", models.BinaryField(max_length=32, unique=True, verbose_name="SHA-256 of the token")),
                (
                    "previous_token_hash",
                    models.BinaryField(
                        max_length=32, null=True, unique=True, verbose_name="SHA-256 of the token before"
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("ip_address", models.GenericIPAddressField(blank=True, null=True, verbose_name="IP address")),
                ("user_agent", models.CharField(blank=True, max_length=400, verbose_name="browser")),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="added at")),
                ("last_seen_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="last seen at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="revoked at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "remembered device",
                "verbose_name_plural": "remembered devices",
            },
        ),
        migrations.CreateModel(
            name="UserSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "session_key",
                    models.CharField(editable=False, max_length=40, unique=True, verbose_name="session key"),
                ),
                ("ip_address", models.GenericIPAddressField(blank=True, null=True, verbose_name="IP address")),
                ("user_agent", models.CharField(blank=True, max_length=400, verbose_name="browser")),
                ("signed_in_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="signed in at")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                ("ended_by", models.CharField(blank=True, max_length=32, verbose_name="ended by")),
                (
                    "device",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.trusteddevice",
                        verbose_name="device",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
            },
        ),
        migrations.AddIndex(
            model_name="trusteddevice",
            index=models.Index(condition=models.Q(("revoked_at", None)), fields=["user", "-id"], name="device_of_user"),
        ),
        migrations.AddIndex(
            model_name="usersession",
            index=models.Index(condition=models.Q(("ended_at", None)), fields=["user", "-id"], name="session_of_user"),
        ),
        migrations.AddField(
            model_name="userprofile",
            name="thaw_asked_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="thaw asked by",
            ),
        ),
        migrations.AddField(
            model_name="userprofile",
            name="thaw_asked_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="thaw asked at"),
        ),
        migrations.AddField(
            model_name="userprofile",
            name="thaw_reason",
            field=models.CharField(blank=True, max_length=200, verbose_name="why they may go on"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
