"""Everything that changes the record."""

from regulars.shop.operations.accounts import (
    InvalidAccountError,
    NotAContactError,
    add_contacts,
    assign_managers,
    ensure_account,
    give_orders,
    give_orders_of,
    remove_contact,
)
from regulars.shop.operations.attributes import (
    AttributeInUseError,
    InvalidAttributeError,
    Told,
    UnknownAttributeError,
    clear_attribute,
    define_attribute,
    remove_attribute,
    rule_of,
    set_attributes,
)
from regulars.shop.operations.changes import (
    UNDO_DAYS,
    ChangesOvertakenError,
    ChangesTooOldError,
    ChangesUndoneError,
    Undone,
    keep_changes,
    undo_changes,
    undo_hindrance,
)
from regulars.shop.operations.consents import (
    InvalidConsentError,
    Statement,
    record_consents,
)
from regulars.shop.operations.events import (
    EARLIEST,
    InvalidRetentionError,
    NewEvent,
    claim_messages,
    drop_month,
    ensure_source,
    keep_events,
    link_visitors,
    mark_event_days,
    message_key,
    next_month,
    partition_name,
    prepare_coming_months,
    prepare_months,
    see_visitors,
    write_events,
)
from regulars.shop.operations.identity import (
    AlreadyMergedError,
    MergeNotOpenError,
    Person,
    SameCustomerError,
    dismiss_suggestion,
    lock_people,
    mark_order_days,
    merge,
    recognise,
    undo_merge,
)
from regulars.shop.operations.lines import (
    Conflict,
    Merged,
    begin_merge,
    copy_to_stage,
    end_merge,
    ensure_stores,
    merge_customers,
    merge_refunds,
    merge_stage,
    open_stage,
)
from regulars.shop.operations.orders import (
    LineState,
    OrderState,
    ProductSeen,
    Put,
    RefundState,
    put_order,
    see_products,
)
    "forget_touched",
