"""Mail over real SMTP conversations, with servers good and bad."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from tests.outbox import smtp
from tests.outbox.conftest import use
from tests.services import free_port, program
from traceability.outbox import deliveries, renderers
from traceability.outbox.mail import Mail, Picture
from traceability.outbox.models import Delivery, DeliveryState
from traceability.outbox.services import send_later
from traceability.outbox.transports.email import message_id

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)
JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


def letter(message: Mapping[str, Any]) -> Mail:
    if message.get("broken"):
        raise RuntimeError("this one cannot be made")
    return Mail(
        subject=message.get("subject", "Short: 短路"),
        text="Hello, 你好",
        html='<p>Hello, 你好 <img src="cid:defect"></p>',
        pictures=(Picture("defect", JPEG),),
        thread="rule 1",
    )


@pytest.fixture(autouse=True)
def _letters() -> None:
    renderers.register("letter", f"{__name__}.letter")


def write(recipient: str = "engineer@example.com", **message: Any) -> Delivery:
    key = f"{recipient}:{message}"[:200]
    send_later("email", recipient, {"render": "letter", **message}, dedup_key=key)
    return Delivery.objects.get(dedup_key=key)


def state(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.state


def test_a_mail_arrives_whole(inbox: smtp.Inbox) -> None:
    delivery = write()
    assert deliveries.deliver_due() == 1
    assert state(delivery) == DeliveryState.SENT
    (mail,) = inbox.mails
    assert mail["To"] == "engineer@example.com"
    assert mail["Subject"] == "Short: 短路"
    assert mail["Message-ID"] == message_id(delivery.dedup_key)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"] == mail["In-Reply-To"] == message_id("thread:rule 1")
    assert mail.get_content_type() == "multipart/related"
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().strip() == "Hello, 你好"
    assert "cid:defect" in html.get_content()
    (picture,) = [p for p in mail.walk() if p.get_content_type() == "image/jpeg"]
    assert picture["Content-ID"] == "<defect>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == JPEG


def test_nothing_but_seven_bits_goes_over_the_wire(inbox: smtp.Inbox) -> None:
    write()
    deliveries.deliver_due()
    assert inbox.mails[0].as_bytes().isascii()


def test_writing_the_same_delivery_twice_sends_one_mail(inbox: smtp.Inbox) -> None:
    write()
    write()
    assert deliveries.deliver_due() == 1
    assert deliveries.deliver_due() == 0
    assert len(inbox.mails) == 1


def test_a_subject_cannot_smuggle_in_headers(inbox: smtp.Inbox) -> None:
    write(subject="Short\r\nBcc: all@example.com\x01\u2028x" + "y" * 500)
    deliveries.deliver_due()
    (mail,) = inbox.mails
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Short Bcc: all@example.com x")
    assert len(mail["Subject"]) <= 150
    assert inbox.recipients == ["engineer@example.com"]


@pytest.mark.parametrize("recipient", ["", "a@b\r\nRCPT TO:<all@example.com>"])
def test_an_address_that_is_none_is_given_up(inbox: smtp.Inbox, recipient: str) -> None:
    delivery, good = write(recipient), write("good@example.com")
    deliveries.deliver_due()
    assert state(delivery) == DeliveryState.FAILED
    assert state(good) == DeliveryState.SENT
    assert inbox.recipients == ["good@example.com"]


def test_mails_that_leave_together_share_a_conversation(inbox: smtp.Inbox) -> None:
    for n in range(5):
        write(f"user{n}@example.com")
    assert deliveries.deliver_due() == 5
    assert len(inbox.peers) == 1


def test_a_refused_recipient_is_given_up_and_blocks_nobody(inbox: smtp.Inbox) -> None:
    inbox.answers["gone@example.com"] = "550 no such user"
    gone, good = write("gone@example.com"), write("good@example.com")
    assert deliveries.deliver_due() == 1
    assert state(gone) == DeliveryState.FAILED
    assert gone.error == "550 no such user"
    assert state(good) == DeliveryState.SENT


def test_a_greylisted_mail_is_tried_again_after_growing_pauses(
    inbox: smtp.Inbox,
) -> None:
    inbox.answers["new@example.com"] = "451 come back later"
    with time_machine.travel(NOW, tick=False) as clock:
        new, good = write("new@example.com"), write("good@example.com")
        assert deliveries.deliver_due() == 1
        assert state(good) == DeliveryState.SENT
        pauses = []
        for _attempt in range(9):
            assert state(new) == DeliveryState.WAITING
            pauses.append((new.not_before - datetime.now(UTC)).total_seconds())
            clock.move_to(new.not_before)
            deliveries.deliver_due()
        assert 3 < pauses[0] < 7
        assert all(225 <= pause <= 375 for pause in pauses[-2:]), "five minutes at most"
        inbox.answers.clear()
        state(new)
        clock.move_to(new.not_before)
        assert deliveries.deliver_due() == 1
    assert state(new) == DeliveryState.SENT


def test_a_server_that_turns_us_away_is_left_alone(inbox: smtp.Inbox) -> None:
    inbox.answers["first@example.com"] = "421 closing, too many connections"
    first, second = write("first@example.com"), write("second@example.com")
    assert deliveries.deliver_due() == 0
    assert (state(first), first.attempts) == (DeliveryState.WAITING, 1)
    assert (state(second), second.attempts) == (DeliveryState.WAITING, 0)


def test_a_message_that_is_refused_is_given_up(inbox: smtp.Inbox) -> None:
    inbox.after_data = "554 looks like spam"
    delivery = write()
    deliveries.deliver_due()
    assert state(delivery) == DeliveryState.FAILED
    assert delivery.error == "554 looks like spam"


def test_a_server_that_dies_with_the_mail_in_hand_gets_the_same_mail_again(
    inbox: smtp.Inbox,
) -> None:
    inbox.die_in_data = 1
    with time_machine.travel(NOW, tick=False) as clock:
        delivery = write()
        assert deliveries.deliver_due() == 0
        assert state(delivery) == DeliveryState.WAITING
        clock.move_to(delivery.not_before)
        assert deliveries.deliver_due() == 1
    assert state(delivery) == DeliveryState.SENT
    ids = [mail["Message-ID"] for mail in inbox.mails]
    assert ids == [message_id(delivery.dedup_key)] * 2, "one mail to whoever reads it"


def test_a_server_that_hangs_is_left_alone_after_one_attempt(
    inbox: smtp.Inbox,
) -> None:
    inbox.hang_in_data = 30
    written = [write(f"user{n}@example.com") for n in range(5)]
    started = time.monotonic()
    assert deliveries.deliver_due() == 0
    assert time.monotonic() - started < 4, "EMAIL_TIMEOUT is 1 s here"
    assert [state(delivery) for delivery in written] == [DeliveryState.WAITING] * 5
    assert sorted(delivery.attempts for delivery in written) == [0, 0, 0, 0, 1]


def test_an_hour_without_a_server_loses_nothing(settings: Settings) -> None:
    port = free_port()
    use(settings, port)
    inbox = smtp.Inbox()
    with time_machine.travel(NOW, tick=False) as clock:
        written = [write(f"user{n}@example.com") for n in range(4)]
        for _minute in range(60):
            assert deliveries.deliver_due() == 0
            clock.shift(timedelta(minutes=1))
        with smtp.running(inbox) as server:
            use(settings, server.port)
            for _tick in range(80):
                deliveries.deliver_due()
                clock.shift(timedelta(seconds=5))
    assert [state(delivery) for delivery in written] == [DeliveryState.SENT] * 4
    assert sorted(inbox.recipients) == sorted(d.recipient for d in written)


def test_a_mail_that_cannot_be_made_blocks_nobody(inbox: smtp.Inbox) -> None:
    broken, good = write("a@example.com", broken=True), write("b@example.com")
    assert deliveries.deliver_due() == 1
    assert state(broken) == DeliveryState.WAITING
    assert broken.error == "this one cannot be made"
    assert state(good) == DeliveryState.SENT


def test_what_is_days_old_is_given_up(inbox: smtp.Inbox) -> None:
    inbox.answers["full@example.com"] = "452 mailbox full"
    with time_machine.travel(NOW, tick=False) as clock:
        delivery = write("full@example.com")
        clock.shift(deliveries.MAX_AGE + timedelta(minutes=1))
        deliveries.deliver_due()
    assert state(delivery) == DeliveryState.FAILED


@pytest.mark.parametrize("transport", ["pigeon", "email"])
def test_what_nobody_knows_to_send_is_given_up(
    inbox: smtp.Inbox, transport: str
) -> None:
    send_later(transport, "a@example.com", {"render": "unknown"}, dedup_key="1")
    deliveries.deliver_due()
    assert Delivery.objects.get().state == DeliveryState.FAILED
    assert not inbox.mails


def test_a_mail_in_the_hands_of_another_sender_is_left_alone(
    inbox: smtp.Inbox,
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        write()
        assert deliveries._lease("email") is not None  # and then it was killed
        write("other@example.com")
        assert deliveries.deliver_due() == 0
        clock.shift(deliveries.LEASE)
        assert deliveries.deliver_due() == 2
    assert len(inbox.mails) == 2


@pytest.fixture
def guarded(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server that asks for STARTTLS and a password, with a certificate we trust."""
    openssl = program("openssl")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    pem = tmp_path / "server.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        + ["ec_paramgen_curve:prime256v1", "-nodes", *subject]
        + ["-keyout", str(pem), "-out", str(tmp_path / "cert.pem")],
        check=True,
        capture_output=True,
    )
    with pem.open("a") as file:
        file.write((tmp_path / "cert.pem").read_text())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with smtp.running(smtp.Inbox(), **smtp.signing_in(tmp_path)) as server:
        use(settings, server.port)
        settings.EMAIL_USE_TLS = True
        settings.EMAIL_HOST_USER = smtp.USER
        settings.EMAIL_HOST_PASSWORD = smtp.PASSWORD
        yield server.inbox


