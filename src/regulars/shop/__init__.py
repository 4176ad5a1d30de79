"""The record: customers, products, orders and refunds, as they happened."""
