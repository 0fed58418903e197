"""What the alert's mail says, and that it arrives as it was meant."""

from __future__ import annotations

import io
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client
from django.utils import timezone, translation
from PIL import Image as Pillow
from pytest_django import Settings

from tests.alerts.scene import (
    Scene,
    alerts_now,
    dispatch,
    dispatch_and_deliver,
    store_photo,
)
from tests.outbox.smtp import Inbox
from traceability.alerts import mail, pictures, services
from traceability.alerts.models import Alert
from traceability.attribution import wording
from traceability.inspection.models import Defect
from traceability.outbox import deliveries
from traceability.outbox.mail import Mail
from traceability.outbox.models import Delivery, DeliveryState

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>\r\nBcc: all@example.com"


def parts(message: EmailMessage) -> tuple[str, str, list[bytes]]:
    """Text, HTML and pictures."""
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    images = [p for p in message.walk() if p.get_content_type() == "image/jpeg"]
    return (
        text.get_content(),
        html.get_content(),
        [image.get_payload(decode=True) for image in images],  # type: ignore[misc]
    )


def written(alert: Alert, user: Any) -> Mail:
    return mail.render({"alert": str(alert.pk), "user": user.pk})


def three_shorts(scene: Scene, file: str = "") -> Alert:
    for minute in range(3):
        scene.photo(minute, [scene.short], file=file)
    dispatch()
    return alerts_now()[-1]


def test_the_mail_arrives_with_picture_causes_and_permalink(
    scene: Scene, inbox: Inbox, client: Client
) -> None:
    """From the analysis over a real SMTP conversation to the page behind the link."""
    user = scene.user()
    scene.photo(1, [scene.short], file=store_photo(), serial="PCB-1")
    problem = scene.problem(
        causes=[{}, {"kind": "lot", "confidence": 0.4}, {"confidence": 0.1}]
    )
    assert dispatch_and_deliver() == 1
    (message,) = inbox.mails
    assert inbox.recipients == ["engineer@example.com"]
    text, html, images = parts(message)
    assert message["Subject"] == "Short on Line 1: 139 defective units (1.7 %)"
    assert "PCB-1" in text
    assert "AOI-1" in text
    link = f"{site.SITE_URL}/problems/{problem.pk}/"
    assert link in text
    assert f'href="{link}"' in html
    (image,) = images
    with Pillow.open(io.BytesIO(image)) as picture:
        assert picture.size == pictures.SIZE
    assert 'src="cid:defect"' in html
    assert_same_causes(html, client, user, link.removeprefix(site.SITE_URL))


def assert_same_causes(html: str, client: Client, user: Any, path: str) -> None:
    """The page behind the link ranks the same causes in the same order."""
    client.force_login(user)
    page = client.get(path)
    assert page.status_code == 200
    shown = page.content.decode()
    causes = alerts_now()[0].problem.causes.order_by("rank")  # type: ignore[union-attr]
    with translation.override("en"), timezone.override("Asia/Shanghai"):
        headings = [wording.heading(cause) for cause in causes]
    for text in (html, shown):
        places = [text.find(heading) for heading in headings]
        assert -1 not in places
        assert places == sorted(places)


def test_consecutive_defects_link_to_their_alert(
    scene: Scene, inbox: Inbox, client: Client
) -> None:
    user = scene.user()
    alert = three_shorts(scene, store_photo())
    assert deliveries.deliver_due() == 1
    (message,) = inbox.mails
    text, html, images = parts(message)
    assert message["Subject"] == "Short on 3 units in a row at AOI-1"
    assert f"{site.SITE_URL}/alerts/{alert.pk}/" in text
    assert f"/inspections/{alert.inspection_id}/" in html
    assert "U0, U1, U2" in text
    assert len(images) == 1
    client.force_login(user)
    assert client.get(f"/alerts/{alert.pk}/").status_code == 200
    assert client.get(f"/inspections/{alert.inspection_id}/").status_code == 200


def test_times_are_those_of_the_site(scene: Scene) -> None:
    scene.start = scene.start.replace(hour=17, minute=5)  # 01:05 on the next day there
    alert = three_shorts(scene)
    letter = written(alert, scene.user())
    assert re.search(r"Since: .*01:05", letter.text)
    assert "Asia/Shanghai" in letter.text


def test_a_wrong_time_zone_stops_no_mail(scene: Scene) -> None:
    scene.site.time_zone = "Mars/Olympus"
    scene.site.save()
    assert "Times are those of UTC." in written(three_shorts(scene), scene.user()).text


