"""Where settings and logs lie on this computer, as each desktop expects it."""

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

    @property
    def settings_file(self) -> Path:
        """settings.toml."""
        return self.settings / "settings.toml"


def paths(environment: Mapping[str, str]) -> Paths:
    """The folders: under BIDCLIENT_HOME when the environment names it, else where the system wants them."""
    home = environment.get(HOME_VARIABLE)
    if home:
        return Paths(settings=Path(home), logs=Path(home) / "log")
    system = platformdirs.PlatformDirs("bidclient", appauthor=False)
    return Paths(settings=system.user_config_path, logs=system.user_log_path)
