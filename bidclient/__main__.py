"""`python -m bidclient` and the `bidclient` program."""

import sys

from bidclient import cli


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(cli.main())


if __name__ == "__main__":
    main()
