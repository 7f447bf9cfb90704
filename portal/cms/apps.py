from django.apps import AppConfig

from portal.cms import without_api

without_api.install()  # every application's module is imported before the first one gets ready


class CmsConfig(AppConfig):
    name = "portal.cms"
    label = "cms"
    verbose_name = "Content"
