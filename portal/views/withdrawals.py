"""How money goes out: form, review, the confirmation from the mail, and the page of one withdrawal."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.activity import origin_of
from accounts.holds import running_hold
from accounts.profiles import ensure_profile
from accounts.second_factor import SecondFactorMissing, StepUpFailed
from accounts.settings_lock import is_locked
from payouts import known_addresses, selectors, withdrawals
from payouts.errors import (
    AlreadyConfirmed,
    IdempotencyKeyReused,
    LinkError,
    LooksAlike,
    WithdrawalError,
    WithdrawalNotFound,
)
from payouts.models import WithdrawalRequest
from payouts.states import FINAL, State
from portal.forms.step_up import StepUpForm
from portal.forms.withdrawals import WithdrawalForm
from portal.people import customer_of
from portal.timeline import timeline_of
from portal.views.deposits import cards
from treasury.chains import registry
from treasury.chains.network import Network
from treasury.money import InvalidAmount, parse_usdt, plain_usdt
from treasury.network_fees import FeeUnknown, highest_fee

UNPROCESSABLE = 422


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest) -> HttpResponse:
    """GET: the empty form. POST, from the review page: the request itself."""
    if request.method != "POST":
        return show_form(request, form_of(request, initial={"saved": request.GET.get("saved", "")}))
    form, step_up = form_of(request, request.POST), StepUpForm(request.POST, request=request)
    if not form.is_valid():
        return show_form(request, form, status=UNPROCESSABLE)
    if not step_up.is_valid():
        return show_review(request, form, step_up, status=UNPROCESSABLE)
    wish = form.cleaned_data
    try:
        made = withdrawals.request_withdrawal(
            customer_id=customer_of(request).pk,
            network=wish["network"],
            address=wish["address"],
            amount_micro=wish["amount"],
            idempotency_key=str(wish["key"]),
            step_up=step_up.prove(origin_of(request)),
            origin=origin_of(request),
            most_fee_micro=wish["fee"],
            resemblance_accepted=wish["resemblance"],
        )
    except SecondFactorMissing as error:
        messages.warning(request, str(error.message))
        return redirect("security")
    except StepUpFailed as error:
        step_up.refuse_step_up(error)
        return show_review(request, form, step_up, status=UNPROCESSABLE)
    except LooksAlike as error:
        form.refuse(error)
        return show_review(request, form, step_up, status=UNPROCESSABLE)
    except IdempotencyKeyReused as error:
        messages.warning(request, str(error.message))
        return redirect("withdrawal", error.public_id)
    except WithdrawalError as error:
        form.refuse(error)
        return show_form(request, form, status=UNPROCESSABLE)
    return redirect("withdrawal", made.public_id)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest) -> HttpResponse:
    """Says what will be debited and who gets what. Changes nothing."""
    if request.method != "POST":
        return redirect("withdraw")
    form = form_of(request, request.POST)
    if "edit" in request.POST:
        return show_form(request, form_of(request, initial=request.POST.dict()))
    if "max" in request.POST:
        return show_form(request, filled_with_most(request))
    if not form.is_valid():
        return show_form(request, form, status=UNPROCESSABLE)
    return show_review(request, form, StepUpForm(request=request))


@login_required
@never_cache
@require_safe
def quote(request: HttpRequest) -> HttpResponse:
    """The line under the amount while it is typed: what would be debited. Says nothing of amounts it cannot read."""
    try:
        amount_micro = parse_usdt(request.GET.get("amount", ""))
        typed = form_of(request, request.GET).data if request.GET.get("saved") else request.GET
        found = withdrawals.quote_withdrawal(typed.get("network", ""), amount_micro, address=typed.get("address", ""))
    except (InvalidAmount, WithdrawalError):
        found = None
    return render(request, "portal/parts/quote.html", {"quote": found})


def form_of(request: HttpRequest, data: Any = None, **options: Any) -> WithdrawalForm:
    """The form of this customer, who may choose from their address book."""
    return WithdrawalForm(data, book=known_addresses.address_book_of(customer_of(request).pk), **options)


def show_form(request: HttpRequest, form: WithdrawalForm, status: int = 200) -> HttpResponse:
    """The form, with what was typed in it."""
    customer = customer_of(request)
    available = selectors.funds_of(customer.pk).available_micro
    profile = ensure_profile(customer)
    choice = known_addresses.address_choice(profile.any_address_from)
    return render(
        request,
        "portal/withdraw.html",
        {
            "form": form,
            "available_micro": available,
            "frozen": profile.withdrawals_frozen_at is not None,
            "hold": running_hold(customer.pk),
            "book": form.book,
            "only_saved": choice.only_saved or is_locked(customer.pk),
            "cards": [MoneyCard(card.network, card.is_halted, most_of(card.network, available)) for card in cards()],
        },
        status=status,
    )


def show_review(request: HttpRequest, form: WithdrawalForm, step_up: StepUpForm, status: int = 200) -> HttpResponse:
    """What the request would be; the form again when it would be refused."""
    wish = form.cleaned_data
    try:
        preview = withdrawals.preview_withdrawal(
            customer_id=customer_of(request).pk,
            network=wish["network"],
            address=wish["address"],
            amount_micro=wish["amount"],
        )
    except WithdrawalError as error:
        form.refuse(error)
        return show_form(request, form, status=UNPROCESSABLE)
    hidden = {**wish, "amount": plain_usdt(wish["amount"]), "fee": preview.quote.fee_micro}
    hidden.pop("resemblance", None)  # it is ticked anew each time
    return render(
        request,
        "portal/withdraw_review.html",
        {
            "preview": preview,
            "form": form,
            "entry": known_addresses.entry_of(customer_of(request).pk, wish["network"], preview.address),
            "network": registry.network(wish["network"]),
            "hidden_fields": list(hidden.items()),
            "step_up": step_up,
        },
        status=status,
    )


@dataclass(frozen=True)
class MoneyCard:
    """A network as something to choose, with the most that can be sent on it now."""

    network: Network
    is_halted: bool
    most_micro: int


def most_of(network: Network, available_micro: int) -> int:
    """The largest amount that any recipient can get on `network`: the fee, at its highest, comes on top."""
    try:
        fee_micro = highest_fee(network).fee_micro
    except FeeUnknown:
        return 0
    return max(min(available_micro - fee_micro, network.max_withdrawal_micro), 0)


def filled_with_most(request: HttpRequest) -> WithdrawalForm:
    """The form with the largest amount typed in, for browsers without scripts."""
    typed = {**request.POST.dict(), **form_of(request, request.POST).data}
    chosen = registry.networks().get(typed.get("network", ""))
    if chosen is None:
        form = form_of(request, typed)
        form.is_valid()
        for name in ("address", "amount"):
            form.errors.pop(name, None)  # only the network is missing for the sum to be known
        return form
    available = selectors.funds_of(customer_of(request).pk).available_micro
    return form_of(request, initial={**typed, "amount": plain_usdt(most_of(chosen, available))})


@login_required
@never_cache
@require_safe
def withdrawal(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One withdrawal of this customer; anybody else's is not found."""
    return render(request, "portal/withdrawal.html", withdrawal_context(request, public_id))


