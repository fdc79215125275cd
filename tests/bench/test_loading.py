from pathlib import Path

from bench import loading
from config.loader import load


def test_the_large_configuration_is_good_and_has_what_it_says(tmp_path: Path) -> None:
    path = loading.write(tmp_path, numbers=300, campaigns=100)
    configuration = load(path, {})
    assert len(configuration.numbers) == 300
    assert len(configuration.campaigns) == len(configuration.treatments) == 100
    assert len(configuration.pools) == loading.POOLS
    assert sum(number.pool is not None for number in configuration.numbers) == 30
    campaign = configuration.campaigns["campaign 7"]
    assert campaign.payout is not None
    assert [cap.name for cap in campaign.caps] == ["daily", "lines"]
