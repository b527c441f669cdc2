"""`storyboard` and `python -m storyboard`."""

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    if sys.argv[1:] == ["--version"]:  # answered before click is imported, which costs more than the answer
        from storyboard import __version__  # noqa: PLC0415

        sys.stdout.write(f"storyboard {__version__}\n")
        return
    from storyboard.cli import run  # noqa: PLC0415

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
