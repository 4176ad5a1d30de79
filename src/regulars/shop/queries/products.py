"""What pages and programs read of what the shop sells."""

from regulars.shop.models import Product, Store


def categories() -> list[str]:
    """Return every category that some product has, in the order of their letters; one scan of the products."""
    found = Product.objects.exclude(category="").order_by("category")
    return list(found.values_list("category", flat=True).distinct())


def brands() -> list[str]:
    """Return every brand that some product has, likewise."""
    return list(
        Product.objects.exclude(brand="").order_by("brand").values_list("brand", flat=True).distinct()
    )


def stores() -> list[tuple[str, str]]:
    """Return the code and the name of every store, by name."""
    return list(Store.objects.order_by("name").values_list("code", "name"))
