"""The commands of ``python -m skhpt``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import skhpt

from .comparison import command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, default=None
        Those of the shell when None.

    Returns
    -------
    status : int
        0 when all went well, 1 when no search ended well, 2 for wrong arguments.
    """
    parser = argparse.ArgumentParser(
        prog="python -m skhpt", description="Hyperparameter search for scikit-learn."
    )
    parser.add_argument("--version", action="version", version=f"skhpt {skhpt.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    command.add_parser(commands)
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
