"""Every place where a person's data lives: what an export tells and an erasure clears.

A room registers its places when it starts. A table with a path to `Customer` that nobody registered fails the build.
"""

from regulars.shop.places.registry import (
    Person,
    SearchPlace,
    TablePlace,
    finish,
    finish_with,
    person_of,
    places,
    register,
    registered_models,
)

__all__ = [
    "Person",
    "SearchPlace",
    "TablePlace",
    "finish",
    "finish_with",
    "person_of",
    "places",
    "register",
    "registered_models",
]
