"""The phrase in mails, mailed codes, what staff were told of, and who may read and repeat which mail."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = "REVOKE UPDATE, DELETE ON accounts_toldfact FROM exchequer_app;"
BACKWARD = "GRANT UPDATE, DELETE ON accounts_toldfact TO exchequer_app;"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_login_history")]

    operations = [
        migrations.AddField(
            model_name="userprofile",
            name="anti_phishing_phrase",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=40, verbose_name="phrase in mails"
            ),
        ),
        migrations.CreateModel(
            name="MailedCode",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("purpose", models.CharField(max_length=32, verbose_name="purpose")),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="made at")),
                ("expires_at", models.DateTimeField(verbose_name="good until")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used at")),
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
                "verbose_name": "mailed code",
                "verbose_name_plural": "mailed codes",
                "indexes": [models.Index(fields=["user", "purpose", "-made_at"], name="mailed_code_of_user")],
            },
        ),
        migrations.CreateModel(
            name="ToldFact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=120, unique=True, verbose_name="key")),
                ("told_at", models.DateTimeField(auto_now_add=True, verbose_name="told at")),
            ],
            options={"verbose_name": "told fact", "verbose_name_plural": "told facts"},
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.AlterModelOptions(
            name="outgoingmail",
            options={
                "permissions": (
                    ("view_staff_mail", "Can see mails to the staff"),
                    ("resend_outgoingmail", "Can send a mail again"),
                ),
                "verbose_name": "outgoing mail",
                "verbose_name_plural": "outgoing mails",
            },
        ),
        migrations.AddIndex(
            model_name="outgoingmail", index=models.Index(fields=["template", "-id"], name="mail_by_template")
        ),
        migrations.AddIndex(model_name="outgoingmail", index=models.Index(fields=["queued_at"], name="mail_by_time")),
    ]
