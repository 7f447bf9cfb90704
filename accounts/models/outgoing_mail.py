"""Mails queued in the same commit as the fact they tell of."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class OutgoingMail(models.Model):
    """One mail to one person. `facts` never hold a secret: links are made when the mail is rendered."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("No longer needed")  # what it was to tell had passed before it was sent

    key = models.CharField(_("key"), max_length=120, unique=True, help_text=_("A fact is told once."))
    template = models.CharField(_("template"), max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("user")
    )
    recipient = models.EmailField(_("recipient"), max_length=254)
    language = models.CharField(_("language"), max_length=5)
    facts = models.JSONField(_("facts"), default=dict)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    queued_at = models.DateTimeField(_("queued at"), auto_now_add=True)
    next_attempt_at = models.DateTimeField(_("next attempt at"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("outgoing mail")
        verbose_name_plural = _("outgoing mails")
        permissions = (
            ("view_staff_mail", "Can see mails to the staff"),
            ("resend_outgoingmail", "Can send a mail again"),
        )
        indexes = (
            models.Index(fields=["next_attempt_at"], name="mail_due", condition=models.Q(state="queued")),
            models.Index(fields=["state", "-id"], name="mail_by_state"),
            models.Index(fields=["recipient", "-id"], name="mail_by_recipient"),
            models.Index(fields=["template", "-id"], name="mail_by_template"),
            models.Index(fields=["queued_at"], name="mail_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.template} -> {self.recipient}"
