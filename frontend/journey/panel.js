// The panel beside the drawing: the fields of what is chosen, made from the registry, with what is wrong beside them.
import { button, h, icon, say } from "./elements.js";
import { editorOf, inWords, isBlank } from "./fields.js";
import { copyOf, ENTRY, point, rename, targetOf } from "./graph.js";
import { kindOf, labelOfOut, titleOf } from "./cards.js";

const ID = /^[a-z][a-z0-9_]{0,29}$/;

export class Panel {
  constructor(store, place, { openRule, onCopy }) {
    this.store = store;
    this.place = place;
    this.openRule = openRule;
    this.onCopy = onCopy;
    store.addEventListener("change", ({ detail }) => this.#changed(detail));
    place.addEventListener("focusout", () => {
      if (this.isBehind) setTimeout(() => this.isBehind && !this.#isTyping() && this.render());
    });
    this.render();
  }

  #isTyping() {
    const active = document.activeElement;
    return this.place.contains(active) && active.matches("textarea, input:not([type=checkbox], [type=radio])");
  }

  #changed(what) {
    if (what === "selection") this.render();
    else if (what === "faults" || this.#isTyping()) {
      // Nothing is taken from under the fingers; the rest follows when they leave.
      this.isBehind = what !== "faults" || this.isBehind;
      this.#showFaults();
    } else this.render();
  }

  render() {
    this.isBehind = false;
    const focused = this.place.contains(document.activeElement) ? document.activeElement.id : "";
    const { store } = this;
    const content =
      store.at && store.selected.size === 0 ? this.#way(store.at)
      : store.selected.size > 1 ? this.#many()
      : store.focus && store.focus !== ENTRY ? this.#step(store.focus)
      : this.#journey();
    this.place.replaceChildren(...content.flat(Infinity).filter(Boolean));
    this.place.dataset.shows = store.at ? "way" : (store.focus ?? "");
    this.#showFaults();
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  // Faults beside their fields; those of no field on top.
  #showFaults() {
    for (const old of this.place.querySelectorAll("[data-fault]")) old.remove();
    const { store } = this;
    if (store.selected.size > 1 || store.at) return;
    const id = store.focus ?? ENTRY;
    for (const fault of store.faultsOf(id)) {
      const note = h(
        "p",
        { class: "field-error", "data-fault": fault.code, "data-severity": fault.severity },
        icon(fault.severity === "warning" ? "warning" : "error", "icon-sm"),
        h("span", {}, fault.message),
      );
      const field = fault.field && this.place.querySelector(`[data-field="${CSS.escape(fault.field)}"]`);
      if (field) field.append(note);
      else this.place.querySelector(".journey-panel-head")?.after(note);
    }
  }

