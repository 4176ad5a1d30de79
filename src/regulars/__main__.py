"""`python -m regulars`, the same as the `regulars` command."""

from regulars.project.main import main

main()
