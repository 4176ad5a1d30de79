"""`python -m regulars`, the same as the `regulars` command."""

from regulars.project.main import main

# Processes that `regulars web` starts import this module once more, and must not become a second command.
if __name__ == "__main__":
    main()
