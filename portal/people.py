"""Who is looking at the page."""

from django.http import HttpRequest

from accounts.models import User


def customer_of(request: HttpRequest) -> User:
    """The signed-in person. Only for views behind `login_required`."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("a view without login_required asked for its customer")
    return user
