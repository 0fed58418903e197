"""Cameras: what each station's photos go through before a detector sees them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from traceability.catalog.models import Station
from traceability.dashboards.access import PageRequest, may_act, page, require_action
from traceability.inspection import optics
from traceability.inspection.calibration import MOST_BYTES
from traceability.inspection.cameras import Optics
from traceability.inspection.offers import Offer, read_region, read_size
from traceability.lib.errors import CauselineError

EARLIER = 10


class OpticsForm(forms.Form):
    """What somebody wants of a camera; what is wrong stands beside its field."""

    calibration = forms.FileField(
        label=_("Calibration file"),
        help_text=_("As OpenCV writes it: XML, YAML or JSON."),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".xml,.yml,.yaml,.json"}),
    )
    keep_calibration = forms.BooleanField(
        label=_("Keep the calibration in use"), required=False
    )
    width = forms.IntegerField(
        label=_("Width of the photos"),
        help_text=_("Pixels, where no calibration says them."),
        required=False,
    )
    height = forms.IntegerField(label=_("Height of the photos"), required=False)
    denoise = forms.IntegerField(
        label=_("Denoise"), help_text=_("0 to 100 %."), required=False
    )
    region = forms.CharField(
        label=_("Region of interest"),
        help_text=_(
            "Left, top, width, height in pixels of the corrected photo; "
            "empty for the whole photo."
        ),
        required=False,
        max_length=50,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def offer(self) -> Offer:
        """Raises BadInput."""
        given: dict[str, Any] = self.cleaned_data
        file = given["calibration"]
        return Offer(
            calibration=file.read(MOST_BYTES + 1) if file else None,
            keep=given["keep_calibration"],
            size=read_size(given["width"], given["height"]),
            region=read_region(given["region"]),
            denoise=given["denoise"] or 0,
        )


@page
def cameras(request: PageRequest) -> HttpResponse:
    context = {"stations": optics.stations(request.sites)}
    return render(request, "cameras/list.html", context)


@page
def camera(request: PageRequest, pk: int) -> HttpResponse:
    station = _station(request, pk)
    return render(request, "cameras/page.html", _context(request, station))


@require_POST
@page
def set_optics(request: PageRequest, pk: int) -> HttpResponse:
    """Make them the active ones, or say what is wrong beside the fields."""
    station = _station(request, pk)
    require_action(request.user, station.site_id)
    form = OpticsForm(request.POST, request.FILES)
    if form.is_valid() and _stored(form, station, request):
        return _shown(request, station)
    return _shown(request, station, form)


@require_POST
@page
def retire_optics(request: PageRequest, pk: int) -> HttpResponse:
    """Look at the station's photos as they are, from now on."""
    station = _station(request, pk)
    require_action(request.user, station.site_id)
    for found in optics.active(station):
        optics.retire(found)
    return _shown(request, station)


def _stored(form: OpticsForm, station: Station, request: PageRequest) -> bool:
    try:
        optics.store(station, form.offer(), request.user)
    except CauselineError as error:
        for name, texts in error.fields.items():
            form.add_error(name, list(texts))
        return False
    return True


def _shown(
    request: PageRequest, station: Station, form: OpticsForm | None = None
) -> HttpResponse:
    """The panel, or without htmx the page; `form` is one with errors."""
    if not request.htmx and form is None:
        return redirect("camera", station.pk)
    context = _context(request, station, form)
    if request.htmx:
        return render(request, "cameras/_panel.html", context)
    return render(request, "cameras/page.html", context, status=422)


def _context(
    request: PageRequest, station: Station, form: OpticsForm | None = None
) -> dict[str, Any]:
    rows = list(optics.visible(request.sites).filter(station=station))
    rows.sort(key=lambda row: row.created_at, reverse=True)
    used = next((row for row in rows if row.retired_at is None), None)
    newest = optics.newest_photo(station)
    return {
        "station": station,
        "used": used,
        "earlier": [row for row in rows if row.retired_at][:EARLIER],
        "newest": newest,
        "warnings": optics.warnings(used) if used else [],
        "fits": bool(used and newest and not optics.unfit(used, newest)),
        "form": form or OpticsForm(initial=_initial(used, newest)),
        "may_act": may_act(request.user, station.site_id),
        "changed": request.method == "POST" and form is None,
    }


def _initial(used: Optics | None, newest: Any) -> dict[str, Any]:
    """As it is; sizes only where no calibration says them."""
    if used is None:
        size = {"width": newest.width, "height": newest.height} if newest else {}
        return {**size, "denoise": 0}
    size = {} if used.camera else {"width": used.width, "height": used.height}
    region = ", ".join(map(str, used.region))
    return {
        **size,
        "keep_calibration": bool(used.camera),
        "region": region,
        "denoise": used.denoise,
    }


def _station(request: PageRequest, pk: int) -> Station:
    mine = Station.objects.filter(site__in=request.sites).select_related("line")
    return get_object_or_404(mine, pk=pk)
