"""The one base of every expected error."""

from typing import ClassVar


class RegularsError(Exception):
    """An expected failure, told to the person who can mend it.

    Each subclass stands beside the code that raises it and sets a stable `code`. The text names the
    value, the rule and the choices. `details` carries the same facts for programs; the API adds them to
    its problem document.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.details = details
