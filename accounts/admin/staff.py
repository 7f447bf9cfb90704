"""People who work here, and what their roles allow. Roles are code: a group's permissions are shown, never edited."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.activity import origin_of
from accounts.models import StaffUser
from accounts.roles import ROLES
from accounts.second_factor import StepUpFailed, StepUpMissing
from accounts.staff.dialogs import StaffStepUp
from accounts.staff.display import NOTHING, labelled, lines, moment
from accounts.staff.people import staff_of
from accounts.staff.readonly import ReadOnlyAdmin
from accounts.staff_users import add_staff_user, change_staff_user

STEP_UP = "staff_user_step_up"
"""An attribute of the request: the form that asked who is at the keyboard, with what it found."""


class StaffUserForm(forms.ModelForm):
    """Name, roles, and whether the person may come in. Rights of single people do not exist: only roles."""

    step_up: ClassVar[StaffStepUp]

    groups = forms.ModelMultipleChoiceField(
        label=_("Roles"),
        required=False,
        queryset=Group.objects.filter(name__in=ROLES).order_by("name"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = StaffUser
        fields = ("email", "full_name", "is_active", "groups")

    def clean(self) -> dict[str, Any] | None:
        """Nothing is saved without a proof; what was wrong with it is said beside its own field, below this form's."""
        if not self.step_up.is_fresh:
            raise forms.ValidationError(StepUpMissing.message)
        return super().clean()

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).strip().lower()
        if StaffUser.objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This address has an account already. Staff use an account of their own."))
        return email


@admin.register(StaffUser)
class StaffUserAdmin(ReadOnlyAdmin):
    """The one editor of the site. Nobody edits themselves or a superuser, and nobody is deleted."""

    form = StaffUserForm
    change_form_template = "admin/accounts/staffuser/change_form.html"
    list_display = ("email_", "full_name", "roles", "state", "last_seen")
    search_fields = ("email",)
    search_help_text = _("Exact e-mail address")
    fields = ("email", "full_name", "is_active", "groups")
    add_fieldsets = (
        (
            None,
            {
                "fields": ("email", "full_name", "groups"),
                "description": _(
                    "They choose a password through “Forgot your password?” on the sign-in page; "
                    "until then nobody can sign in."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffUser]:
        return super().get_queryset(request).filter(is_staff=True).prefetch_related("groups")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("accounts.add_staffuser"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not request.user.has_perm("accounts.change_staffuser"):
            return False
        return obj is None or (obj.pk != request.user.pk and not obj.is_superuser)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("email",) if obj is not None else ()

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(email=term.lower())

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Who is at the keyboard is asked before Django's transaction: a try counts whatever becomes of the rest."""
        step_up = StaffStepUp(request.POST) if request.method == "POST" else StaffStepUp()
        step_up.ask(request)
        if step_up.is_bound and step_up.is_valid() and self._may_save(request, object_id):
            try:
                step_up.prove(origin_of(request))
            except StepUpFailed as refusal:
                step_up.refuse_step_up(refusal)
        setattr(request, STEP_UP, step_up)
        context = {**(extra_context or {}), "step_up": step_up}
        return super().changeform_view(request, object_id, form_url, context)

    def _may_save(self, request: HttpRequest, object_id: str | None) -> bool:
        if object_id is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, self.get_object(request, object_id))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made: Any = super().get_form(request, obj, change=change, **kwargs)
        made.step_up = getattr(request, STEP_UP)
        return made

    def save_model(self, request: HttpRequest, obj: Any, form: Form, change: Any) -> None:
        """Through the operations, which write the audit; the form's own saving of groups is left out."""
        roles = sorted(group.name for group in form.cleaned_data["groups"])
        if change:
            change_staff_user(
                user_id=obj.pk, full_name=obj.full_name, is_active=obj.is_active, roles=roles,
                actor=staff_of(request), origin=origin_of(request),
            )  # fmt: skip
        else:
            made = add_staff_user(
                email=obj.email,
                full_name=obj.full_name,
                roles=roles,
                actor=staff_of(request),
                origin=origin_of(request),
            )
            obj.pk = made.pk

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is left to save: see `save_model`."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The audit has it already."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The audit has it already."""

    @display(description=_("e-mail address"))
    def email_(self, user: StaffUser) -> str:
        return user.email

    @display(description=_("roles"), label=True)
    def roles(self, user: StaffUser) -> list[str]:
        names = sorted(group.name for group in user.groups.all())
        return ["superuser", *names] if user.is_superuser else names

    @labelled(description=_("account"), colours={"active": "success", "closed": "danger"})
    def state(self, user: StaffUser) -> tuple[str, Any]:
        return ("active", _("Active")) if user.is_active else ("closed", _("Closed"))

    @display(description=_("last sign-in"))
    def last_seen(self, user: StaffUser) -> str:
        return moment(user.last_login)


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin):
    """The four roles, as the code has them."""

    list_display = ("name", "allowed", "people")
    fields = ("name", "permissions_", "people")
    newest_first_by_default = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).filter(name__in=ROLES).prefetch_related("permissions", "user_set")

    @display(description=_("permissions"))
    def allowed(self, group: Group) -> str:
        return str(len(group.permissions.all()))

    @display(description=_("permissions"))
    def permissions_(self, group: Group) -> str:
        return lines(ROLES.get(group.name, ()))

    @display(description=_("people"))
    def people(self, group: Group) -> str:
        return ", ".join(sorted(user.email for user in group.user_set.all())) or NOTHING
