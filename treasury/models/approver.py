"""Whose approvals the signer believes."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ApproverKey(models.Model):
    """A second factor of one of the staff, which an operator made known to the signer, on the signer's own machine.

    Only the signer's role writes here, and its keystore signs each row: who can write to the rest of the database, and
    so change what a member of the staff signs in with, makes nobody an approver. Append-only but for `revoked_at`.
    """

    class Kind(models.TextChoices):
        APP = "totp", _("Authenticator app")
        PASSKEY = "webauthn", _("Passkey")

    approver_id = models.BigIntegerField(_("approver's id"))
    approver_label = models.CharField(_("approver"), max_length=254)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    key = models.TextField(_("what evidence calls it"))
    # A passkey's public key (COSE, in CBOR); of an app, its seed as it is stored, encrypted with SECOND_FACTOR_KEYS.
    material = models.BinaryField(_("key material"))
    trusted_at = models.DateTimeField(_("trusted since"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    signature = models.BinaryField(_("signature"), max_length=64)

    class Meta:
        verbose_name = _("approver's key")
        verbose_name_plural = _("approvers' keys")
        constraints = (
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(revoked_at=None), name="approver_key_once_while_trusted"
            ),
        )
        indexes = (models.Index(fields=["approver_id"], name="approver_key_of"),)

    def __str__(self) -> str:
        return f"{self.approver_label}: {self.kind}"
