"""How far each chain has been read, and whether we trust it now."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class NetworkState(models.Model):
    """One row per network. `scanned_*` is the deposit cursor: it moves in the commit that stores what it passed."""

    network = models.CharField(_("network"), max_length=16, primary_key=True)
    scanned_number = models.BigIntegerField(_("scanned to block"))
    scanned_hash = models.CharField(_("hash of that block"), max_length=66)
    scanned_at = models.DateTimeField(_("scanned at"), auto_now=True)
    head_number = models.BigIntegerField(_("head"), default=0)
    head_seen_at = models.DateTimeField(_("head seen at"), null=True, blank=True)
    finalized_number = models.BigIntegerField(_("final block"), default=0)
    # The search for other tokens: read to `foreign_number`; `foreign_last_number` and `foreign_address_id` tell how far
    # the stretch after it has got.
    foreign_number = models.BigIntegerField(_("other tokens: scanned to block"), default=0, db_default=0)
    foreign_last_number = models.BigIntegerField(_("other tokens: being scanned to block"), default=0, db_default=0)
    foreign_address_id = models.BigIntegerField(_("other tokens: last address asked for"), default=0, db_default=0)
    # What a transfer costs where that differs by recipient (TRON), in sun; read by a worker.
    transfer_sun_to_holder = models.BigIntegerField(_("transfer to a holder, sun"), null=True, blank=True)
    transfer_sun_to_new = models.BigIntegerField(_("transfer to a new holder, sun"), null=True, blank=True)
    costs_read_at = models.DateTimeField(_("costs read at"), null=True, blank=True)
    # A network halts by itself when the chain contradicts what was final; only an operator resumes it.
    halted_at = models.DateTimeField(_("halted at"), null=True, blank=True)
    halt_reason = models.CharField(_("why it is halted"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("network")
        verbose_name_plural = _("networks")
        permissions = (("halt_network", "Can halt a network"), ("resume_network", "Can resume a network"))

    def __str__(self) -> str:
        return self.network


class ScannedBlock(models.Model):
    """Hashes of recently scanned blocks, to find where a reorg began."""

    network = models.CharField(_("network"), max_length=16)
    number = models.BigIntegerField(_("block"))
    block_hash = models.CharField(_("hash"), max_length=66)

    class Meta:
        verbose_name = _("scanned block")
        verbose_name_plural = _("scanned blocks")
        constraints = (models.UniqueConstraint(fields=["network", "number"], name="scanned_block_once"),)

    def __str__(self) -> str:
        return f"{self.network} {self.number}"