  #head(iconName, title, help) {
    return [
      h(
        "div",
        { class: "journey-panel-head" },
        h("span", { class: "journey-card-icon" }, icon(iconName)),
        h("h2", { id: "panel-title" }, title),
        button("close", say("close"), () => this.store.select([]), { classes: "btn-sm btn-quiet journey-panel-close", showWords: false }),
      ),
      help && h("p", { class: "muted mb-0" }, help),
    ];
  }

  // A labelled field of some part of the graph: `path` says where that part is.
  #field(id, field, { part, set, prefix = "" }) {
    const key = `${prefix}${field.name}`;
    if (!this.store.canWrite) {
      // What is switched on says so by its own name.
      return this.#fact(field.type === "boolean" ? "" : field.label, inWords(this.store, id, { ...field, name: key }, part?.[field.name]));
    }
    const attributes = { id: `field-${key.replaceAll(".", "-")}` };
    const editor = editorOf(this.store, id, { ...field, name: key }, part?.[field.name] ?? field.default, (value) => set(field.name, value, key), {
      attributes,
      openRule: this.openRule,
    });
    const isOwnLabel = ["boolean", "weekday", "rule"].includes(field.type);
    return h(
      "div",
      { class: "field", "data-field": key },
      field.type !== "boolean" &&
        h(isOwnLabel ? "span" : "label", { class: "field-label", ...(isOwnLabel ? {} : { for: attributes.id }) }, field.label, !field.required && isBlank(field.default) && field.type !== "rule" && h("span", { class: "optional" }, ` ${say("optional")}`)),
      editor,
      field.help && h("p", { class: "field-help" }, field.help),
    );
  }

  // Who may only look reads the same in words.
  #fact(label, words) {
    return words ? h("div", { class: "journey-fact" }, label && h("span", { class: "muted" }, label), h("span", {}, words)) : null;
  }

  #step(id) {
    const { store } = this;
    const step = store.graph.steps[id];
    const kind = kindOf(store, id);
    if (!step) return this.#journey();
    const set = (name, value, key) =>
      store.change((graph) => {
        if (value === null) delete graph.steps[id][name];
        else graph.steps[id][name] = value;
        this.#keepShares(graph.steps[id], kind);
      }, { key: `${id}.${key}` });
    return [
      this.#head(kind?.icon ?? "warning", titleOf(store, id), kind?.help ?? say("unknown_kind", { kind: step.kind })),
      (kind?.fields ?? []).map((field) => this.#field(id, field, { part: step, set })),
      this.#next(id),
      store.canWrite && h(
        "details",
        {},
        h("summary", {}, say("details")),
        this.#field(id, { name: "label", type: "text", label: say("step_label"), required: false }, { part: step, set }),
        this.#nameField(id),
      ),
      store.canWrite &&
        h("div", { class: "row-flow" }, button("copy", say("duplicate"), this.onCopy, { classes: "btn-sm" }), button("trash", say("delete"), () => store.removeSelected(), { classes: "btn-sm" })),
    ];
  }

  // Ways out follow the shares: a removed one takes its way with it.
  #keepShares(step, kind) {
    const shares = kind?.fields.find((field) => field.type === "shares");
    if (!shares) return;
    const names = Object.keys(step[shares.name] ?? {});
    step.next = Object.fromEntries(names.map((name) => [name, step.next?.[name] ?? null]));
  }

  #next(id) {
    const { store } = this;
    const outs = store.outsOf(id);
    if (outs.length === 0) return h("p", { class: "muted mb-0" }, say("ends_here"));
    if (!store.canWrite) {
      return outs.map((out) => {
        const to = targetOf(store.graph, { from: id, out });
        return this.#fact(outs.length > 1 ? labelOfOut(store, id, out) : say("next"), to === null ? say("journey_ends") : titleOf(store, to));
      });
    }
    const others = Object.keys(store.graph.steps).filter((one) => one !== id);
    return h(
      "fieldset",
      { class: "journey-next" },
      h("legend", {}, say("next")),
      outs.map((out) => {
        const to = targetOf(store.graph, { from: id, out });
        const key = `next-${out}`;
        return h(
          "div",
          { class: "field", "data-field": `next.${out}` },
          h("label", { class: outs.length > 1 ? "field-label" : "visually-hidden", for: key }, outs.length > 1 ? labelOfOut(store, id, out) : say("next")),
          h(
            "div",
            { class: "journey-pair" },
            h(
              "select",
              { class: "form-select", id: key, onchange: ({ target }) => store.change((graph) => point(graph, { from: id, out }, target.value || null)) },
              h("option", { value: "" }, say("journey_ends")),
              others.map((one) => h("option", { value: one, selected: one === to }, `${titleOf(store, one)} (${one})`)),
            ),
            store.canWrite && button("plus", say("add_here"), () => store.select([], { at: { from: id, out } }), { classes: "btn-sm", showWords: false }),
          ),
        );
      }),
    );
  }

  #nameField(id) {
    const { store } = this;
    return h(
      "div",
      { class: "field" },
      h("label", { for: "step-id" }, say("step_id")),
      h("input", {
        class: "form-control mono",
        id: "step-id",
        value: id,
        maxlength: 30,
        pattern: ID.source,
        onchange: ({ target }) => {
          const to = target.value.trim();
          if (to === id) return;
          if (!ID.test(to) || to in store.graph.steps || to === ENTRY) {
            target.setCustomValidity(say("step_id_rule"));
            target.reportValidity();
            return;
          }
          store.selected = new Set([to]);
          store.change((graph) => rename(graph, id, to, store.outsOf));
        },
      }),
      h("p", { class: "field-help" }, say("step_id_help")),
    );
  }

  #many() {
    const { store } = this;
    return [
      this.#head("copy", say("many_chosen", { n: store.selected.size }), ""),
      store.canWrite &&
        h("div", { class: "row-flow" }, button("copy", say("duplicate"), this.onCopy), button("trash", say("delete"), () => store.removeSelected())),
    ];
  }

  #way(at) {
    const { store } = this;
    const to = targetOf(store.graph, at);
    const from = titleOf(store, at.from);
    const isNamed = at.from !== ENTRY && store.outsOf(at.from).length > 1;
    return [
      this.#head("plus", say("way_title"), ""),
      h("p", { class: "mb-0" }, say("way_text", { from: isNamed ? `${from}: ${labelOfOut(store, at.from, at.out)}` : from })),
      to !== null && h("p", { class: "muted mb-0" }, say("way_between", { to: titleOf(store, to) })),
      to !== null && store.canWrite && h("div", {}, button("trash", say("remove_the_way"), () => store.removeSelected(), { classes: "btn-sm" })),
    ];
  }

  // The beginning, and the rules of the journey as a whole.
  #journey() {
    const { store } = this;
    const { graph } = store;
    const kind = kindOf(store, ENTRY);
    const set = (part) => (name, value, key) =>
      store.change((next) => {
        const holder = part === "" ? next : (next[part] ??= {});
        if (value === null && part !== "") delete holder[name];
        else holder[name] = value;
      }, { key: `journey.${key}` });
    const fields = (part, list) => list.map((field) => this.#field(ENTRY, field, { part: graph[part], set: set(part), prefix: `${part}.` }));
    return [
      this.#head("play", say("journey_panel"), ""),
      h("h3", {}, say("who_enters")),
      this.#kindChooser("entry", store.data.entries, graph.entry),
      kind?.help && h("p", { class: "muted mb-0" }, kind.help),
      fields("entry", kind?.fields ?? []),
      fields("entry", [{ name: "rule", type: "rule", label: say("entry_rule"), required: false }]),
      store.data.settings.map((section) => [
        h("h3", {}, section.title),
        section.fields.map((field) => this.#setting(field)),
      ]),
      this.#ending("goal", say("goal"), store.data.goals),
      this.#ending("exit", say("exit"), store.data.exits),
    ];
  }

  // Settings may lie deeper: "reentry.kind".
  #setting(field) {
    const { store } = this;
    const [part, name] = field.name.includes(".") ? field.name.split(".") : ["", field.name];
    const holder = part ? store.graph[part] : store.graph;
    if (field.only_if && store.graph[part]?.[field.only_if[0]] !== field.only_if[1]) return null;
    const set = (_name, value) =>
      store.change((next) => {
        if (part) next[part] = { ...next[part], [name]: value };
        else next[name] = value;
      }, { key: `journey.${field.name}` });
    return this.#field(ENTRY, { ...field, name }, { part: holder, set, prefix: part ? `${part}.` : "" });
  }

  #kindChooser(part, kinds, now) {
    const { store } = this;
    if (!store.canWrite) return h("p", { class: "mb-0" }, kinds.find((one) => one.kind === now?.kind)?.label ?? say(`no_${part}`));
    const key = `${part}-kind`;
    const isOptional = part !== "entry";
    return h(
      "div",
      { class: "field", "data-field": `${part}.kind` },
      h("label", { class: "visually-hidden", for: key }, say(`${part}_kind`)),
      h(
        "select",
        {
          class: "form-select",
          id: key,
          onchange: ({ target }) => {
            const chosen = kinds.find((one) => one.kind === target.value);
            store.change((graph) => {
              if (!chosen) graph[part] = null;
              else graph[part] = { kind: chosen.kind, ...copyOf(chosen.blank), ...(part === "entry" ? { rule: graph.entry?.rule ?? null } : {}) };
            });
          },
        },
        (isOptional || !now?.kind) && h("option", { value: "" }, isOptional ? say(`no_${part}`) : say("choose")),
        kinds.map((one) => h("option", { value: one.kind, selected: one.kind === now?.kind }, one.label)),
      ),
    );
  }

  #ending(part, title, kinds) {
    const { store } = this;
    const now = store.graph[part];
    const kind = kinds.find((one) => one.kind === now?.kind);
    const set = (name, value, key) =>
      store.change((graph) => {
        if (value === null) delete graph[part][name];
        else graph[part][name] = value;
      }, { key: `journey.${key}` });
    return [
      h("h3", {}, title),
      this.#kindChooser(part, kinds, now),
      (kind?.fields ?? []).map((field) => this.#field(ENTRY, field, { part: now, set, prefix: `${part}.` })),
    ];
  }
}
