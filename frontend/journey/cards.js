// A step in words: its card on the drawing, its line in the list.
import { count, h, hasWord, icon, say } from "./elements.js";
import { inWords } from "./fields.js";
import { ENTRY } from "./graph.js";

export function kindOf(store, id) {
  if (id !== ENTRY) return store.kinds[store.graph.steps[id]?.kind];
  const entry = store.data.entries.find(({ kind }) => kind === store.graph.entry?.kind);
  return entry ? { ...entry, group: "entry" } : { label: say("entry"), icon: "play", group: "entry", fields: [] };
}

export function titleOf(store, id) {
  const kind = kindOf(store, id);
  if (id === ENTRY) return say("entry_title", { kind: kind.label });
  return store.graph.steps[id]?.label || kind?.label || store.graph.steps[id]?.kind || id;
}

// The first fields that say something, as one line.
export function summaryOf(store, id) {
  const holder = id === ENTRY ? store.graph.entry : store.graph.steps[id];
  const kind = kindOf(store, id);
  if (!kind || !holder) return "";
  const parts = kind.fields.map((field) => {
    const words = inWords(store, id, field, holder[field.name]);
    return words && field.type === "integer" && words === String(holder[field.name]) ? `${field.label}: ${words}` : words;
  }).filter(Boolean);
  if (id === ENTRY && holder.rule) parts.push(store.ruleWords["entry.rule"] ?? say("with_rule"));
  return parts.slice(0, 3).join(" · ");
}

export function labelOfOut(store, id, out) {
  const kind = kindOf(store, id);
  const shares = kind?.fields.find((field) => field.type === "shares");
  if (shares) return `${out} · ${inWords(store, id, { type: "percent" }, store.graph.steps[id]?.[shares.name]?.[out] ?? 0)}`;
  return hasWord(`out_${out}`) ? say(`out_${out}`) : out;
}

export function cardOf(store, id) {
  const kind = kindOf(store, id);
  const title = titleOf(store, id);
  const summary = summaryOf(store, id);
  const faults = store.faultsOf(id);
  const counts = store.data.counts?.[id];
  const numbers = counts ? countsInWords(counts) : [];
  const label = [title, id === ENTRY ? "" : id, summary, ...numbers, ...faults.map((fault) => fault.message)].filter(Boolean).join(", ");
  const visit = store.data.path?.filter((one) => one.step === id) ?? [];
  return h(
    "div",
    { class: `journey-card ${faults.some(({ severity }) => severity === "error") ? "has-fault" : ""}`, "data-group": kind?.group ?? "unknown", "data-label": label },
    h("span", { class: "journey-card-icon" }, icon(kind?.icon ?? "warning")),
    h(
      "span",
      { class: "journey-card-words" },
      h("strong", {}, title),
      h("span", { class: "journey-card-summary" }, visit.length ? visit.map((one) => one.when).join(" · ") : summary || (id === ENTRY ? "" : say("not_set"))),
      numbers.length > 0 && h("span", { class: "journey-card-counts" }, numbers.join(" · ")),
    ),
    faults.length > 0 && h("span", { class: "journey-card-fault", "data-severity": worst(faults), title: faults.map((fault) => fault.message).join("\n") }, icon(worst(faults), "icon-sm")),
  );
}

export const worst = (faults) => (faults.some(({ severity }) => severity === "error") ? "error" : "warning");

export function countsInWords({ waiting = 0, passed = 0, parked = 0, left = 0 }) {
  return [
    waiting > 0 && say("count_waiting", { n: count(waiting) }),
    say("count_passed", { n: count(passed) }),
    parked > 0 && say("count_parked", { n: count(parked) }),
    left > 0 && say("count_left", { n: count(left) }),
  ].filter(Boolean);
}
