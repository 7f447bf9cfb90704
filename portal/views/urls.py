"""The customers' pages and the health answers."""

from django.urls import path

from portal.views import dashboard, deposits, health, history, phrase, preferences, withdrawals

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("deposit/", deposits.choose, name="deposit"),
    path("deposit/live/", deposits.live, name="deposit_live"),
    path("deposit/<slug:network>/", deposits.network, name="deposit_network"),
    path("withdraw/", withdrawals.withdraw, name="withdraw"),
    path("withdraw/review/", withdrawals.review, name="withdraw_review"),
    path("withdraw/quote/", withdrawals.quote, name="withdraw_quote"),
    path("withdrawals/confirm/<str:token>/", withdrawals.confirm, name="withdrawal_confirm"),
    path("withdrawals/<uuid:public_id>/", withdrawals.withdrawal, name="withdrawal"),
    path("withdrawals/<uuid:public_id>/live/", withdrawals.live, name="withdrawal_live"),
    path("withdrawals/<uuid:public_id>/cancel/", withdrawals.cancel, name="withdrawal_cancel"),
    path("history/", history.history, name="history"),
    path("settings/", preferences.settings_page, name="settings"),
    path("security/phrase/", phrase.phrase, name="security_phrase"),
    path("language/", preferences.language, name="language"),
    path("theme/", preferences.theme, name="theme"),
]
