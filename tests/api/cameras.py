"""Clients with keys, photos and uploads."""

from __future__ import annotations

import io

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Pillow
from rest_framework.test import APIClient

from traceability.accounts.services import create_api_key


def client_with(site, *scopes):
    _, text = create_api_key(site, "test", scopes)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {text}")
    return client


def photo(width=64, height=48, seed=0, kind="JPEG"):
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, kind)
    return out.getvalue()


def form(data, **changes):
    fields = {
        "image": SimpleUploadedFile("photo.jpg", data, "image/jpeg"),
        "serial": "SN-1",
        "station": "AOI-1",
        "captured_at": "2026-03-11T08:00:00+08:00",
    }
    return {name: value for name, value in {**fields, **changes}.items() if value}


def upload(client, data, headers=None, **changes):
    return client.post(
        "/api/v1/inspections/",
        form(data, **changes),
        format="multipart",
        headers=headers or {},
    )
