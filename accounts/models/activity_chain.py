"""What makes the audit tamper-evident: a chain of hashes over it, made after the commits, and signatures over its head.

Nothing here is written by the application's role: links come from `exchequer_link_activity`, a function of the
database, and anchors from the signer. See docs/decisions/0007.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from .activity import ActivityLog


class ActivityLink(models.Model):
    """The place of one entry in the chain. Positions run from 1 without a gap, in the order of linking."""

    position = models.BigIntegerField(_("position"), primary_key=True)
    # Without a foreign key in the database: it would lock and so rewrite every entry; `check_activity` asks instead.
    entry = models.OneToOneField(
        ActivityLog, on_delete=models.PROTECT, db_constraint=False, related_name="link", verbose_name=_("entry")
    )
    previous_hash = models.BinaryField(_("hash of the link before"), max_length=32)
    hash = models.BinaryField(_("hash"), max_length=32)

    class Meta:
        verbose_name = _("link of the activity log")
        verbose_name_plural = _("links of the activity log")

    def __str__(self) -> str:
        return f"{self.position}: {self.entry_id}"


class ActivityAnchor(models.Model):
    """The chain's head at one moment, signed by the signer. Numbers run from 1 without a gap."""

    number = models.BigIntegerField(_("number"), primary_key=True)
    # Also the number of entries linked by then.
    position = models.BigIntegerField(_("position"), db_index=True)
    hash = models.BinaryField(_("hash"), max_length=32)
    signed_at = models.DateTimeField(_("signed at"))
    daily = models.BooleanField(_("first of its day"))
    signature = models.BinaryField(_("signature"), max_length=64)

    class Meta:
        verbose_name = _("anchor of the activity log")
        verbose_name_plural = _("anchors of the activity log")

    def __str__(self) -> str:
        return f"{self.number}: {self.position}"


class ActivityLinking(models.Model):
    """One row, the linker's own notes: up to which id it need not look any more. It saves time and proves nothing.

    Ids commit out of order. `marked_to` was the last id handed out at a moment when the transactions `marked_writers`
    could still bring an entry; once all of them are over, no entry up to it will appear any more.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    complete_to = models.BigIntegerField(default=0)
    marked_to = models.BigIntegerField(default=0)
    marked_writers = ArrayField(models.TextField(), default=list)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="activity_linking_one_row"),)

    def __str__(self) -> str:
        return f"complete to {self.complete_to}"