def test_each_reads_their_own_language(scene: Scene, inbox: Inbox) -> None:
    scene.user("li", language="zh-hans")
    scene.user("smith", language="en")
    three_shorts(scene)
    assert deliveries.deliver_due() == 2
    mails = {str(message["To"]): message for message in inbox.mails}
    chinese, english = mails["li@example.com"], mails["smith@example.com"]
    assert "短路" in chinese["Subject"]
    assert 'lang="zh-hans"' in parts(chinese)[1]
    assert "Short" in english["Subject"]
    assert "短路" not in parts(english)[1]
    assert translation.get_language() == "en"


def test_the_whole_mail_is_translated(scene: Scene) -> None:
    if not (Path(site.LOCALE_PATHS[0]) / "zh_Hans").exists():
        pytest.skip("there are no translations yet")
    scene.user()
    scene.problem()
    dispatch()
    chinese = written(alerts_now()[0], scene.user("li", language="zh-hans"))
    left = set(re.findall(r"[A-Za-z]{4,}", chinese.text))
    names = {"Line", "Suzhou", "Asia", "Shanghai", "http", "problems", "PCB"}
    assert {word for word in left if not re.fullmatch("[a-f]+", word)} <= names


def test_hostile_names_stay_names(scene: Scene, inbox: Inbox) -> None:
    scene.user()
    for row in (scene.line, scene.station, scene.site):
        type(row).objects.filter(pk=row.pk).update(name=HOSTILE)
    for minute in range(3):
        scene.photo(minute, [scene.short], serial=f"{HOSTILE}{minute}")
    scene.problem(causes=[{"statement": {"code": HOSTILE, "params": {"x": HOSTILE}}}])
    assert dispatch_and_deliver() == 2
    for message in inbox.mails:
        text, html, _images = parts(message)
        assert message["Bcc"] is None
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert not re.search(r"^Bcc:", text, re.MULTILINE)
    assert set(inbox.recipients) == {"engineer@example.com"}


def test_a_huge_list_of_causes_is_cut_short(scene: Scene) -> None:
    scene.problem(causes=[{"confidence": 0.21}] * 400)
    dispatch()
    letter = written(alerts_now()[0], scene.user())
    assert "397 more causes on the page." in letter.html
    assert len(letter.html) < 20_000, "Gmail cuts a mail at 102 KB"


def test_no_cause_is_an_answer(scene: Scene) -> None:
    scene.problem(causes=[])
    dispatch()
    letter = written(alerts_now()[0], scene.user())
    assert "Nothing that was recorded explains this." in letter.text
    scene.user("late")
    alert = three_shorts(scene)
    Alert.objects.filter(pk=alert.pk).update(problem=None)
    letter = written(alert, scene.user("later"))
    assert "No analysis has looked at this yet." in letter.html


def test_the_mail_says_what_is_true_when_it_leaves(scene: Scene, inbox: Inbox) -> None:
    scene.user()
    scene.problem(causes=[{"confidence": 0.5}])
    dispatch()
    scene.problem(causes=[{"confidence": 0.9}])
    dispatch()
    assert deliveries.deliver_due() == 1
    assert "90 %" in parts(inbox.mails[0])[0]


def test_a_withdrawn_alert_sends_nothing(scene: Scene, inbox: Inbox) -> None:
    scene.user()
    alert = three_shorts(scene)
    services.withdraw(alert)
    assert deliveries.deliver_due() == 0
    assert Delivery.objects.get().error == "the alert was withdrawn"


@pytest.mark.parametrize("how", ["left", "deleted"])
def test_who_has_left_gets_nothing(scene: Scene, inbox: Inbox, how: str) -> None:
    user = scene.user()
    three_shorts(scene)
    if how == "left":
        type(user).objects.filter(pk=user.pk).update(is_active=False)
    else:
        user.delete()
    assert deliveries.deliver_due() == 0
    assert Delivery.objects.get().state == DeliveryState.FAILED


@pytest.mark.parametrize("file", ["", "2026/01/01/gone", "../../etc/hostname"])
def test_a_lost_photo_stops_no_mail(scene: Scene, inbox: Inbox, file: str) -> None:
    scene.user()
    three_shorts(scene, file)
    assert deliveries.deliver_due() == 1
    _text, html, images = parts(inbox.mails[0])
    assert not images
    assert "cid:" not in html


