"""How callbacks are signed and when they are tried again, and the receiver that the guide prints."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from config.remote_hosts import parse_hosts
from processes.spec import InvalidBody
from providers.callbacks import Event, parse_subscriber
from providers.job_records import JobStatus
from providers.webhooks import (
    WAITS,
    owner_secret,
    secret_text,
    signed_headers,
    wait_after,
)
from server.guide import render

SENT = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
HOSTS = parse_hosts("hooks.example.cn,127.0.0.1:9000=internal")


def verifier() -> Callable[..., bool]:
    """The function that the guide prints for receivers."""
    (path,) = (render.FOLDER / "en").glob("*-processes.md")
    (code,) = re.findall(
        r"^```python\n(.*?def verified.*?)^```", path.read_text("utf-8"), re.M | re.S
    )
    names: dict[str, Any] = {}
    exec(code, names)
    return cast(Callable[..., bool], names["verified"])


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # the example that its implementations are tested with
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    sent = datetime.fromtimestamp(1614265330, UTC)

    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", sent, b'{"test": 2432232314}', secret)

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_receiver_as_the_guide_prints_it_takes_what_is_signed_and_nothing_else() -> None:
    verified, secret = verifier(), owner_secret(b"instance", "a1b2c3d4e5f6")
    text, content, now = secret_text(secret), b'{"status": "successful"}', SENT.timestamp()
    headers = dict(signed_headers("id-1", SENT, content, secret))
    others = secret_text(owner_secret(b"instance", "another"))

    assert verified(headers, content, text, now=now)
    assert not verified(headers, content + b" ", text, now=now)
    assert not verified({**headers, "webhook-id": "id-2"}, content, text, now=now)
    assert not verified(headers, content, others, now=now)
    assert not verified(headers, content, text, now=now + 3_600)
    assert not verified({}, content, text, now=now)


def test_each_owner_has_a_secret_of_its_own_that_does_not_tell_the_instances() -> None:
    secrets = {owner_secret(b"a" * 32, owner) for owner in ("x", "y", "anonymous")}

    assert len(secrets | {owner_secret(b"b" * 32, "x")}) == 4
    assert all(len(secret) == 32 for secret in secrets)


def test_eight_attempts_come_ever_later_within_a_day() -> None:
    waits = [wait_after(n) for n in range(1, 9)]

    assert waits == [*WAITS, None]
    assert list(WAITS) == sorted(WAITS)
    assert sum(WAITS, timedelta()) < timedelta(days=1)


def test_a_dismissal_and_an_acceptance_are_told_to_nobody() -> None:
    told = {status: Event.of(status) for status in JobStatus if Event.of(status)}

    assert told == {
        JobStatus.RUNNING: Event.IN_PROGRESS,
        JobStatus.SUCCESSFUL: Event.SUCCESS,
        JobStatus.FAILED: Event.FAILED,
    }


def test_a_subscriber_at_listed_hosts_is_taken() -> None:
    uris = {"successUri": "https://hooks.example.cn/a", "failedUri": "http://127.0.0.1:9000/"}

    subscriber = parse_subscriber(uris, HOSTS)

    assert (subscriber.success, subscriber.failed) == tuple(uris.values())
    assert subscriber.in_progress is None


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "http://127.0.0.1:9001/",
        "https://evil.example.cn/",
        "https://hooks.example.cn:8443/",
        "https://user:pass@hooks.example.cn/",
        "http://[::ffff:127.0.0.1]:9000/",
        "no address",
    ],
)
def test_every_address_that_may_not_be_called_is_named_at_once(uri: str) -> None:
    with pytest.raises(InvalidBody) as caught:
        parse_subscriber({"successUri": uri, "inProgressUri": uri}, HOSTS)

    pointers = [error.pointer for error in caught.value.errors]
    assert pointers == ["/subscriber/successUri", "/subscriber/inProgressUri"]


def test_a_private_address_is_refused_even_where_every_public_host_is_listed() -> None:
    with pytest.raises(InvalidBody):
        parse_subscriber({"successUri": "http://10.0.0.1/"}, parse_hosts("*"))
