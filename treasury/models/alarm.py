"""What an operator must look at. One open alarm per key; it is resolved, never deleted."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Alarm(models.Model):
    class Severity(models.TextChoices):
        WARNING = "warning", _("Warning")
        CRITICAL = "critical", _("Critical")

    key = models.CharField(_("key"), max_length=160)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices)
    network = models.CharField(_("network"), max_length=16, blank=True)
    message = models.TextField(_("message"))
    facts = models.JSONField(_("facts"), default=dict)
    raised_at = models.DateTimeField(_("raised at"), auto_now_add=True)
    last_seen_at = models.DateTimeField(_("last seen at"), auto_now_add=True)
    times_seen = models.PositiveIntegerField(_("times seen"), default=1)
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    resolved_by = models.CharField(_("resolved by"), max_length=254, blank=True)

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        permissions = (("resolve_alarm", "Can resolve alarms"),)
        constraints = (
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(resolved_at=None), name="alarm_one_open_per_key"
            ),
        )

    def __str__(self) -> str:
        return f"{self.severity}: {self.key}"
