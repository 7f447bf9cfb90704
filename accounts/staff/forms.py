"""Small forms of the staff's filters."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from unfold.widgets import INPUT_CLASSES


def line() -> forms.TextInput:
    """A one-line input in the site's style."""
    return forms.TextInput(attrs={"class": " ".join(INPUT_CLASSES), "autocomplete": "off"})


class ExactForm(forms.Form):
    """One exact value, under the name that the query string gives it."""

    name: ClassVar[str]
    label: ClassVar[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[self.name] = forms.CharField(label=self.label, required=False, max_length=200, widget=line())
