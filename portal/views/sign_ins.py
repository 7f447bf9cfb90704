"""Who signed in to the account, or tried to: the customer's own login history."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.login_history import PAGE, sign_ins_of
from accounts.sign_ins import THIS_SIGN_IN
from portal.people import customer_of

LONGEST_KEY = 18  # digits


@login_required
@never_cache
@require_safe
def sign_ins(request: HttpRequest) -> HttpResponse:
    given = request.GET.get("before", "")
    if given and not (given.isascii() and given.isdecimal() and len(given) <= LONGEST_KEY):
        raise Http404
    rows = sign_ins_of(customer_of(request).pk, before_id=int(given) if given else None, limit=PAGE + 1)
    page = rows[:PAGE]
    return render(
        request,
        "portal/sign_ins.html",
        {
            "rows": page,
            "this_sign_in": request.session.get(THIS_SIGN_IN),
            "older_url": f"?before={page[-1].pk}" if len(rows) > PAGE else "",
            "is_first": not given,
        },
    )
