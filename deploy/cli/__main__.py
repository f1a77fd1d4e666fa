"""`python -m deploy.cli` is `concerto`."""

from deploy.cli import main

main()
