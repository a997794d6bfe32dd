"""Run the command line as `python -m escsim`."""

from escsim.cli import main

main()
