"""The ledger's tables. The application reads them; only the ledger's own database functions write (see 0003_ledger).

Saving or deleting one of these through the ORM is refused by the database: use `treasury.ledger`.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from treasury.fields import UnitsField


class Side(models.TextChoices):
    DEBIT = "debit", _("Debit")
    CREDIT = "credit", _("Credit")


class LedgerKind(models.Model):
    """A rule for account codes, kept in step with `treasury.chart` by `migrate`.

    It lies in the database so that whoever opens an account cannot choose its floor.
    """

    pattern = models.CharField(_("pattern"), max_length=80, primary_key=True)
    normal_side = models.CharField(_("normal side"), max_length=6, choices=Side.choices)
    asset = models.CharField(_("asset"), max_length=16, blank=True, help_text=_("Empty: it depends on the account."))
    floor = UnitsField(_("lowest balance"), null=True, blank=True)
    slots = models.PositiveSmallIntegerField(_("balance rows"), default=1)

    class Meta:
        verbose_name = _("account kind")
        verbose_name_plural = _("account kinds")
        constraints = (
            models.CheckConstraint(condition=models.Q(normal_side__in=["debit", "credit"]), name="ledger_kind_side"),
            models.CheckConstraint(
                condition=models.Q(slots=1) | models.Q(slots__gt=1, floor=None), name="ledger_kind_floor_needs_one_row"
            ),
        )

    def __str__(self) -> str:
        return self.pattern


class LedgerAccount(models.Model):
    """An account, by its code. Its balance is the sum of its rows in `LedgerBalance`."""

    code = models.CharField(_("code"), max_length=80)
    asset = models.CharField(_("asset"), max_length=16)
    normal_side = models.CharField(_("normal side"), max_length=6, choices=Side.choices)
    floor = UnitsField(_("lowest balance"), null=True, blank=True)
    slots = models.PositiveSmallIntegerField(_("balance rows"), default=1)
    opened_at = models.DateTimeField(_("opened at"), db_default=Now())

    class Meta:
        verbose_name = _("ledger account")
        verbose_name_plural = _("ledger accounts")
        constraints = (
            # Not unique=True, here and below: Django would add a second index for LIKE, which nobody asks.
            models.UniqueConstraint(fields=["code"], name="ledger_account_code_once"),
            models.CheckConstraint(
                condition=models.Q(slots=1) | models.Q(slots__gt=1, floor=None),
                name="ledger_account_floor_needs_one_row",
            ),
        )

    def __str__(self) -> str:
        return self.code


class LedgerBalance(models.Model):
    """A part of an account's balance, positive on its normal side. Accounts with a floor have exactly one row."""

    pk = models.CompositePrimaryKey("account_id", "slot")
    account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="balances", db_index=False, verbose_name=_("account")
    )
    slot = models.PositiveSmallIntegerField(_("slot"))
    balance = UnitsField(_("balance"), default=0)
    floor = UnitsField(_("lowest balance"), null=True, blank=True)

    class Meta:
        verbose_name = _("ledger balance")
        verbose_name_plural = _("ledger balances")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(floor=None) | models.Q(slot=0, balance__gte=models.F("floor")),
                name="ledger_balance_not_below_its_floor",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id}/{self.slot}: {self.balance}"


class LedgerTransfer(models.Model):
    """`amount` moved from one account to another of the same asset, once. Never changes.

    No foreign keys in the database: the posting function takes both ids from the accounts' table, whose rows are never
    deleted, and the keys' triggers would be most of a large batch's cost. `check_ledger` looks for strays.
    """

    key = models.CharField(_("key"), max_length=120)
    debit = models.ForeignKey(
        LedgerAccount,
        on_delete=models.PROTECT,
        related_name="debits",
        db_constraint=False,
        db_index=False,
        verbose_name=_("debit"),
    )
    credit = models.ForeignKey(
        LedgerAccount,
        on_delete=models.PROTECT,
        related_name="credits",
        db_constraint=False,
        db_index=False,
        verbose_name=_("credit"),
    )
    amount = UnitsField(_("amount"))
    kind = models.CharField(_("kind"), max_length=40)
    group = models.CharField(_("group"), max_length=80, blank=True, db_default="")
    posted_at = models.DateTimeField(_("posted at"), db_default=Now())

    class Meta:
        verbose_name = _("ledger transfer")
        verbose_name_plural = _("ledger transfers")
        constraints = (
            models.UniqueConstraint(fields=["key"], name="ledger_transfer_key_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="ledger_transfer_amount_positive"),
            models.CheckConstraint(
                condition=~models.Q(debit=models.F("credit")), name="ledger_transfer_between_two_accounts"
            ),
        )
        indexes = (
            models.Index(fields=["debit", "id"], name="ledger_transfer_by_debit"),
            models.Index(fields=["credit", "id"], name="ledger_transfer_by_credit"),
            models.Index(fields=["group"], name="ledger_transfer_by_group", condition=~models.Q(group="")),
        )

    def __str__(self) -> str:
        return self.key
