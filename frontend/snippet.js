// Tells Regulars what happens on a shop's own pages. A page loads it through /snippet/WRITE_KEY.js, which says how
// this shop wants it; calls made before it is there wait in `window.regulars`.
//
// Every event has an id of its own, and an id counts once for ever. So an event stays in the browser until it was
// answered and may be sent again: nothing is lost when somebody leaves, and nothing counts twice.

const PREFIX = "regulars.";
const WAITING = `${PREFIX}waiting.`;
const KEPT_MS = 7 * 86_400_000;
const MOST_WAITING = 200;
// sendBeacon and fetch with keepalive take 64 KB together.
const CALL_BYTES = 48_000;
const EVENT_BYTES = 32_000;
const SLOWEST_MS = 60_000;

const calls = window.regulars || [];
const settings = calls.settings || {};
const heldBack =
  settings.heedsSignals &&
  (navigator.globalPrivacyControl === true || [navigator.doNotTrack, window.doNotTrack].includes("1"));

let refused = heldBack || recall("consent") === "no";
let mayKeep = !refused && (!settings.asksConsent || recall("consent") === "yes");
let waiting = new Map();
let visitor = "";
let person = "";
let traits = {};
let timer = 0;
let failures = 0;
let isSending = false;

// Storage may be forbidden or full; then this page remembers for itself.
function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name) || "";
  } catch {
    return "";
  }
}

function keep(name, value) {
  try {
    if (value) localStorage.setItem(PREFIX + name, value);
    else localStorage.removeItem(PREFIX + name);
  } catch {}
}

function keptNames() {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
  } catch {
    return [];
  }
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Not there on plain http.
  const parts = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(parts, (part) => part.toString(16).padStart(2, "0")).join("");
}

function start() {
  visitor = recall("visitor") || visitor || newId();
  person = recall("person") || person;
  keep("visitor", visitor);
  keep("person", person);
  const oldest = Date.now() - KEPT_MS;
  for (const name of keptNames().filter((name) => name.startsWith(WAITING))) {
    try {
      const event = JSON.parse(localStorage.getItem(name));
      if (Date.parse(event.timestamp) > oldest) waiting.set(event.messageId, event);
      else localStorage.removeItem(name);
    } catch {
      keep(name.slice(PREFIX.length), "");
    }
  }
}

function page() {
  const { origin, pathname, search } = location;
  return { url: origin + pathname + search, path: pathname, search, title: document.title, referrer: document.referrer };
}

function campaign() {
  const found = {};
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (name.startsWith("utm_")) found[name === "utm_campaign" ? "name" : name.slice(4)] = value;
  }
  return found;
}

function tell(type, told) {
  if (refused) return;
  const event = {
    type,
    messageId: newId(),
    timestamp: new Date().toISOString(),
    context: { page: page(), campaign: campaign(), locale: navigator.language, library: { name: "regulars.js" } },
    ...told,
  };
  if (bytes(JSON.stringify(event)) > EVENT_BYTES) {
    console.warn("regulars: an event of more than 32 KB was left out", type);
    return;
  }
  waiting.set(event.messageId, event);
  while (waiting.size > MOST_WAITING) forget(waiting.keys().next().value);
  if (!mayKeep) return;
  keep(`waiting.${event.messageId}`, JSON.stringify(named(event)));
  sendSoon(50);
}

// Who it was is written when it may be: an event from before consent has no visitor yet.
function named(event) {
  event.anonymousId = event.anonymousId || visitor;
  if (!event.userId && person && event.type !== "identify") event.userId = person;
  return event;
}

function forget(id) {
  waiting.delete(id);
  keep(`waiting.${id}`, "");
}

function bytes(text) {
  return new Blob([text]).size;
}

function sendSoon(delay) {
  if (!timer && !isSending && mayKeep) timer = setTimeout(send, delay);
}

