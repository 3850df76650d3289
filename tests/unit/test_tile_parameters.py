"""A subset of time is the standard's second way to say `datetime`."""

import pytest

from providers.editions import Window
from providers.errors import BadParameter
from server.tile_parameters import with_subset


@pytest.mark.parametrize(
    ("subset", "moment"),
    [
        ('datetime("2024-12-31")', "2024-12-31"),
        ('datetime("2018-02-12T23:20:52Z")', "2018-02-12T23:20:52Z"),
        ('datetime("2023-01-01":"2024-12-31")', "2023-01-01/2024-12-31"),
        ('datetime("2023-01-01":*)', "2023-01-01/.."),
        ('datetime(*:"2024-12-31")', "../2024-12-31"),
    ],
)
def test_a_subset_of_time_is_the_datetime_that_it_means(subset: str, moment: str) -> None:
    assert with_subset({"subset": subset, "f": "mvt"}) == {"f": "mvt", "datetime": moment}
    assert Window.parse(moment)


def test_parameters_without_a_subset_stay_as_they_are() -> None:
    assert with_subset({"datetime": "2024-12-31"}) == {"datetime": "2024-12-31"}


@pytest.mark.parametrize(
    "subset",
    ["", "datetime", "datetime()", "datetime(2024-12-31)", "datetime(*)", 'Lat("1":"2")',
     'datetime("2024-12-31"),Lat(1)', 'datetime("a":"b":"c")', 'datetime("x")',
     'datetime("2023-01-01/2024-01-01")', 'datetime("2024-12-31":"2023-01-01")'],
)  # fmt: skip
def test_another_subset_is_refused(subset: str) -> None:
    with pytest.raises(BadParameter) as refused:
        with_subset({"subset": subset})

    assert (refused.value.name, refused.value.value) == ("subset", subset)


def test_a_subset_of_time_beside_datetime_is_refused() -> None:
    with pytest.raises(BadParameter, match="subset"):
        with_subset({"subset": 'datetime("2024-12-31")', "datetime": "2024-12-31"})
