from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portal"


class ExchequerAdminConfig(AdminConfig):
    default_site = "portal.admin_site.ExchequerAdminSite"
