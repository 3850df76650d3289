from pathlib import Path

import pytest

from config.settings import Settings, SettingsError, demo_folder


def test_without_variables_the_instance_is_local_and_embedded() -> None:
    settings = Settings.from_environ({})

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.database_url is None
    assert settings.home == Path(".onemap").absolute()
    assert settings.store == settings.home / "store"
    assert not settings.home_given


def test_the_word_demo_names_the_demos_own_catalogue() -> None:
    assert Settings.from_environ({"ONEMAP_CATALOGUE": "demo"}).catalogue == (demo_folder(),)


def test_the_public_address_follows_host_and_port_unless_it_is_given() -> None:
    followed = Settings.from_environ({"ONEMAP_HOST": "::1", "ONEMAP_PORT": "9000"})
    given = Settings.from_environ({"ONEMAP_PUBLIC_URL": "https://map.example.cn/"})

    assert followed.public_url == "http://[::1]:9000"
    assert given.public_url == "https://map.example.cn"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ONEMAP_PORT", "0"),
        ("ONEMAP_PORT", "80a"),
        ("ONEMAP_PORT", "٨٠"),
        ("ONEMAP_PORT", "65536"),
        ("ONEMAP_PROCESSES", "many"),
        ("ONEMAP_SYNC_WAIT_S", "nan"),
        ("ONEMAP_SYNC_WAIT_S", "-1"),
        ("ONEMAP_WORKER_LOST_S", "2"),
        ("ONEMAP_LOG_LEVEL", "LOUD"),
        ("ONEMAP_PUBLIC_URL", "ftp://x"),
        ("ONEMAP_DATABASE_URL", "mysql://x"),
        ("ONEMAP_CATALOGUE", "/nowhere/at/all"),
        ("ONEMAP_PROT", "80"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        Settings.from_environ({name: value})

    assert "\n" not in str(caught.value)
