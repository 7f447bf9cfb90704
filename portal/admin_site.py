"""The staff site."""

from unfold.sites import UnfoldAdminSite


class ExchequerAdminSite(UnfoldAdminSite):
    site_header = "Exchequer"
    site_title = "Exchequer"
