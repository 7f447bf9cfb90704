"""Who did what, when, from where. Append-only, in the database too."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ActivityLog(models.Model):
    at = models.DateTimeField(_("at"), auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("actor"),
    )
    actor_label = models.CharField(
        _("actor's name then"), max_length=254, help_text=_("An e-mail address or a process.")
    )
    action = models.CharField(_("action"), max_length=64)
    target_type = models.CharField(_("target type"), max_length=64, blank=True)
    target_id = models.CharField(_("target"), max_length=64, blank=True)
    facts = models.JSONField(_("facts"), default=dict)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=400, blank=True)

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activity log")
        indexes = (
            models.Index(fields=["target_type", "target_id", "id"], name="activity_target"),
            models.Index(fields=["actor", "-id"], name="activity_actor"),
            models.Index(fields=["action", "-id"], name="activity_action"),
            models.Index(
                fields=["ip_address", "-id"], name="activity_ip", condition=models.Q(ip_address__isnull=False)
            ),
            models.Index(fields=["at"], name="activity_at"),
        )
        constraints = (
            # Outside of it PostgreSQL's texts of two times can be the same, and Python reads none.
            models.CheckConstraint(
                condition=models.Q(
                    at__gte=dt.datetime(2020, 1, 1, tzinfo=dt.UTC), at__lt=dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
                ),
                name="activity_at_in_range",
            ),
        )
        permissions = (("export_activitylog", "Can export the activity log"),)

    def __str__(self) -> str:
        return f"{self.action} {self.target_type}:{self.target_id}"
