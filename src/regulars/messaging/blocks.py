"""Parts that are put into a template by name: products, coupons, the footer. Rooms register theirs.

A block is plain writing in the language of the variant, with values in it, put in when a template is built.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from string import Template
from typing import Any

from django.utils import translation
from django.utils.translation import gettext_lazy

from regulars.messaging.templating.faults import TemplateFaultError
from regulars.shop.models import AttributeDefinition, Product
from regulars.shop.registry import Words
from regulars.shop.wording import gettext as _

_SAID = re.compile(
    r"""["']([a-z_]+)["']\s*(?:,?\s*["']([^"'{}%]{1,200})["'])?\s*(?:,?\s*limit:\s*(\d{1,2}))?"""
)
_MOST_ITEMS = 12
_POINTS = "points"


@dataclass(frozen=True, kw_only=True)
class Block:
    """A part with a name.

    Attributes:
        key: Its name.
        label: What people call it.
        help: What it puts in, in a sentence.
        sample: How it is written.
        look_up: Returns what was named with it, for `mail` and `text`; raises TemplateFaultError where it is not there. Called in the language of whoever
            reads.
        mail: Returns its plain writing for a mail, of what was looked up and how many items at most.
        text: Returns its words for a plain text, likewise; "" where it has none.
    """

    key: str
    label: Words
    help: Words
    sample: str
    look_up: Callable[[str], Any] = lambda named: named
    mail: Callable[[Any, int], str] = lambda _found, _limit: ""
    text: Callable[[Any, int], str] = lambda _found, _limit: ""


_blocks: dict[str, Block] = {}


def register(block: Block) -> None:
    """Offer a block. Raises ValueError where its name is taken."""
    if _blocks.setdefault(block.key, block) is not block:
        message = f"two blocks are registered as {block.key!r}; a name belongs to one"
        raise ValueError(message)


def blocks() -> list[Block]:
    """Return every block there is, in the order they are offered."""
    return list(_blocks.values())


def written(told: str, *, is_mail: bool, language: str) -> str:
    """Return what stands for a block.

    Args:
        told: What its tag says: `"recommended" limit: 3`.
        is_mail: For a mail; else for a plain text.
        language: In which it is said.

    Raises:
        TemplateFaultError: There is no such block, it lacks what it shows, or its tag cannot be read; told in the language of
            whoever reads.
    """
    said = _SAID.fullmatch(told.strip())
    if said is None:
        raise TemplateFaultError(
            _("the block %(block)s cannot be read; write for example %(sample)s")
            % {"block": told[:80], "sample": '{% block "recommended" limit: 3 %}'},
            part="body",
        )
    key, named, limit = said.group(1), said.group(2) or "", min(int(said.group(3) or 3), _MOST_ITEMS)
    block = _blocks.get(key)
    if block is None:
        raise TemplateFaultError(
            _("no block is called “%(name)s”; choose from %(names)s")
            % {"name": key, "names": ", ".join(_blocks)},
            part="body",
        )
    found = block.look_up(named)
    with translation.override(language):
        return (block.mail if is_mail else block.text)(found, max(limit, 1))


# Ours


def _products(root: str, heading: Callable[[], str]) -> Callable[[str, int], str]:
    pattern = Template(
        """{% if $root.size > 0 %}

## $heading

{% for product in $root limit: $limit %}

**{{ product.name }}**{% if product.brand %} · {{ product.brand }}{% endif %}{% if product.url %} · [$see]({{ product.url }}){% endif %}

{% endfor %}

{% endif %}"""
    )
    return lambda _named, limit: pattern.substitute(
        root=root, heading=heading(), limit=limit, see=_("See it")
    )


def _products_in_text(root: str) -> Callable[[str, int], str]:
    def write(_named: str, limit: int) -> str:
        between = _(", ")
        return (
            f"{{% for product in {root} limit: {limit} %}}{{{{ product.name }}}}"
            f"{{% unless forloop.last %}}{between}{{% endunless %}}{{% endfor %}}"
        )

    return write


def _named_product(named: str) -> Product:
    found = Product.objects.filter(code=named).order_by("id").first() if named else None
    if found is None:
        raise TemplateFaultError(
            _('no product has the code “%(code)s”; write {%% block "product" "CODE" %%}') % {"code": named},
            part="body",
        )
    return found


def _plain(text: str) -> str:
    """Return a text that means nothing to the template language."""
    return text.replace("{", "(").replace("}", ")").replace("\n", " ")


def _product(product: Product, _limit: int) -> str:
    brand = f" · {_plain(product.brand)}" if product.brand else ""
    link = "{% if shop.url %}\n\n[" + _("See it") + "]({{ shop.url }})\n\n{% endif %}"
    return f"## {_plain(product.name or product.code)}{brand}\n\n{link}"


def _points_path(named: str) -> str:
    """Return the value that holds the points of a shop's own programme: a number among the attributes of its customers."""
    name = named or _POINTS
    numbers = AttributeDefinition.objects.filter(name=name, type=AttributeDefinition.Type.NUMBER)
    if not numbers.exists():
        raise TemplateFaultError(
            _(
                "no attribute of the type “Number” has the name “%(name)s”; add it under Settings → Attributes and bring the points in with a file of customers, "
                'or name another: {%% block "points" "NAME" %%}'
            )
            % {"name": name},
            part="body",
        )
    return f"customer.attribute.{name}"


def _points(path: str, words: Callable[[str], str]) -> str:
    return f"{{% if {path} > 0 %}}{words(f'{{{{ {path} }}}}')}{{% endif %}}"


def _points_mail(path: str, _limit: int) -> str:
    def words(points: str) -> str:
        link = "{% if shop.url %}[" + _("Use them") + "]({{ shop.url }}){% endif %}"
        return f"\n\n## {_('Your points: %(points)s') % {'points': points}}\n\n{link}\n\n"

    return _points(path, words)


def _footer(_named: str, _limit: int) -> str:
    why = _("You receive this because you allowed us to write to you.")
    leave, settings = _("Unsubscribe"), _("Your settings")
    return (
        "---\n\n"
        "> {{ shop.name }}{% if shop.postal_address %} · {{ shop.postal_address }}{% endif %}\n"
        "> {% if unsubscribe_url != '' %}"
        f"{why} [{leave}]({{{{ unsubscribe_url }}}}) · {{% endif %}}[{settings}]({{{{ preferences_url }}}})"
    )


def register_own() -> None:
    """Offer what this room knows itself."""
    register(
        Block(
            key="recommended",
            label=gettext_lazy("Recommendations"),
            help=gettext_lazy(
                "Products that this customer will most likely buy next. Left out where there are none."
            ),
            sample='{% block "recommended" limit: 3 %}',
            mail=_products("recommended", lambda: _("Picked for you")),
            text=_products_in_text("recommended"),
        )
    )
    register(
        Block(
            key="running_out",
            label=gettext_lazy("Running out"),
            help=gettext_lazy(
                "What this customer buys again and again and needs about now. Left out where there is nothing."
            ),
            sample='{% block "running_out" limit: 3 %}',
            mail=_products("running_out", lambda: _("Time to reorder")),
            text=_products_in_text("running_out"),
        )
    )
    register(
        Block(
            key="product",
            label=gettext_lazy("One product"),
            help=gettext_lazy("The product with the code that you name."),
            sample='{% block "product" "SKU-1" %}',
            look_up=_named_product,
            mail=_product,
            text=lambda product, _limit: _plain(product.name or product.code),
        )
    )
    register(
        Block(
            key="points",
            label=gettext_lazy("Points"),
            help=gettext_lazy(
                "How many points the customer has in the shop's own programme, by the attribute “points” or one that you name. Left out where there are none."
            ),
            sample='{% block "points" %}',
            look_up=_points_path,
            mail=_points_mail,
            text=lambda path, _limit: _points(
                path, lambda points: _("Your points: %(points)s") % {"points": points}
            ),
        )
    )
    register(
        Block(
            key="footer",
            label=gettext_lazy("Footer"),
            help=gettext_lazy(
                "Who writes, from where, and the links to unsubscribe and to change settings. Every mail of advertising needs it."
            ),
            sample='{% block "footer" %}',
            mail=_footer,
            text=lambda _named, _limit: (
                "{% if unsubscribe_url != '' %}" + _("Unsubscribe: {{ unsubscribe_url }}") + "{% endif %}"
            ),
        )
    )
