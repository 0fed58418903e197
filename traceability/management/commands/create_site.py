"""Set up a site: the row, its alert rules, and somebody to run it."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from traceability.accounts.models import Membership, Role, User
from traceability.alerts.services import create_default_rules
from traceability.catalog.models import Site


class Command(BaseCommand):
    help = "Create a site with an administrator, and print the password once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", help="short code of the site, e.g. SZ1")
        parser.add_argument("--name", default="", help="full name of the site")
        parser.add_argument("--time-zone", default="UTC", help="e.g. Asia/Shanghai")
        parser.add_argument("--admin", default="admin", help="user name")
        parser.add_argument("--email", default="", help="where the user reads mail")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        code = options["code"]
        if Site.objects.filter(code=code).exists():
            raise CommandError(f"There is a site {code!r} already.")
        zone = options["time_zone"]
        site = Site(code=code, name=options["name"] or code, time_zone=zone)
        try:
            site.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        site.save()
        create_default_rules(site)
        self._give_admin(site, options["admin"], options["email"])

    def _give_admin(self, site: Site, name: str, email: str) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            password = secrets.token_urlsafe(12)
            user = User.objects.create_superuser(name, email, password)
            self.stdout.write(f"user {name}, password {password}")
        Membership.objects.create(user=user, site=site, role=Role.ADMIN)
        self.stdout.write(f"site {site.code} is ready")
