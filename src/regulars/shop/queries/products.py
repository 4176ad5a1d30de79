"""What pages and programs read of what the shop sells."""

from regulars.shop.models import Product


def categories() -> list[str]:
    """Return every category that some product has, in the order of their letters; one scan of the products."""
    found = Product.objects.exclude(category="").order_by("category")
    return list(found.values_list("category", flat=True).distinct())


def brands() -> list[str]:
    """Return every brand that some product has, likewise."""
    return list(
        Product.objects.exclude(brand="").order_by("brand").values_list("brand", flat=True).distinct()
    )