@login_required
@never_cache
@require_safe
def live(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The part of the page that changes by itself; 204 when it would look the same."""
    context = withdrawal_context(request, public_id)
    if request.GET.get("seen") == context["digest"]:
        return HttpResponse(status=204)
    return render(request, "portal/parts/withdrawal_live.html", context | {"refreshed": True})


def withdrawal_context(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    found = find(request, public_id)
    state, events = State(found.state), list(found.events.all())
    return {
        "withdrawal": found,
        "steps": timeline_of(found.state, events),
        "is_moving": state not in FINAL,
        "is_debited": state is State.PAID,
        "is_back": state in FINAL and state is not State.PAID,
        "can_cancel": selectors.can_cancel(found),
        "explorer_url": selectors.explorer_url(found),
        # changes when the page would look different
        "digest": f"{found.state}-{len(events)}-{found.tx_hash[-8:]}",
    }


def find(request: HttpRequest, public_id: UUID) -> WithdrawalRequest:
    """This customer's withdrawal; anybody else's is not found."""
    try:
        return selectors.withdrawal_detail(public_id=public_id, customer_id=customer_of(request).pk)
    except WithdrawalNotFound as error:
        raise Http404 from error


@login_required
@require_POST
def cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    try:
        withdrawals.cancel_withdrawal(
            withdrawal_id=public_id, customer_id=customer_of(request).pk, origin=origin_of(request)
        )
    except WithdrawalNotFound as error:
        raise Http404 from error
    except WithdrawalError as error:
        messages.warning(request, str(error.message))
    else:
        messages.success(request, _("The withdrawal is cancelled. The money is available again."))
    return redirect("withdrawal", public_id)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail. Opening it shows what is to be confirmed (scanners open links); the button confirms."""
    customer = customer_of(request)
    try:
        if request.method == "POST":
            done = withdrawals.confirm_withdrawal(token=token, customer_id=customer.pk, origin=origin_of(request))
            messages.success(request, _("Confirmed. We review it now."))
            return redirect("withdrawal", done.public_id)
        found = withdrawals.withdrawal_of_link(token=token, customer_id=customer.pk)
    except LinkError as error:
        return show_link_problem(request, error)
    except WithdrawalError as error:  # stopped meanwhile, or the network is paused: the link stays good
        messages.warning(request, str(error.message))
        return redirect("withdrawal_confirm", token)
    return render(request, "portal/withdrawal_confirm.html", {"withdrawal": found})


def show_link_problem(request: HttpRequest, error: LinkError) -> HttpResponse:
    if isinstance(error, AlreadyConfirmed) and error.public_id:
        messages.info(request, str(error.message))
        return redirect("withdrawal", error.public_id)
    return render(request, "portal/withdrawal_link.html", {"error": error}, status=410)
