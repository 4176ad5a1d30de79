"""What intake's words are called on pages and in commands."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

REASON_LABELS = {
    "broken_line": _("the line is no JSON object"),
    "unpaired_quotes": _('a quotation mark (") is opened and not closed'),
    "too_many_fields": _("more cells than columns"),
    "no_order_code": _("no order number"),
    "masked_customer": _("the customer is masked with *"),
    "no_customer": _("no customer"),
    "digits_lost": _("a spreadsheet has cut off digits (1.23E+11)"),
    "several_customers": _("the order's lines name different customers"),
    "several_statuses": _("the order's lines name different statuses"),
    "unknown_status": _("unknown status"),
    "unclear_order": _("a discount or refund of the whole order is no number, or its lines differ on it"),
    "duplicate_line": _("the line number stands twice in the order"),
    "no_product": _("no product"),
    "bad_date": _("not a date"),
    "future_date": _("the date lies in the future"),
    "bad_quantity": _("the quantity is not a number"),
    "zero_quantity": _("the quantity is 0"),
    "other_currency": _("it is in another currency than the record"),
    "bad_price": _("the price or amount is not a number"),
    "bad_discount": _("the discount is not a number"),
    "zero_price": _("the amount is 0: nothing was paid"),
    "too_large": _("the amount is too large to be true"),
    "too_long": _("a text is too long"),
    "other_customer": _("the order already belongs to another customer"),
    "told_by_sender": _(
        "a connected shop or program told this order already; the file's lines would count twice"
    ),
    "erased_person": _("tells of a person who was erased since, at their wish; it does not come back"),
    "letters_lost": _("letters were lost (�) before the file came to us"),
}

STAGE_LABELS = {
    "reading": _("Reading the file"),
    "checking": _("Checking lines"),
    "staging": _("Checking lines"),
    "customers": pgettext_lazy("group of fields", "Customers"),
    "products": _("Products"),
    "orders": pgettext_lazy("group of fields", "Orders"),
    "lines": _("Order lines"),
    "refunds": _("Refunds and totals"),
    "merging": _("Joining the record"),
}

FIELD_LABELS = {
    "order_code": _("Order number"),
    "line_number": _("Line number"),
    "placed_at": _("Order date"),
    "placed_time": _("Time of day"),
    "external": _("Customer id"),
    "email": _("E-mail"),
    "phone": _("Phone"),
    "ouid": _("OUID"),
    "omid": _("OMID"),
    "openid": _("OpenID"),
    "customer_name": _("Customer's name"),
    "country": _("Country"),
    "company": _("Company"),
    "product_code": _("Product code"),
    "product_name": _("Product name"),
    "category": _("Category"),
    "brand": _("Brand"),
    "pack_size": _("Pack size"),
    "quantity": _("Quantity"),
    "unit_price": _("Price of one piece"),
    "amount": _("Amount paid for the line"),
    "discount": _("Discount"),
    "coupon_code": _("Coupon code"),
    "order_discount": _("Discount of the whole order"),
    "order_subtotal": _("Goods of the whole order"),
    "order_refunded": _("Given back of the whole order"),
    "cancelled_at": _("Cancelled"),
    "currency": _("Currency"),
    "status": _("Order status"),
    "store": _("Store"),
}

FIELD_NOTES = {
    "order_code": _("Lines with the same number are one order."),
    "line_number": _(
        "Tells the lines of an order apart. Without it their content does, and identical lines are counted."
    ),
    "placed_at": _("When the order was placed or paid, on your business's clock."),
    "placed_time": _("Only if the time stands in a column of its own."),
    "external": _("Your own id for the customer, or the marketplace's. Any one identifier is enough."),
    "email": _("Recognises the customer in every store."),
    "phone": _("Recognises the customer in every store. Masked numbers (138****1234) recognise nobody."),
    "ouid": _("Taobao's id for a buyer in one store."),
    "omid": _("Taobao's id for a buyer in all stores of one merchant."),
    "openid": _("WeChat's id for a person in one account."),
    "company": _(
        "For whom a customer buys. They become a contact of that company's account, and an order that names it is the account's."
    ),
    "product_code": _("Your SKU. Without it the product's name stands in."),
    "coupon_code": _(
        "The codes used on the order, several with commas between. Those of your offers are matched."
    ),
    "order_discount": _("Spread over the order's lines. One line of the order is enough to say it."),
    "order_subtotal": _(
        "What the goods cost after all discounts, without shipping. It tells how much of the order's discount was taken off goods."
    ),
    "order_refunded": _(
        "All that was given back. It becomes a refund on the day of the order, because the file names no other, and is never more than its goods cost."
    ),
    "cancelled_at": _("An order that has a date here is cancelled."),
    "currency": _("Lines in another currency than the record's are refused."),
    "quantity": _("A negative quantity is a refund. Without the column each line is one piece."),
    "unit_price": _("Before discounts. Quantity times price, less discounts, is what was paid."),
    "amount": _("What was paid for the whole line after discounts. It wins over the price of one piece."),
    "discount": _("Several columns may add up."),
    "status": _("Paid, waiting for payment, or cancelled; only paid orders count."),
    "store": _("Only if the file holds orders of several stores."),
}

MISSING_LABELS = {
    "order_code": _("the order number"),
    "placed_at": _("the order date"),
    "external or email or phone or ouid or omid or openid": _("one way to recognise the customer"),
    "amount or unit_price": _("the amount paid, or the price of one piece"),
}

UNREADABLE_DATES = _("No date format reads column “%(column)s”.")
CONTRADICTORY_DATES = _(
    "In column “%(column)s” some dates can only be read day first, and others only month first. Which is right? "
    "Lines with the others will be refused."
)
QUESTION_LABELS = {
    "date_formats": _("Column “%(column)s” can be read day first or month first. Which is right?"),
    "decimal": _("Is the mark in numbers such as 1,234 of column “%(column)s” a decimal mark?"),
    "status_values": _("What does “%(word)s” in column “%(column)s” mean?"),
}