def test_repeated_alerts_of_a_place_are_one_conversation(
    scene: Scene, inbox: Inbox
) -> None:
    scene.user()
    three_shorts(scene)
    scene.photo(3)
    for minute in (4, 5, 6):
        scene.photo(minute, [scene.short])
    assert dispatch_and_deliver() == 2
    first, second = inbox.mails
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]


def test_the_picture_shows_the_box_around_the_defect() -> None:
    photo = Pillow.new("RGB", (640, 480), (0, 0, 0))
    box = (300.0, 200.0, 40.0, 30.0)
    with Pillow.open(io.BytesIO(pictures.draw(photo, box))) as picture:
        lit = picture.convert("L").point(lambda value: 255 if value > 90 else 0)
    left, top, right, bottom = lit.getbbox()
    area = pictures.surroundings(box, photo.size)
    scale = pictures.SIZE[0] / (area[2] - area[0])
    assert abs((left + right) / 2 - (320 - area[0]) * scale) < 3
    assert abs((top + bottom) / 2 - (215 - area[1]) * scale) < 3
    assert 40 * scale <= right - left <= 40 * scale + 20


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 5, 5),
        (635, 475, 5, 5),
        (0, 0, 640, 480),
        (-10, -10, 30, 30),
        (639, 0, 1, 1),
    ],
)
@pytest.mark.parametrize("size", [(640, 480), (100, 40), (40, 3000), (1, 1)])
def test_any_box_on_any_photo_has_a_picture(
    box: tuple[float, float, float, float], size: tuple[int, int]
) -> None:
    left, top, right, bottom = pictures.surroundings(box, size)
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]
    content = pictures.draw(Pillow.new("L", size), box)
    with Pillow.open(io.BytesIO(content)) as picture:
        assert picture.size == pictures.SIZE


def test_a_photo_taken_sideways_is_shown_upright(scene: Scene) -> None:
    """Boxes are those of the upright picture, which is what the detector sees."""
    sideways = Pillow.new("RGB", (480, 640), (0, 0, 0))
    exif = sideways.getexif()
    exif[0x0112] = 6  # turn by 90 degrees to the right: 640 x 480 upright
    name = store_photo()
    sideways.save(site.MEDIA_ROOT / name, "JPEG", exif=exif)
    inspection = scene.photo(1, [scene.short], file=name)
    defect = inspection.defects.get()
    defect.x, defect.y, defect.width, defect.height = 600, 10, 20, 20
    content = pictures.defect_picture(defect)
    assert content == pictures.draw(Pillow.new("RGB", (640, 480)), (600, 10, 20, 20))


def test_a_photo_of_sixteen_bits_is_not_white(scene: Scene) -> None:
    name = store_photo()
    Pillow.new("I;16", (640, 480), 128 * 256).save(site.MEDIA_ROOT / name, "PNG")
    inspection = scene.photo(1, [scene.short], file=name)
    content = pictures.defect_picture(inspection.defects.get())
    assert content is not None
    with Pillow.open(io.BytesIO(content)) as picture:
        assert picture.getpixel((5, 5)) == (128, 128, 128)


def test_the_surest_of_the_newest_defects_is_shown(scene: Scene) -> None:
    for minute, score in ((1, 0.5), (2, 0.95), (3, 0.6)):
        inspection = scene.photo(minute, [scene.short], serial=f"P{minute}")
        Defect.objects.filter(inspection=inspection).update(score=score)
        scene.photo(minute + 0.5)
    scene.problem()
    dispatch()
    assert "P2" in written(alerts_now()[0], scene.user()).text


def test_mail_into_files_opens_as_mail(
    scene: Scene, settings: Settings, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "traceability.outbox.transports.mailbox.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    scene.user()
    three_shorts(scene, store_photo())
    assert deliveries.deliver_due() == 1
    (path,) = tmp_path.glob("*.eml")
    assert b"Content-ID: <defect>" in path.read_bytes()


def test_a_candidate_that_is_one_of_many_is_not_named(scene: Scene) -> None:
    scene.problem(causes=[{"confidence": 0.15}, {"confidence": 0.02}])
    dispatch()
    letter = written(alerts_now()[0], scene.user())
    for said in (letter.html, letter.text):
        assert "Nothing that was recorded explains this." in said
        assert "15 %" not in said


def test_a_mail_is_never_surer_than_counting_can_make_it(scene: Scene) -> None:
    scene.problem(causes=[{"confidence": 1.0}])
    dispatch()
    letter = written(alerts_now()[0], scene.user())
    assert "> 99 % (almost certain)" in letter.text
    assert "&gt; 99 %" in letter.html
