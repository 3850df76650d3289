"""The lists of hosts that an operator gives."""

import pytest

from config.remote_hosts import RemoteHost, host_name, listed, parse_hosts
from config.settings import Settings, SettingsError


def test_a_list_names_hosts_ports_and_what_is_internal() -> None:
    hosts = parse_hosts(
        " Data.Example.CN , *.open.cn:8443, 10.0.0.5:9000=internal, [::1]=internal,*"
    )

    assert hosts == (
        RemoteHost(name="data.example.cn"),
        RemoteHost(name="open.cn", below=True, port=8443),
        RemoteHost(name="10.0.0.5", port=9000, internal=True),
        RemoteHost(name="::1", internal=True),
        RemoteHost(name="*"),
    )
    assert parse_hosts("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "http://data.cn",
        "data.cn/path",
        "user@data.cn",
        "data.cn:0",
        "data.cn:99999",
        "data.cn:x",
        "data..cn",
        "::1",
        "[::1",
        "2130706433",
        "127.1",
        "*=internal",
        "*.*",
        "a b",
        "data.cn=external",
    ],
)
def test_an_entry_of_another_form_is_refused_by_name(text: str) -> None:
    for name in ("ONEMAP_FETCH_HOSTS", "ONEMAP_CALLBACK_HOSTS"):
        with pytest.raises(SettingsError, match=name):
            Settings.from_environ({name: f"good.cn,{text}"})


def test_a_host_is_public_internal_or_not_listed() -> None:
    hosts = parse_hosts("*,gis.bureau.cn:8080=internal,*.open.cn")

    assert listed(hosts, "https", "any.where.cn", 443) == "public"
    assert listed(hosts, "http", "gis.bureau.cn", 8080) == "internal"
    assert listed(hosts, "http", "gis.bureau.cn", 8081) is None
    assert listed(parse_hosts("*.open.cn"), "https", "a.b.open.cn", 443) == "public"
    assert listed(parse_hosts("*.open.cn"), "https", "open.cn", 443) is None
    assert listed((), "https", "a.cn", 443) is None


def test_names_are_compared_in_one_spelling() -> None:
    assert host_name("GIS.Example.CN.") == "gis.example.cn"
    assert host_name("[0:0:0:0:0:0:0:1]") == "::1"
    assert host_name("规划.example.cn").startswith("xn--")


def test_uploads_are_bounded_unless_an_operator_says_otherwise() -> None:
    settings = Settings.from_environ({"ONEMAP_UPLOAD_MB": "64", "ONEMAP_UPLOAD_DAYS": "1"})

    assert (settings.upload_mb, settings.upload_days) == (64, 1)
    assert (settings.upload_quota_mb, settings.upload_files) == (4096, 200)
    for name in ("UPLOAD_MB", "UPLOAD_QUOTA_MB", "UPLOAD_FILES", "UPLOAD_DAYS"):
        with pytest.raises(SettingsError, match=name):
            Settings.from_environ({f"ONEMAP_{name}": "0"})
