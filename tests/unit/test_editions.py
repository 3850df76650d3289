from datetime import UTC, date, datetime

import pytest

from config.vocabulary import EditionKey, EditionStatus, Issuer, LayerId, Text
from providers.editions import Edition, EditionState, Window, edition_in
from providers.errors import BadParameter


def state(key: str, start: date, end: date | None, status: EditionStatus) -> EditionState:
    edition = Edition(
        layer=LayerId("land_use"),
        key=EditionKey(key),
        title=Text(zh=key, en=key),
        valid_from=start,
        valid_to=end,
        status=status,
        issuer=Issuer.OWN,
        document="",
    )
    return EditionState(
        edition=edition,
        revision=1,
        features=1,
        extent=None,
        updated=datetime(2026, 1, 1, tzinfo=UTC),
        specification_version="1",
    )


IN_FORCE = EditionStatus.IN_FORCE
EDITIONS = (
    state("2023", date(2023, 12, 31), date(2024, 12, 30), IN_FORCE),
    state("2024", date(2024, 12, 31), None, IN_FORCE),
    state("draft", date(2025, 12, 31), None, EditionStatus.DRAFT),
)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2023-12-31", "2023"),
        ("2024-12-30", "2023"),
        ("2024-12-31", "2024"),
        ("2024-12-30T15:59:59Z", "2023"),
        ("2024-12-30T16:00:00Z", "2024"),  # midnight in China
        ("2024-12-31T02:00:00+08:00", "2024"),
        ("2026-06-01", "2024"),
        ("2023-12-30", None),
        ("../2024-01-01", "2023"),
        ("2024-01-01/..", "2024"),
        ("2023-01-01/2024-12-31", "2024"),
        ("2020-01-01/2021-01-01", None),
    ],
)
def test_the_edition_that_answers_is_the_newest_in_force_and_last_days_count(
    text: str, key: str | None
) -> None:
    found = edition_in(EDITIONS, Window.parse(text))

    assert (found.edition.key if found else None) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024",
        "2024-13-01",
        "2024-W01-1",
        "0001-01-01T00:00:00+14:00",
        "yesterday",
        "2024-01-02/2024-01-01",
        "a/b/c",
        "/",
        "2024-01-01T00:00:00",
        "٢٠٢٤-٠١-٠١",
    ],
)
def test_a_datetime_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="datetime"):
        Window.parse(text)
