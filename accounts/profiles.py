"""What a person chose; every user has a profile."""

from django.conf import settings

from .models import User, UserProfile

LANGUAGES = frozenset(code for code, _name in settings.LANGUAGES)


def ensure_profile(user: User, *, language: str = "") -> UserProfile:
    """The profile of `user`, made if there is none."""
    profile, _created = UserProfile.objects.get_or_create(
        user=user, defaults={"language": language if language in LANGUAGES else settings.LANGUAGE_CODE}
    )
    return profile


def choose_language(*, user_id: int, language: str) -> None:
    """Mails and pages speak `language` from now on. Raises ValueError for one that the site does not have."""
    if language not in LANGUAGES:
        raise ValueError(f"no such language here: {language!r}")
    UserProfile.objects.filter(user_id=user_id).update(language=language)
