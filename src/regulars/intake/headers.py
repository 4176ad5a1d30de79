"""What merchants' systems call the columns of an order export, in English and Chinese.

Gathered from the export files of Taobao and Tmall, JD, Shopify, WooCommerce, Amazon, eBay, Square, Magento,
and of the public data sets. The first words of a field are the surest.
"""

import re
import unicodedata


def plain(name: str) -> str:
    """Return a column name without case, spaces and punctuation: `Order ID` and `order_id` are one."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name)).lower()


WORDS = {
    "order_code": (
        "order id", "order number", "order no", "order code", "order", "invoice no", "invoice number", "invoice",
        "basket id", "transaction id", "receipt no", "receipt number", "receipt id", "order name", "sales order",
        "amazon order id", "increment id", "name", "订单编号", "订单号", "主订单编号", "订单ID", "单号",
        "交易编号", "交易号", "订单流水号", "平台订单号", "原始单号", "網上訂單號", "訂單編號", "訂單號",
    ),
    "line_number": (
        "line number", "line no", "line id", "order line", "order line id", "line item id", "order item id",
        "item number", "row id", "sub order id", "子订单编号", "子订单号", "行号", "明细编号", "明细行号",
    ),
    "placed_at": (
        "order date", "order time", "ordered at", "created at", "date created", "invoice date",
        "transaction timestamp", "purchase date", "order created", "created", "date", "timestamp", "placed at",
        "paid at", "sale date", "transaction date", "datetime", "day", "订单付款时间", "付款时间", "支付时间",
        "订单创建时间", "下单时间", "创建时间", "成交时间", "拍下时间", "订单时间", "交易时间", "下单日期",
        "订单日期", "日期", "時間", "訂單日期", "下單時間",
    ),
    "placed_time": ("time", "order clock", "time of day", "sale time", "transaction time", "时间", "时刻"),
    "external": (
        "customer id", "customer number", "customer no", "customer code", "household id", "user id", "client id",
        "buyer id", "member id", "customer", "customer key", "shopper id", "account id", "buyer user id",
        "buyer username", "买家会员名", "买家昵称", "买家账号", "会员名", "会员编号", "会员号", "会员ID", "客户编号",
        "客户ID", "用户ID", "买家ID", "顾客编号", "买家旺旺", "用户编号", "會員編號", "客戶編號",
    ),
    "email": (
        "email", "email address", "e mail", "customer email", "buyer email", "billing email", "邮箱", "电子邮箱",
        "电子邮件", "邮件", "電郵", "買家電郵",
    ),
    "phone": (
        "phone", "phone number", "mobile", "mobile phone", "telephone", "customer phone", "billing phone",
        "buyer phone number", "买家手机号", "买家手机", "手机", "手机号", "手机号码", "联系手机", "收货人手机", "电话", "联系电话", "電話",
        "手機",
    ),
    "ouid": ("ouid", "open uid", "open buyer id"),
    "omid": ("omid", "open merchant id"),
    "openid": ("openid", "open id", "wechat openid", "微信openid"),
    "customer_name": (
        "customer name", "buyer name", "billing name", "full name", "recipient name", "收货人姓名", "客户姓名",
        "客户名称", "买家姓名", "姓名", "收件人", "收货人", "客戶姓名",
    ),
    "country": (
        "country", "billing country", "shipping country", "country code", "ship country", "国家", "国家地区",
        "收货国家", "國家",
    ),
    "company": (
        "company name", "buyer company", "customer company", "billing company", "company (billing)", "公司名称", "买家公司", "买家公司名称",
        "客户公司", "采购公司", "企业名称", "公司名稱",
    ),
    "product_code": (
        "sku", "product id", "product code", "stock code", "item id", "lineitem sku", "product sku", "asin",
        "item code", "article", "variant sku", "商家编码", "外部系统编号", "商品编码", "商品编号", "货号", "商品ID",
        "宝贝ID", "产品编号", "商品代码", "規格編號", "商品編號",
    ),
    "product_name": (
        "product name", "lineitem name", "item name", "product", "item", "product title", "description", "title",
        "宝贝标题", "商品名称", "标题", "宝贝名称", "产品名称", "商品标题", "商品", "商品名稱",
    ),
    "category": (
        "category", "product category", "product type", "department", "类目", "商品类目", "分类", "商品分类", "品类",
        "類別",
    ),
    "brand": ("brand", "vendor", "lineitem vendor", "manufacturer", "品牌"),
    "pack_size": ("pack size", "package size", "size", "规格", "商品规格", "商品属性", "包装规格", "規格"),
    "quantity": (
        "quantity", "qty", "lineitem quantity", "quantity purchased", "units", "item quantity", "count",
        "购买数量", "数量", "商品数量", "宝贝总数量", "件数", "数目", "數量",
    ),
    "unit_price": (
        "unit price", "price", "lineitem price", "item price", "price each", "product price", "item cost",
        "价格", "单价", "商品单价", "商品价格", "單價", "價格",
    ),
    "amount": (
        "sales value", "line total", "line amount", "amount", "net sales", "item total", "total", "subtotal",
        "revenue", "sales", "商品实际成交金额", "实际成交金额", "order total", "total price", "total amount", "买家实付金额", "买家实际支付金额",
        "实付金额", "总金额", "买家应付货款", "实收金额", "金额", "成交金额", "小计", "订单金额", "支付金额", "金額",
        "總金額",
    ),
    "discount": (
        "discount", "discount amount", "retail disc", "coupon disc", "coupon match disc", "lineitem discount",
        "item discount", "优惠金额", "折扣金额", "优惠", "折扣", "商家优惠", "折扣額",
    ),
    # What stands once for the whole order. A column that says only "discount" is one of its line.
    "order_discount": ("order discount", "order discount amount", "cart discount", "cart discount amount", "整单优惠", "整单优惠金额", "订单优惠金额"),
    "order_subtotal": ("order subtotal", "order subtotal amount", "cart subtotal", "订单商品金额", "商品总额"),
    "order_refunded": ("order refunded amount", "order refund amount", "order refund total", "订单退款金额"),
    "cancelled_at": ("cancelled at", "canceled at", "cancelled on", "cancellation date", "订单取消时间", "取消时间"),
    "currency": (
        "currency", "currency code", "order currency", "presentment currency", "币种", "货币", "订单币种", "结算币种", "幣別", "幣種",
    ),
    "coupon_code": (
        "coupon code", "coupon codes", "coupon code(s)", "discount code", "discount codes", "voucher code", "promo code",
        "promotion code", "coupons used", "coupons", "coupon", "voucher", "优惠券编号", "优惠券码", "优惠码", "券码", "优惠券",
        "優惠券編號", "優惠碼", "優惠券",
    ),
    "status": (
        "financial status", "order status", "status", "payment status", "订单状态", "交易状态", "状态", "訂單狀態",
    ),
    "store": ("store", "shop", "store name", "shop name", "store code", "店铺名称", "店铺", "店铺名", "店鋪"),
}  # fmt: skip

# Fields whose words may also begin or end a longer name, as in `Email (Billing)`; such a find is not sure.
GUESSED = frozenset(
    {
        "placed_at",
        "email",
        "phone",
        "customer_name",
        "country",
        "product_name",
        "category",
        "brand",
        "quantity",
        "unit_price",
    }
)
# Columns that are called a price but hold the amount of the whole line, by a column that gives the system away.
LINE_TOTALS = {"amazonorderid": "itemprice"}
# Amounts of an order rather than of its line.
ORDER_TOTALS = frozenset(
    plain(word)
    for word in (
        "total", "subtotal", "order total", "total price", "total amount", "amount", "总金额", "订单金额",
        "买家应付货款", "买家实际支付金额", "買家實付金額", "總金額",
    )
)  # fmt: skip

# What status columns say, as `plain` writes it. What stands here with neither is asked.
STATUSWORDS = {
    "paid": (
        "paid", "complete", "completed", "processing", "shipped", "delivered", "fulfilled", "partially_refunded",
        "partially refunded", "success", "done", "unshipped", "shipping", "交易成功", "已付款", "已发货",
        "已完成", "买家已付款，等待卖家发货", "买家已付款,等待卖家发货", "卖家已发货，等待买家确认",
        "卖家已发货,等待买家确认", "等待买家确认收货", "等待卖家发货", "待发货", "已签收", "完成", "已支付",
        "部分退款", "待收货", "交易完成", "等待商家发货", "商家已发货", "买家已签收",
    ),
    "pending": (
        "pending", "pending payment", "unpaid", "authorized", "partially paid", "on hold", "awaiting payment",
        "draft", "等待买家付款", "待付款", "未付款", "待支付",
    ),
    "cancelled": (
        "cancelled", "canceled", "voided", "refunded", "failed", "expired", "trash", "交易关闭", "已关闭", "已取消",
        "取消", "已退款", "关闭", "退款成功",
    ),
}  # fmt: skip
STATUS_OF = {plain(word): status for status, words in STATUSWORDS.items() for word in words}
# Statuses of orders of which everything was given back: where a file says how much, they are paid orders with a refund.
REFUNDED_WORDS = frozenset(plain(word) for word in ("refunded", "已退款", "退款成功"))
# What stands in the place of a moment at which an order was not cancelled.
NOT_CANCELLED = r"(?i)^([0\s:./TZ+-]*|no|false|否)$"