// One call's worth of what waits, and its ids.
function next() {
  const batch = [];
  let size = 500;
  for (const event of waiting.values()) {
    size += bytes(JSON.stringify(named(event))) + 1;
    if (batch.length && size > CALL_BYTES) break;
    batch.push(event);
  }
  const body = JSON.stringify({ batch, writeKey: settings.writeKey, sentAt: new Date().toISOString() });
  return { body, ids: batch.map((event) => event.messageId) };
}

async function send() {
  timer = 0;
  if (isSending || !waiting.size || !mayKeep) return;
  isSending = true;
  const { body, ids } = next();
  let again = false;
  try {
    // Plain text and the key in the body: no preflight.
    const answer = await fetch(`${settings.host}/v1/batch`, {
      method: "POST",
      body,
      headers: { "Content-Type": "text/plain" },
      keepalive: true,
      credentials: "omit",
      mode: "cors",
    });
    again = answer.status >= 500 || answer.status === 429;
    if (!again && !answer.ok) console.warn(`regulars: refused with ${answer.status}`, await answer.text());
  } catch {
    again = true;
  }
  isSending = false;
  if (!again) ids.forEach(forget);
  failures = again ? failures + 1 : 0;
  if (waiting.size) sendSoon(again ? Math.min(SLOWEST_MS, 1_000 * 2 ** (failures - 1)) * (0.5 + Math.random() / 2) : 0);
}

// The page may never come back. What is sent here stays until a later page hears an answer to it.
function leave() {
  if (!waiting.size || !mayKeep) return;
  navigator.sendBeacon(`${settings.host}/v1/batch`, new Blob([next().body], { type: "text/plain" }));
}

function consent(isGiven) {
  if (heldBack) return;
  refused = !isGiven;
  mayKeep = Boolean(isGiven);
  if (isGiven) {
    keep("consent", "yes");
    start();
    for (const event of waiting.values()) keep(`waiting.${event.messageId}`, JSON.stringify(named(event)));
    sendSoon(0);
    return;
  }
  for (const name of keptNames()) keep(name.slice(PREFIX.length), "");
  // Remembered, so that nobody is asked on every page: the one thing kept, and it names nobody.
  keep("consent", "no");
  waiting = new Map();
  visitor = person = "";
  traits = {};
}

const api = {
  page: (name, properties) => tell("page", { name: name || undefined, properties: { ...page(), ...properties } }),
  track: (event, properties) => tell("track", { event, properties: properties || {} }),
  viewed: (product) => api.track("Product Viewed", { url: page().url, ...product }),
  added: (product) => api.track("Product Added", { url: page().url, quantity: 1, ...product }),
  identify: (id, told) => {
    const isTraits = typeof id === "object" && id !== null;
    const known = isTraits || id === undefined || id === null ? "" : String(id);
    if (refused) return;
    if (known) {
      // Somebody else at the same browser: what comes is not the former person's.
      if (person && person !== known) traits = {};
      person = known;
      if (mayKeep) keep("person", person);
    }
    traits = { ...traits, ...(isTraits ? id : told) };
    tell("identify", { userId: person || undefined, traits });
  },
  group: (id, told) => tell("group", { groupId: String(id), traits: told || {} }),
  consent,
  reset: () => {
    for (const name of ["visitor", "person"]) keep(name, "");
    visitor = newId();
    person = "";
    traits = {};
    if (mayKeep) keep("visitor", visitor);
  },
  visitor: () => (mayKeep ? visitor : ""),
  push: (call) => api[call[0]]?.(...call[1]),
};

if (!calls.isReady) {
  api.isReady = true;
  api.settings = settings;
  window.regulars = api;
  if (mayKeep) start();
  for (const call of calls) api.push(call);
  if (waiting.size) sendSoon(50);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave());
  window.addEventListener("pagehide", leave);
  window.addEventListener("online", () => {
    failures = 0;
    clearTimeout(timer);
    timer = 0;
    sendSoon(0);
  });
}
