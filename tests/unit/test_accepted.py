"""What is answered to which Accept headers."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.accepted import best_coding, best_language, best_media

JSON, GEOJSON, HTML = "application/json", "application/geo+json", "text/html"
OFFERED = (GEOJSON, "application/vnd.ogc.fg+json", "text/csv", HTML)
OPENAPI = "application/vnd.oai.openapi+json"
VERSIONS = (f"{OPENAPI};version=3.0", f"{OPENAPI};version=3.1")
HEADERS = st.text(alphabet=string.printable, max_size=300)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, GEOJSON),
        ("", GEOJSON),
        ("*/*", GEOJSON),
        ("*", GEOJSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", HTML),
        ("application/json", GEOJSON),
        ("APPLICATION/GEO+JSON", GEOJSON),
        ("application/json; charset=utf-8", GEOJSON),
        ("text/*", "text/csv"),
        ("text/*;q=0.5, text/csv;q=0", HTML),
        ("*/*;q=0.1, text/csv;q=0.2", "text/csv"),
        ("application/*, application/geo+json;q=0.1", "application/vnd.ogc.fg+json"),
        ("image/png", None),
        ("x;q=0", GEOJSON),
        ("x/y;q=0", None),
        ("*/*;q=0", None),
    ],
)
def test_the_media_type_of_highest_quality_is_sent(header: str | None, expected: str) -> None:
    assert best_media(header, OFFERED) == expected


@pytest.mark.parametrize(
    "element",
    ["text/html;q=abc", "text/html;q=1.2.3", "text/html;q=nan", "text/html;q=-1", "text/html;q=2"],
)
def test_an_element_of_malformed_quality_counts_as_not_given(element: str) -> None:
    assert best_media(element, OFFERED) == GEOJSON
    assert best_media(f"{element}, text/csv;q=0.1", OFFERED) == "text/csv"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (OPENAPI, VERSIONS[0]),
        (f"{OPENAPI};version=3.0", VERSIONS[0]),
        (f"{OPENAPI};version=3.1", VERSIONS[1]),
        (f'{OPENAPI}; version="3.1"; q=0.7', VERSIONS[1]),
        (f"{OPENAPI};version=3.1, {OPENAPI};version=3.0;q=0.9", VERSIONS[1]),
        ("application/json", VERSIONS[0]),
        (f"{OPENAPI};version=2.0", None),
    ],
)
def test_a_parameter_of_a_media_type_tells_its_versions_apart(header: str, expected: str) -> None:
    assert best_media(header, VERSIONS) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "zh"),
        ("*", "zh"),
        ("fr", "zh"),
        ("fr, *;q=0.1", "zh"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("zh-Hans", "zh"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh"),
        ("zh_CN", "zh"),
        ("en;q=0.5, zh", "zh"),
        ("zh;q=0.5, en-GB", "en"),
        ("en, zh", "en"),
        ("fr, en;q=0.1", "en"),
        ("en;q=0", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=0, en;q=0", "zh"),
        ("*, zh;q=0.5", "en"),
        ("en;q=abc", "zh"),
        ("enormous", "zh"),
        (",;=,,;q=1", "zh"),
    ],
)
def test_the_language_of_highest_quality_is_spoken_and_chinese_by_default(
    header: str, expected: str
) -> None:
    assert best_language(header, ("zh", "en")) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("zstd;q=0, gzip;q=0.1", "gzip"),
        ("*", "gzip"),
        ("*;q=0.5, zstd;q=0.4", "gzip"),
        ("*, gzip;q=0", "identity"),
        ("gzip;q=0", "identity"),
        ("gzip; q=0.0", "identity"),
        ("gzip;q=0.5, identity", "identity"),
        ("identity;q=0.5, gzip", "gzip"),
        ("gzip;q=abc", "identity"),
        ("br", "identity"),
    ],
)
def test_the_coding_of_highest_quality_is_used_and_zstd_where_it_is_named(
    header: str, expected: str
) -> None:
    assert best_coding(header, ("zstd", "gzip"), "gzip") == expected


@pytest.mark.parametrize("header", ["identity;q=0", "*;q=0", "identity;q=0, br"])
def test_a_body_is_sent_as_it_is_where_no_coding_at_all_is_accepted(header: str) -> None:
    assert best_coding(header, ("zstd", "gzip"), "gzip") == "identity"


@given(header=HEADERS)
def test_any_header_has_an_answer(header: str) -> None:
    assert best_media(header, OFFERED) in (*OFFERED, None)
    assert best_language(header, ("zh", "en")) in ("zh", "en")
    assert best_coding(header, ("zstd", "gzip"), "gzip") in ("zstd", "gzip", "identity")


def test_only_the_beginning_of_an_endless_header_is_read() -> None:
    assert best_media("a/b," * 99 + "text/csv", OFFERED) == "text/csv"
    assert best_media("a/b," * 20_000 + "text/csv", OFFERED) is None
