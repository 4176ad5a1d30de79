// The typed fields of steps: each as something to fill in, and in words. Types come from the registry of steps.
import { button, h, icon, percent, say } from "./elements.js";

const locale = document.documentElement.dataset.locale || "en";
const SUNDAY = Date.UTC(2023, 0, 1);
const weekdayName = (number, weekday = "long") =>
  new Intl.DateTimeFormat(locale, { weekday, timeZone: "UTC" }).format(new Date(SUNDAY + (number % 7) * 86_400_000));

export const isBlank = (value) => value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);

// In words

// Of these the name is the unit.
const SPANS = { days: "day", hours: "hour", minutes: "minute" };
const spanInWords = (value, unit) => new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(value);
const NAMED = new Set(["segment", "template", "channel", "offer", "tag", "attribute", "journey", "product", "choice"]);

function nameIn(store, field, value) {
  const choices = choicesOf(store, field);
  return choices.find(([key]) => String(key) === String(value))?.[1] ?? String(value);
}

// Choices are [key, words] or [key, words, of what kind]; a field may want some kinds only.
function choicesOf(store, field) {
  if (field.type === "choice") return field.choices;
  const all = store.data.choices[field.type] ?? [];
  return field.only?.length ? all.filter(([, , kind]) => field.only.includes(kind)) : all;
}

export function inWords(store, id, field, value) {
  if (isBlank(value) && field.type !== "boolean") return "";
  if (field.type === "weekday") return value.map((one) => weekdayName(one, "short")).join(", ");
  if (field.type === "over") return overInWords(store, value);
  if (Array.isArray(value)) return value.map((one) => inWords(store, id, field, one)).join(", ");
  if (NAMED.has(field.type)) return nameIn(store, field, value);
  const write = {
    boolean: () => (value ? String(field.label) : ""),
    money: () => moneyInWords(store, value),
    percent: () => percent(value),
    shares: () => Object.entries(value).map(([name, share]) => `${name} ${percent(share)}`).join(" / "),
    rule: () => store.ruleWords[rulePlace(id, field.name)] ?? say("with_rule"),
    integer: () => (value === 0 ? "" : field.name in SPANS ? spanInWords(value, SPANS[field.name]) : String(value)),
  }[field.type];
  return write ? write() : String(value);
}

function overInWords(store, value) {
  return value.map(({ channel, template }) => [nameIn(store, { type: "template" }, template), nameIn(store, { type: "channel" }, channel)].join(" · ")).join("; ");
}

function moneyInWords(store, minor) {
  const { currency, exponent } = store.data;
  return new Intl.NumberFormat(locale, { style: "currency", currency }).format(minor / 10 ** exponent);
}

// Where a rule stands in the graph, as the server's words for it are kept: "entry.rule", "bought.rule".
export const rulePlace = (id, name) => (name.includes(".") ? name : `${id}.${name}`);

// To fill in. Each returns one element; `set(value)` is told every change.

const input = (attributes, set, read = (element) => element.value) =>
  h("input", { class: "form-control", ...attributes, oninput: (event) => set(read(event.target)) });

const wholeOf = (element) => (element.value === "" ? null : Number.isInteger(element.valueAsNumber) ? element.valueAsNumber : element.value);

function chooser(store, field, value, set, attributes) {
  const choices = choicesOf(store, field);
  const isKnown = isBlank(value) || choices.some(([key]) => String(key) === String(value));
  const element = h(
    "select",
    {
      class: "form-select",
      ...attributes,
      onchange: ({ target }) => {
        const chosen = target.selectedOptions[0].dataset.value;
        set(chosen === undefined ? null : JSON.parse(chosen));
      },
    },
    h("option", { value: "" }, field.required ? say("choose") : say("none")),
    choices.map(([key, label]) => h("option", { value: String(key), "data-value": JSON.stringify(key), selected: String(key) === String(value) }, label)),
    // What is named and no longer there stays to be seen.
    !isKnown && h("option", { value: String(value), "data-value": JSON.stringify(value), selected: true }, say("gone", { name: value })),
  );
  return element;
}

function days(field, value, set, attributes) {
  const chosen = value ?? [];
  return h(
    "fieldset",
    { class: "journey-days" },
    h("legend", { class: "visually-hidden" }, field.label),
    [1, 2, 3, 4, 5, 6, 7].map((day, index) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          ...(index === 0 ? attributes : { id: `${attributes.id}-${day}` }),
          class: "form-check-input",
          type: "checkbox",
          checked: chosen.includes(day),
          onchange: ({ target }) => {
            const now = (target.checked ? [...chosen, day] : chosen.filter((one) => one !== day)).sort();
            set(now.length > 0 ? now : null);
          },
        }),
        h("span", {}, weekdayName(day, "short")),
      ),
    ),
  );
}

// What is said over which channel; who cannot be reached by the first gets the next.
const MOST_OVER = 3;

