"""The forms of the address book and of the lock on the settings: shape only, the operations decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from payouts.errors import WithdrawalError
from treasury.chains import registry


class ResemblanceField(forms.BooleanField):
    """Ticked by somebody who was warned of a look-alike and means this address."""

    def __init__(self) -> None:
        super().__init__(
            label=_("I have compared the whole address. It is the one that I mean."),
            required=False,
            widget=forms.CheckboxInput(),
        )


class AddressForm(forms.Form):
    label = forms.CharField(
        label=_("Name"),
        max_length=200,
        error_messages={"required": _("Give the address a name, so that you know it again.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "maxlength": 40}),
    )
    network = forms.ChoiceField(label=_("Network"), error_messages={"required": _("Choose the network.")})
    address = forms.CharField(
        label=_("Address"),
        max_length=128,
        error_messages={"required": _("Enter the address.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    resemblance = ResemblanceField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(code, network.name) for code, network in registry.networks().items()]
        self.fields["network"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField has them

    def refuse(self, error: WithdrawalError) -> None:
        """Show what the operation says beside the field that it is about."""
        self.add_error(error.field if error.field in self.fields else None, str(error.message))


class LockForm(forms.Form):
    days = forms.TypedChoiceField(
        label=_("Lock for"), coerce=int, error_messages={"required": _("Choose from 1 to 30 days.")}
    )
    wait_days = forms.TypedChoiceField(
        label=_("Unlocking earlier takes"), coerce=int, error_messages={"required": _("Choose from 1 to 30 days.")}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(days, str(days)) for days in range(1, 31)]
        self.fields["days"].choices = choices  # type: ignore[attr-defined]  # as above
        self.fields["wait_days"].choices = choices  # type: ignore[attr-defined]  # as above
        if not self.is_bound:
            self.initial.setdefault("days", 7)
            self.initial.setdefault("wait_days", 3)
