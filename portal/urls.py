"""Every address of the site. Wagtail's catch-all comes last."""

from allauth.account import views as account_views
from allauth.account.decorators import reauthentication_required
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

from accounts.second_factor import has_second_factor
from portal.cms.closed import closed

proven_by_factor = reauthentication_required(enabled=lambda request: has_second_factor(request.user))

urlpatterns = [
    path("admin/", admin.site.urls),
    # People and roles are changed on the staff site, where it is asked for a proof and audited: not in Wagtail as well.
    re_path("^cms/(users|groups|bulk/accounts|bulk/auth)/", closed),
    path("cms/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("account/2fa/", RedirectView.as_view(pattern_name="security"), name="mfa_index"),
    path("account/2fa/", include("portal.factor_pages")),
    path("account/2fa/", include("allauth.mfa.urls")),
    # Who has a second factor gives it here too: the old password alone may be anybody's by now.
    path(
        "account/password/change/",
        proven_by_factor(account_views.password_change),
        name="account_change_password",
    ),
    path("account/", include("allauth.account.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("portal.views.urls")),
    path("", include(wagtail_urls)),
]
