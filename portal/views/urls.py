"""The customers' pages and the health answers."""

from django.urls import path

from portal.views import addresses, dashboard, deposits, health, history, preferences, settings_lock, withdrawals

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
    path("security/addresses/", addresses.addresses, name="addresses"),
    path("security/addresses/add/", addresses.add, name="address_add"),
    path("security/addresses/choice/", addresses.choice, name="address_choice"),
    path("security/addresses/confirm/<str:token>/", addresses.confirm, name="address_confirm"),
    path("security/addresses/<uuid:entry_id>/remove/", addresses.remove, name="address_remove"),
    path("security/lock/", settings_lock.lock, name="settings_lock"),
    path("security/lock/unlock/", settings_lock.unlock, name="settings_unlock"),
    path("security/lock/keep/", settings_lock.keep, name="settings_keep_locked"),
    path("security/lock/confirm/<str:token>/", settings_lock.confirm, name="settings_unlock_confirm"),
    path("language/", preferences.language, name="language"),
    path("theme/", preferences.theme, name="theme"),
]
