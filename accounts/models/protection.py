"""What keeps a stolen session from the money: holds on withdrawals, and the lock on the settings."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class WithdrawalHold(models.Model):
    """Withdrawals of a person wait from `held_from` to `held_until`, and why. Append-only: the longest one counts."""

    class Kind(models.TextChoices):
        PASSWORD = "password", _("the password was changed")
        EMAIL = "email", _("the e-mail address was changed")
        SECOND_FACTOR = "second_factor", _("the second factors were changed")
        UNFROZEN = "unfrozen", _("the account had been frozen")
        SUPPORT = "support", _("support asked for it")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="withdrawal_holds", verbose_name=_("user")
    )
    kind = models.CharField(_("why"), max_length=16, choices=Kind.choices)
    held_from = models.DateTimeField(_("held from"))
    held_until = models.DateTimeField(_("held until"))
    reason = models.CharField(_("reason, for staff"), max_length=200, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("actor"),
    )

    class Meta:
        verbose_name = _("hold on withdrawals")
        verbose_name_plural = _("holds on withdrawals")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(held_until__gt=models.F("held_from")), name="withdrawal_hold_has_length"
            ),
        )
        indexes = (models.Index(fields=["user", "-held_until"], name="withdrawal_hold_latest"),)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.kind}"


class SettingsLock(models.Model):
    """The settings of a person are locked until `locked_until`, or until `unlock_at` if they asked for that.

    A row is one lock, from locking to its end; it only ever becomes stronger, and is never deleted. Times decide
    whether it holds; `ended_at` says that its end was noted and told.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="settings_locks", verbose_name=_("user")
    )
    locked_at = models.DateTimeField(_("locked at"))
    locked_until = models.DateTimeField(_("locked until"))
    wait_days = models.PositiveSmallIntegerField(_("days that unlocking early takes"))
    unlock_asked_at = models.DateTimeField(_("early unlocking asked for at"), null=True, blank=True)
    unlock_at = models.DateTimeField(_("unlocked early at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    class Meta:
        verbose_name = _("lock on the settings")
        verbose_name_plural = _("locks on the settings")
        constraints = (
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(ended_at__isnull=True), name="settings_lock_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=models.Q(locked_until__gt=models.F("locked_at")), name="settings_lock_has_length"
            ),
            models.CheckConstraint(
                condition=models.Q(wait_days__gte=1, wait_days__lte=30), name="settings_lock_wait_in_range"
            ),
        )
        indexes = (
            models.Index(fields=["locked_until"], name="settings_lock_to_end", condition=models.Q(ended_at=None)),
        )

    def __str__(self) -> str:
        return f"{self.user_id}: {self.locked_until:%Y-%m-%d}"
