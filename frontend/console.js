// The console's behaviour. Pages are complete without it; it makes them quicker and adds charts.
import htmx from "htmx.org";

import { watchCharts } from "./components/charts.js";
import "./components/clipboard.js";
import "./components/confirm.js";
import "./components/insert.js";
import "./components/keyboard.js";
import "./components/lists.js";
import "./components/popovers.js";
import "./components/theme.js";
import "./components/uploads.js";
import { say } from "./components/toasts.js";

// The policy of the page forbids eval and inline styles and scripts; htmx must not try.
htmx.config.allowEval = false;
htmx.config.allowScriptTags = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
// Customers' data does not stay in the browser's storage.
htmx.config.historyCacheSize = 0;
htmx.config.refreshOnHistoryMiss = true;
htmx.config.timeout = 30_000;
// A refused form comes back with its errors as 422 and is shown; other failures are told in a toast.
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  { code: "422", swap: true },
  { code: "[45]..", swap: false, error: true },
];

const words = document.body.dataset;

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("meta[name='csrf-token']")?.content;
  if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token;
});
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  say({ level: "error", text: `${status === 403 ? words.sayForbidden : words.sayFailed} (${status})` });
});
document.addEventListener("htmx:sendError", () => say({ level: "error", text: words.sayOffline }));
document.addEventListener("htmx:timeout", () => say({ level: "error", text: words.saySlow }));

watchCharts(document);
document.addEventListener("htmx:load", (event) => watchCharts(event.detail.elt));

// The journey canvas is large and loaded only where a journey is drawn.
const journey = document.querySelector("[data-journey]");
if (journey) import("./journey/editor.js").then(({ start }) => start(journey));
