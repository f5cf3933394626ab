"""Where settings, logs, caches and data lie on this computer, as each desktop expects it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

HOME_VARIABLE = "BIDCLIENT_HOME"


@dataclass(frozen=True)
class Paths:
    """The folders of one user; none of them need exist."""

    settings: Path
    logs: Path
    cache: Path
    data: Path

    @property
    def settings_file(self) -> Path:
        """settings.toml."""
        return self.settings / "settings.toml"

    @property
    def token_models(self) -> Path:
        """The folder for what key hosts find out about models of tokens; it may be deleted at any time."""
        return self.cache / "token-models"

    @property
    def phone_certificates(self) -> Path:
        """The file with the company's certificates that its phone has shown; deleted, it is paired anew."""
        return self.settings / "phone-certificates.pem"

    @property
    def archive(self) -> Path:
        """The folder of the archive of earlier bids, where the settings name no other."""
        return self.data / "archive"

    @property
    def device_ledger(self) -> Path:
        """The folder of the ledger of bids that were made on this computer."""
        return self.data / "device-ledger"

    @property
    def device_ledger_ends(self) -> Path:
        """The file that says how long the ledger is; elsewhere, so that its loss is noticed."""
        return self.settings / "device-ledger-ends.json"

    @property
    def check_cache(self) -> Path:
        """The folder for what self-checks have read and compared; it may be deleted at any time."""
        return self.cache / "self-check"

    @property
    def revocation_answers(self) -> Path:
        """The folder for what issuers say about revocation; it may be deleted at any time."""
        return self.cache / "revocation"


def paths(environment: Mapping[str, str]) -> Paths:
    """The folders: under BIDCLIENT_HOME when the environment names it, else where the system wants them."""
    home = environment.get(HOME_VARIABLE)
    if home:
        return Paths(
            settings=Path(home), logs=Path(home) / "log", cache=Path(home) / "cache", data=Path(home) / "data"
        )
    system = platformdirs.PlatformDirs("bidclient", appauthor=False)
    return Paths(
        settings=system.user_config_path,
        logs=system.user_log_path,
        cache=system.user_cache_path,
        data=system.user_data_path,
    )
