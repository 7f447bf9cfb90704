"""The address book: what is saved, adding with a mailed confirmation, removing, and the choice of saved ones only."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import settings_lock
from accounts.activity import origin_of
from accounts.holds import running_hold
from accounts.profiles import ensure_profile
from accounts.second_factor import StepUpFailed
from accounts.settings_lock import SettingsLocked
from payouts import address_book, known_addresses
from payouts.errors import (
    AddressConfirmedAlready,
    AddressLinkError,
    LooksAlike,
    SavedAddressNotFound,
    WithdrawalError,
    WithdrawalRefused,
)
from portal.forms.addresses import AddressForm
from portal.forms.step_up import StepUpForm
from portal.people import customer_of
from portal.views.deposits import cards

UNPROCESSABLE = 422


@login_required
@never_cache
@require_safe
def addresses(request: HttpRequest) -> HttpResponse:
    return show_book(request, StepUpForm(request=request))


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """GET: the empty form. POST: the entry, and the mail that asks for its confirmation."""
    if request.method != "POST":
        return show_form(
            request, AddressForm(initial={"network": request.GET.get("network", "")}), StepUpForm(request=request)
        )
    form, step_up = AddressForm(request.POST), StepUpForm(request.POST, request=request)
    if not (form.is_valid() & step_up.is_valid()):
        return show_form(request, form, step_up, status=UNPROCESSABLE)
    wish = form.cleaned_data
    try:
        entry = address_book.add_address(
            customer_id=customer_of(request).pk,
            label=wish["label"],
            network=wish["network"],
            address=wish["address"],
            step_up=step_up.prove(origin_of(request)),
            resemblance_accepted=wish["resemblance"],
            origin=origin_of(request),
        )
    except StepUpFailed as error:
        step_up.refuse_step_up(error)
    except LooksAlike as error:
        form.refuse(error)
        return show_form(request, form, step_up, resembles=error.resembles, status=UNPROCESSABLE)
    except SettingsLocked as error:
        form.add_error(None, str(error.message))
    except WithdrawalError as error:
        form.refuse(error)
    else:
        messages.success(
            request,
            _("Almost there: open the link in the mail to %(email)s to confirm the address.")
            % {"email": entry.customer.email},
        )
        return redirect("addresses")
    return show_form(request, form, step_up, status=UNPROCESSABLE)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail. Opening it shows what is to be confirmed (scanners open links); the button confirms."""
    customer = customer_of(request)
    try:
        if request.method == "POST":
            address_book.confirm_address(token=token, customer_id=customer.pk, origin=origin_of(request))
            messages.success(request, _("The address is saved."))
            return redirect("addresses")
        entry = address_book.address_of_link(token=token, customer_id=customer.pk)
    except AddressConfirmedAlready as error:
        messages.info(request, str(error.message))
        return redirect("addresses")
    except AddressLinkError as error:
        return render(request, "portal/address_link.html", {"error": error}, status=410)
    except (SettingsLocked, WithdrawalRefused) as error:
        messages.warning(request, str(error.message))
        return redirect("addresses")
    return render(request, "portal/address_confirm.html", {"entry": entry})


@login_required
@require_POST
def remove(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    try:
        entry = address_book.remove_address(
            customer_id=customer_of(request).pk, entry_id=entry_id, origin=origin_of(request)
        )
    except SavedAddressNotFound as error:
        raise Http404 from error
    messages.success(request, _("“%(label)s” is removed.") % {"label": entry.label})
    return redirect("addresses")


@login_required
@never_cache
@require_POST
def choice(request: HttpRequest) -> HttpResponse:
    """To saved addresses only: at once. To any: with a step-up, and after the time that a new address waits."""
    customer, step_up = customer_of(request), StepUpForm(request.POST, request=request)
    try:
        if request.POST.get("choice") == "saved":
            address_book.allow_saved_addresses_only(customer_id=customer.pk, origin=origin_of(request))
            messages.success(request, _("From now on withdrawals go to saved addresses only."))
        elif step_up.is_valid():
            address_book.allow_any_address(
                customer_id=customer.pk,
                step_up=step_up.prove(origin_of(request)),
                origin=origin_of(request),
            )
            messages.success(request, _("Your choice is noted. It takes effect once the waiting time is over."))
        else:
            return show_book(request, step_up, status=UNPROCESSABLE)
    except StepUpFailed as error:
        step_up.refuse_step_up(error)
        return show_book(request, step_up, status=UNPROCESSABLE)
    except (SettingsLocked, WithdrawalRefused) as error:
        messages.warning(request, str(error.message))
    return redirect("addresses")


def show_book(request: HttpRequest, step_up: StepUpForm, status: int = 200) -> HttpResponse:
    customer = customer_of(request)
    return render(
        request,
        "portal/addresses.html",
        {
            "entries": known_addresses.address_book_of(customer.pk),
            "choice": known_addresses.address_choice(ensure_profile(customer).any_address_from),
            "lock": settings_lock.current_lock(customer.pk),
            "hold": running_hold(customer.pk),
            "step_up": step_up,
        },
        status=status,
    )


def show_form(
    request: HttpRequest, form: AddressForm, step_up: StepUpForm, *, resembles: str = "", status: int = 200
) -> HttpResponse:
    """The form, with what was typed in it; with the known address beside the new one where they look alike."""
    customer = customer_of(request)
    return render(
        request,
        "portal/address_add.html",
        {
            "form": form,
            "step_up": step_up,
            "resembles": resembles,
            "cards": cards(),
            "lock": settings_lock.current_lock(customer.pk),
        },
        status=status,
    )
