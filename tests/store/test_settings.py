"""Settings are typed, say what is wrong with them, and come back as they were written."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from bidclient.errors import SettingProblem
from bidclient.store.paths import paths
from bidclient.store.settings import CompanySettings, NetworkSettings, Settings, read_settings, write_settings

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).map(
    lambda text: "/" + text
)


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "settings.toml") == Settings()


@examples(deadline=None, max_examples=40)
@given(st.lists(TEXT, max_size=3), TEXT)
def test_what_is_written_comes_back(names: list[str], address: str) -> None:
    settings = Settings(
        language="en",
        modules=tuple(names),
        network=NetworkSettings(
            address=address, kind="sandbox", trust=tuple(names), stamp_address=address, ca_file="/ca.pem"
        ),
        company=CompanySettings(name=address, uscc="91", aliases=tuple(names), pricing_locks=("JMS-1",)),
        archive="postgresql://clerk@db.example/bids",
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deeper" / "settings.toml"
        write_settings(path, settings)
        again = read_settings(path)
    assert [Path(name) for name in again.modules] == [Path(name) for name in settings.modules]
    assert again.network is not None
    assert again.network.address == address
    assert again.company == settings.company
    assert again.archive == settings.archive
    assert again.language == "en"


def test_one_timestamp_service_or_several(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    text = '[network]\naddress = "https://a"\nkind = "production"\ntrust = ["/t"]\nstamp_address = '
    one, two = '"https://one"', '["https://one", "https://two"]'
    for written, wanted in ((one, ("https://one",)), (two, ("https://one", "https://two"))):
        path.write_text(text + written, "utf-8")
        network = read_settings(path).network
        assert network is not None
        assert network.stamp_addresses == wanted
        write_settings(path, read_settings(path))
        assert read_settings(path).network == network
    path.write_text('bids = "my bids"\n', "utf-8")
    assert read_settings(path).bids == str(tmp_path / "my bids")


def test_the_archive_is_a_folder_or_a_database(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    assert not read_settings(path).archive_is_shared
    path.write_text('archive = "old bids"\n', "utf-8")
    assert read_settings(path).archive == str(tmp_path / "old bids")
    assert not read_settings(path).archive_is_shared
    for address in ("postgresql://clerk@db/bids", "postgres:///bids?host=/run"):
        path.write_text(f'archive = "{address}"\n', "utf-8")
        assert read_settings(path).archive == address
        assert read_settings(path).archive_is_shared


def test_relative_paths_are_meant_from_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('pfx_files = ["company.pfx"]\n', "utf-8")
    assert read_settings(path).pfx_files == (str(tmp_path / "company.pfx"),)


@pytest.mark.parametrize("text", ['language = "fr"', "unknown = 1", "modules = 3", "not toml"])
def test_a_wrong_setting_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(SettingProblem):
        read_settings(path)


def test_the_environment_moves_everything(tmp_path: Path) -> None:
    here = paths({"BIDCLIENT_HOME": str(tmp_path)})
    assert here.settings_file == tmp_path / "settings.toml"
    assert here.logs.is_relative_to(tmp_path)
    assert here.token_models.is_relative_to(tmp_path)
    assert here.revocation_answers.is_relative_to(tmp_path)
    assert here.archive.is_relative_to(tmp_path)
    # What the system may clear away at any time is no place for an archive.
    assert not here.archive.is_relative_to(here.cache)
    assert paths({}).settings != tmp_path
