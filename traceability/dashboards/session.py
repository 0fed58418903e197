"""Signing in and out, and the language of the pages."""

from __future__ import annotations

from math import ceil
from typing import Any

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST

from traceability.accounts.models import User
from traceability.accounts.selectors import sites_of
from traceability.dashboards import attempts
from traceability.dashboards.access import time_zone_of
from traceability.dashboards.reader import ZONE_KEY

YEAR = 31_536_000


class SignIn(LoginView):
    """The door. A language chosen on it stays the user's."""

    template_name = "session/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Look at a password only if it is not one of too many: 429 otherwise."""
        seconds = attempts.count(request, request.POST.get("username", ""))
        if not seconds:
            return super().post(request, *args, **kwargs)
        context = self.get_context_data(
            form=AuthenticationForm(request), minutes=ceil(seconds / 60)
        )
        headers = {"Retry-After": str(seconds)}
        return self.render_to_response(context, status=429, headers=headers)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        attempts.forget(self.request, self.request.POST.get("username", ""))
        user = form.get_user()
        assert isinstance(user, User)  # noqa: S101
        zone = time_zone_of(list(sites_of(user)))
        if zone is not None:
            self.request.session[ZONE_KEY] = zone.key
        chosen = self.request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        if chosen in dict(settings.LANGUAGES) and chosen != user.language:
            User.objects.filter(pk=user.pk).update(language=chosen)
        return response


def admin_door(request: HttpRequest) -> HttpResponse:
    """The back office has no door of its own; who is in already may not enter it."""
    if request.user.is_authenticated:
        return render(request, "back_office.html", status=403)
    wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
    return redirect_to_login(wanted)


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language on the user and in a cookie, then go back."""
    response = HttpResponseRedirect(_back(request))
    chosen = request.POST.get("language", "")
    if chosen not in dict(settings.LANGUAGES) or not check_for_language(chosen):
        return response
    if request.user.is_authenticated:
        User.objects.filter(pk=request.user.pk).update(language=chosen)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _back(request: HttpRequest) -> str:
    """The page that the form was on, never another host."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else "/"
