"""How a callback is signed and when it is tried again; signatures follow Standard Webhooks 1.0.

https://www.standardwebhooks.com: the header webhook-signature is `v1,` and the Base64 of the
HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

SECRET_PREFIX = "whsec_"
DERIVED_FOR = b"onemap/callbacks/"
# How long after each failed attempt the next one follows: eight attempts within 18 hours.
WAITS = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
)


def wait_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts; None where there is no further one.

    Examples
    --------
    >>> wait_after(1)
    datetime.timedelta(seconds=10)
    >>> wait_after(8) is None
    True
    """
    return WAITS[attempts - 1] if attempts <= len(WAITS) else None


def owner_secret(instance: bytes, owner: str) -> bytes:
    """The secret of one owner, derived from the instance's: no two owners have the same."""
    return hmac.digest(instance, DERIVED_FOR + owner.encode(), hashlib.sha256)


def secret_text(secret: bytes) -> str:
    """A secret as receivers are given it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signed_headers(name: str, sent: datetime, content: bytes, secret: bytes) -> Mapping[str, str]:
    """What a receiver needs to know the sender, and to know a repetition and a replay."""
    seconds = str(int(sent.timestamp()))
    signature = hmac.digest(secret, f"{name}.{seconds}.".encode() + content, hashlib.sha256)
    return {
        "webhook-id": name,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
