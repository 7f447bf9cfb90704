"""People: customers and staff sign in with their e-mail address."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Makes users; an e-mail address is kept in lower case, so one mailbox has one account."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user with `email`; `password` None leaves the account without a usable one."""
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        UserProfile.objects.using(self._db).get_or_create(user=user)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_unique_lower"),)

    def __str__(self) -> str:
        return self.email

    def is_verified(self) -> bool:
        """Whether this session was verified by a second factor; django-otp's middleware says so with each request."""
        return getattr(self, "otp_device", None) is not None

    def get_full_name(self) -> str:
        return self.full_name or self.email

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] if self.full_name else self.email.split("@")[0]


class UserProfile(models.Model):
    """What a person chose, and what holds them back."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="profile", verbose_name=_("user"))
    language = models.CharField(_("language"), max_length=5, default="ru")
    withdrawals_frozen_at = models.DateTimeField(_("withdrawals frozen at"), null=True, blank=True)
    withdrawals_frozen_reason = models.CharField(_("why withdrawals are frozen"), max_length=200, blank=True)
    frozen_by_person = models.BooleanField(
        _("frozen by a person"),
        db_default=False,
        help_text=_("By the customer or support, because somebody else may have been in there; not by a process."),
    )
    # One of the staff has asked that they go on; a second one confirms.
    thaw_asked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("thaw asked by")
    )
    thaw_asked_at = models.DateTimeField(_("thaw asked at"), null=True, blank=True)
    thaw_reason = models.CharField(_("why they may go on"), max_length=200, blank=True)
    any_address_from = models.DateTimeField(
        _("withdrawals to any address from"),
        null=True,
        blank=True,
        help_text=_("Empty: to saved addresses only, which is how everybody begins."),
    )
    # Shown in each mail to its owner, and nowhere else: whoever forges a mail doesn't know it.
    anti_phishing_phrase = models.CharField(_("phrase in mails"), max_length=40, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")

    def __str__(self) -> str:
        return str(self.user)


class Customer(User):
    """A person who keeps money here: the staff's view of an account that is not staff."""

    class Meta:
        proxy = True
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        permissions = (("freeze_customer", "Can freeze and unfreeze a customer's withdrawals"),)


class StaffUser(User):
    """A person who works here."""

    class Meta:
        proxy = True
        verbose_name = _("staff member")
        verbose_name_plural = _("staff members")