def test_mail_goes_over_starttls_after_signing_in(guarded: smtp.Inbox) -> None:
    write()
    assert deliveries.deliver_due() == 1
    assert guarded.encrypted == [True]


def test_a_wrong_password_loses_no_mail(
    guarded: smtp.Inbox, settings: Settings
) -> None:
    settings.EMAIL_HOST_PASSWORD = "wrong"
    with time_machine.travel(NOW, tick=False) as clock:
        delivery = write()
        assert deliveries.deliver_due() == 0
        assert state(delivery) == DeliveryState.WAITING
        assert delivery.error.startswith("535")
        settings.EMAIL_HOST_PASSWORD = smtp.PASSWORD
        clock.move_to(delivery.not_before)
        assert deliveries.deliver_due() == 1


def test_without_starttls_nothing_is_sent_in_the_clear(
    guarded: smtp.Inbox, settings: Settings
) -> None:
    settings.EMAIL_USE_TLS = False
    delivery = write()
    assert deliveries.deliver_due() == 0
    assert state(delivery) == DeliveryState.WAITING
    assert not guarded.mails


def test_without_a_server_every_mail_is_a_file(
    settings: Settings, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "traceability.outbox.transports.mailbox.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    write("a@example.com")
    write("b@example.com")
    assert deliveries.deliver_due() == 2
    files = sorted((tmp_path / "mail").iterdir())
    assert [path.suffix for path in files] == [".eml", ".eml"]
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in files[0].read_bytes()
