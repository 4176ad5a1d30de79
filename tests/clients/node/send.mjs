// What a shop's own server sends with Segment's Node client. Arguments: the host and the write key.
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host, maxRetries: 0 });
const failed = [];
analytics.on("error", (error) => failed.push(error));
const userId = "17";
analytics.identify({ userId, anonymousId: "a", traits: { email: "ann@example.com", name: "Ann" } });
analytics.track({ anonymousId: "a", event: "Product Viewed", properties: { product_id: "W80", name: "Wipes" } });
analytics.page({ userId, name: "Home", properties: { url: "https://shop.example/" } });
analytics.group({ userId, groupId: "acme", traits: { name: "Acme" } });
analytics.alias({ userId, previousId: "former" });
const products = [{ sku: "W80", price: 3.5, quantity: 2 }];
analytics.track({ userId, event: "Order Completed", properties: { order_id: "A1", products } });
await analytics.closeAndFlush({ timeout: 20_000 });
if (failed.length) {
  console.error(failed);
  process.exit(1);
}
