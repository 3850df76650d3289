"""What goes wrong with another server; the message says where, and nothing of what is behind it."""


class RemoteError(Exception):
    """Another server did not give what was asked for; `place` is its address without a query."""

    def __init__(self, place: str, said: str) -> None:
        super().__init__(f"{place}: {said}")
        self.place, self.said = place, said


class BadAddress(RemoteError):
    """The address is none that may be asked at all."""


class HostNotAllowed(RemoteError):
    """The host is not among those that the operator lists."""


class AddressNotAllowed(RemoteError):
    """The host's name stands for an address that it may not have."""


class Unreachable(RemoteError):
    """The name or the address does not answer, or not with a certificate that is trusted."""


class TooSlow(RemoteError):
    """It took longer than it may."""


class TooLarge(RemoteError):
    """There is more than may be taken."""


class TooManyRedirects(RemoteError):
    """One redirect led to another too often."""


class BadAnswer(RemoteError):
    """The answer is not a success."""

    def __init__(self, place: str, status: int) -> None:
        super().__init__(place, f"answered {status}; expected 200")
        self.status = status


class Unreadable(RemoteError):
    """What was answered is not HTTP, is cut short, or is packed in a way that is not read."""
