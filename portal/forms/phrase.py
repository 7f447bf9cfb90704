"""The form of the phrase in our mails. What may be a phrase, the operation decides."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.phrases import LONGEST


class PhraseForm(forms.Form):
    phrase = forms.CharField(
        label=_("Your phrase"),
        required=False,
        strip=False,
        max_length=4 * LONGEST,  # the operation says why a longer one is refused
        help_text=_("A few words that nobody guesses, for example the name of a book. Not your password."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "maxlength": LONGEST}),
    )
