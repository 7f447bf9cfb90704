"""Shape only: whether something was given and can be read. What is allowed, the operations decide."""

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from payouts.errors import WithdrawalError
from payouts.known_addresses import BookEntry
from portal.forms.addresses import ResemblanceField
from treasury.chains import registry
from treasury.money import InvalidAmount, parse_usdt

AMOUNT_FAULTS = {
    "empty": _("Enter the amount."),
    "not_a_number": _("This is not an amount. Write it like 250 or 250.50."),
    "negative": _("The amount must be above zero."),
    "zero": _("The amount must be above zero."),
    "too_many_decimals": _("USDT has six decimals at most."),
    "too_large": _("This amount is too large."),
}


class AmountField(forms.CharField):
    """What a person typed, as micro-USDT."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "maxlength": 64})
        super().__init__(widget=widget, max_length=64, error_messages={"required": AMOUNT_FAULTS["empty"]}, **kwargs)

    def clean(self, value: Any) -> int:
        text = str(super().clean(value))
        try:
            return parse_usdt(text)
        except InvalidAmount as fault:
            raise forms.ValidationError(AMOUNT_FAULTS[fault.reason], code=fault.reason) from fault


class WithdrawalForm(forms.Form):
    network = forms.ChoiceField(label=_("Network"), error_messages={"required": _("Choose the network.")})
    address = forms.CharField(
        label=_("Recipient's address"),
        max_length=128,
        error_messages={"required": _("Enter the address to pay to.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    amount = AmountField(label=_("Amount, USDT"))
    # Made with the page: the same form sent twice is one request.
    key = forms.UUIDField(widget=forms.HiddenInput)

    # What the review page showed as the fee, in micro-USDT; only it sends one.
    fee = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)

    # An entry of the address book: network and address are then its, whatever was typed.
    saved = forms.ChoiceField(
        required=False, error_messages={"invalid_choice": _("Choose one of your saved addresses.")}
    )
    resemblance = ResemblanceField()

    def __init__(self, data: Any = None, *, book: Sequence[BookEntry] = (), **kwargs: Any) -> None:
        chosen = next((each.row for each in book if data and str(each.row.public_id) == data.get("saved")), None)
        if data is not None:
            data = {name: data.get(name) for name in self.base_fields if name in data}
            if chosen is not None:
                data |= {"network": chosen.network, "address": chosen.address}
        super().__init__(data, **kwargs)
        self.book = book
        self.fields["saved"].choices = [  # type: ignore[attr-defined]  # a ChoiceField has them
            (str(each.row.public_id), each.row.label) for each in book
        ]
        choices = [(code, network.name) for code, network in registry.networks().items()]
        self.fields["network"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField has them
        if not self.is_bound:
            self.initial.setdefault("key", uuid.uuid4())

    def refuse(self, error: WithdrawalError) -> None:
        """Show what the operation says beside the field that it is about."""
        self.add_error(error.field if error.field in self.fields else None, str(error.message))