function over(store, value, set, attributes) {
  const rows = Array.isArray(value) && value.length > 0 ? value : [{ channel: null, template: null }];
  const give = (at, change) => set(rows.map((row, index) => (index === at ? { ...row, ...change } : row)));
  const part = (row, at, name, extra) =>
    chooser(store, { type: name, required: true }, row[name], (chosen) => give(at, { [name]: chosen }), {
      id: `${attributes.id}-${at}-${name}`,
      "aria-label": say(`over_${name}`, { n: at + 1 }),
      ...extra,
    });
  return h(
    "div",
    { class: "journey-over" },
    rows.map((row, at) =>
      h(
        "div",
        { class: "journey-over-row" },
        at > 0 && h("span", { class: "muted small" }, say("over_else")),
        part(row, at, "channel", at === 0 ? attributes : {}),
        part(row, at, "template", {}),
        rows.length > 1 && button("trash", say("over_remove"), () => set(rows.filter((_row, index) => index !== at)), { classes: "btn-sm btn-quiet", showWords: false }),
      ),
    ),
    rows.length < MOST_OVER && h("div", {}, button("plus", say("over_add"), () => set([...rows, { channel: null, template: null }]), { classes: "btn-sm" })),
  );
}

function shares(value, set, attributes) {
  const rows = Object.entries(value ?? {});
  const total = rows.reduce((sum, [, share]) => sum + (share || 0), 0);
  const give = (next) => set(Object.fromEntries(next));
  const letter = () => "abcdefghijklmnopqrstuvwxyz".split("").find((one) => !rows.some(([name]) => name === one));
  const even = (names) => names.map((name, index) => [name, Math.floor(10_000 / names.length) + (index < 10_000 % names.length ? 1 : 0)]);
  return h(
    "div",
    { class: "journey-shares" },
    rows.map(([name, share], index) =>
      h(
        "div",
        { class: "journey-pair" },
        h("strong", {}, name),
        input(
          { type: "number", min: 0, max: 100, step: "any", value: share / 100, "aria-label": say("share_of", { name }), ...(index === 0 ? attributes : {}) },
          (typed) => give(rows.map((row, at) => (at === index ? [name, Math.round(Number(typed || 0) * 100)] : row))),
        ),
        h("span", {}, "%"),
        rows.length > 2 && button("trash", say("remove_way", { name }), () => give(even(rows.filter((_row, at) => at !== index).map(([one]) => one))), { classes: "btn-sm btn-quiet", showWords: false }),
      ),
    ),
    total !== 10_000 && h("p", { class: "field-error" }, icon("error", "icon-sm"), h("span", {}, say("shares_sum", { sum: percent(total), whole: percent(10_000) }))),
    rows.length < 10 && button("plus", say("add_way"), () => give(even([...rows.map(([name]) => name), letter()])), { classes: "btn-sm" }),
  );
}

function money(store, value, set, attributes) {
  const scale = 10 ** store.data.exponent;
  return h(
    "div",
    { class: "journey-pair" },
    input({ type: "number", min: 0, step: 1 / scale, value: isBlank(value) ? "" : value / scale, ...attributes }, (typed) => set(typed === "" ? null : Math.round(Number(typed) * scale))),
    h("span", {}, store.data.currency),
  );
}

function share(value, set, attributes) {
  return h(
    "div",
    { class: "journey-pair" },
    input({ type: "number", min: 0, max: 100, step: "any", value: isBlank(value) ? "" : value / 100, ...attributes }, (typed) => set(typed === "" ? null : Math.round(Number(typed) * 100))),
    h("span", {}, "%"),
  );
}

function rule(store, id, field, value, openRule) {
  return h(
    "div",
    { class: "journey-rule" },
    h("p", { class: isBlank(value) ? "muted mb-0" : "mb-0" }, isBlank(value) ? say("no_rule") : (store.ruleWords[rulePlace(id, field.name)] ?? say("with_rule"))),
    store.canWrite && button("filter", isBlank(value) ? say("add_rule") : say("change_rule"), () => openRule(id, field), { classes: "btn-sm" }),
  );
}

function suggest(store, field, value, set, attributes) {
  const listId = `${attributes.id}-list`;
  return h(
    "div",
    {},
    input({ type: "text", value: value ?? "", list: listId, autocomplete: "off", ...attributes }, (typed) => set(typed.trim() === "" ? null : typed.trim())),
    h("datalist", { id: listId }, choicesOf(store, field).map(([key, label]) => h("option", { value: String(key) }, label === key ? null : label))),
  );
}

export function editorOf(store, id, field, value, set, { attributes, openRule }) {
  const text = (type, extra = {}) =>
    input({ type, value: value ?? "", ...extra, ...attributes }, (typed) => set(typed === "" ? null : typed));
  const make = {
    text: () =>
      field.is_long
        ? h("textarea", { class: "form-control", rows: 4, value: value ?? "", ...attributes, oninput: ({ target }) => set(target.value === "" ? null : target.value) })
        : text("text"),
    integer: () => input({ type: "number", step: 1, value: value ?? "", min: field.least, max: field.most, ...attributes }, set, wholeOf),
    boolean: () =>
      h(
        "label",
        { class: "choice" },
        h("input", { class: "form-check-input", type: "checkbox", checked: Boolean(value), ...attributes, onchange: ({ target }) => set(target.checked) }),
        h("span", {}, field.label),
      ),
    clock: () => text("time"),
    date: () => text("date"),
    url: () => text("url", { placeholder: "https://" }),
    weekday: () => days(field, value, set, attributes),
    over: () => over(store, value, set, attributes),
    money: () => money(store, value, set, attributes),
    percent: () => share(value, set, attributes),
    shares: () => shares(value, set, attributes),
    rule: () => rule(store, id, field, value, openRule),
    product: () => suggest(store, field, value, set, attributes),
  }[field.type];
  return make ? make() : chooser(store, field, value, set, attributes);
}
