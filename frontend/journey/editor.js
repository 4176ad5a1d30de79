// The journey's page: drawing, list, panel and palette round one store; the bar above them; what keys do.
import htmx from "htmx.org";

import { say as toast } from "../components/toasts.js";
import { h, icon, say, use } from "./elements.js";
import { ENTRY } from "./graph.js";
import { rulePlace } from "./fields.js";
import { List } from "./list.js";
import { DRAGGED, paletteOf } from "./palette.js";
import { Panel } from "./panel.js";
import { Saving } from "./saving.js";
import { Store } from "./store.js";
import { titleOf, worst } from "./cards.js";

const WIDE = matchMedia("(min-width: 900px)");
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const isTyping = (element) => element.closest("input, textarea, select, [contenteditable], dialog") !== null;

class Editor {
  constructor(root) {
    this.root = root;
    const data = JSON.parse(document.getElementById("journey-data").textContent);
    use(data);
    this.store = new Store(data);
    this.part = (name) => root.querySelector(`[data-journey-part="${name}"]`);
    this.panel = this.part("panel") && new Panel(this.store, this.part("panel"), { openRule: (...which) => this.openRule(...which), onCopy: () => this.duplicate() });
    this.list = new List(this.store, this.part("list"), { addAt: (at) => this.openPalette(at) });
    if (this.store.canWrite) this.#edit(data);
    this.#views(data);
    this.#bar();
    this.store.addEventListener("change", () => this.#show());
    addEventListener("keydown", (event) => this.#key(event));
    for (const kind of ["copy", "cut", "paste"]) document.addEventListener(kind, (event) => this.#clipboard(event));
    this.#show();
  }

  get view() {
    return this.root.dataset.view === "drawing" && this.drawing ? this.drawing : this.list;
  }

  // Drawing or list: the drawing is loaded once it is looked at, and never on a phone.
  #views(data) {
    this.chosenView = data.view ?? "drawing";
    const follow = () => this.#look(WIDE.matches ? this.chosenView : "list");
    WIDE.addEventListener("change", follow);
    follow();
  }

  async #look(view) {
    this.root.dataset.view = view;
    for (const tab of this.root.querySelectorAll("[data-journey-view]")) tab.setAttribute("aria-pressed", String(tab.dataset.journeyView === view));
    if (view !== "drawing" || this.drawing) return;
    const { Drawing } = await import("./drawing.js");
    const place = this.part("drawing");
    this.drawing = new Drawing(this.store, place.querySelector("[data-journey-paper]"));
    this.#drop(place);
    this.root.dataset.drawn = "";
  }

  #edit(data) {
    const palette = this.part("palette");
    palette?.append(...paletteOf(this.store, (kind) => this.add(kind)));
    this.paletteDialog = document.getElementById("journey-palette");
    this.paletteDialog.querySelector("[data-journey-kinds]").append(
      ...paletteOf(this.store, (kind) => {
        this.paletteDialog.close();
        this.add(kind);
      }),
    );
    this.saving = new Saving(this.store, { url: data.urls.draft, revision: data.revision });
    this.saving.addEventListener("state", () => this.#tellSaving());
    const pick = (name, act) => document.querySelector(`[data-journey-conflict="${name}"]`).addEventListener("click", act);
    pick("mine", () => this.saving.keepMine());
    pick("theirs", () => this.saving.takeTheirs());
    pick("download", () => this.download(this.store.graph, "mine"));
    document.getElementById("journey-publish-open")?.addEventListener("click", () => this.#publish());
    this.#ruleDialog(data);
  }

  add(kind, place = null) {
    const id = this.store.add(kind, { place, ...(place ? { at: this.store.at } : {}) });
    this.view.focusOn(id);
    return id;
  }

  openPalette(at) {
    this.store.select([], { at });
    this.paletteDialog.showModal();
  }

  duplicate() {
    const clip = this.store.copySelected();
    if (clip) this.store.paste(clip);
  }

  #drop(place) {
    place.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes(DRAGGED)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    });
    place.addEventListener("drop", (event) => {
      const kind = event.dataTransfer.getData(DRAGGED);
      if (!kind) return;
      event.preventDefault();
      // Let go on a way, the step comes between; anywhere else it stands alone until it is joined.
      const way = document.elementsFromPoint(event.clientX, event.clientY).map((one) => one.closest("[data-way]")).find(Boolean);
      this.store.at = way ? this.drawing.wayCalled(way.dataset.way) : null;
      this.add(kind, this.drawing.placeAt(event.clientX, event.clientY));
    });
  }

  // The bar and the notices

  #bar() {
    const acts = {
      undo: () => this.store.undo(),
      redo: () => this.store.redo(),
      in: () => this.drawing?.zoom(0.15),
      out: () => this.drawing?.zoom(-0.15),
      fit: () => this.drawing?.fit(),
      tidy: () => this.drawing?.tidy(),
      json: () => this.#openJson(),
      add: () => this.openPalette(this.store.whereNew()),
      settings: () => {
        this.store.select([ENTRY]);
        this.part("panel").querySelector("select, input")?.focus();
      },
    };
    for (const control of this.root.querySelectorAll("[data-journey-do]")) {
      control.addEventListener("click", () => acts[control.dataset.journeyDo]());
    }
    for (const tab of this.root.querySelectorAll("[data-journey-view]")) {
      tab.addEventListener("click", () => {
        this.chosenView = tab.dataset.journeyView;
        this.#look(this.chosenView);
      });
    }
    const json = document.getElementById("journey-json");
    json?.querySelector("[data-journey-apply]")?.addEventListener("click", () => this.#applyJson());
    json?.querySelector("[data-journey-download]")?.addEventListener("click", () => this.download(this.store.graph));
    json?.querySelector("input[type=file]")?.addEventListener("change", async ({ target }) => {
      if (target.files[0]) json.querySelector("textarea").value = await target.files[0].text();
      target.value = "";
    });
  }

  #show() {
    const { store } = this;
    const able = { undo: store.past.length > 0, redo: store.future.length > 0 };
    for (const [name, is] of Object.entries(able)) {
      const control = this.root.querySelector(`[data-journey-do="${name}"]`);
      if (control) control.disabled = !is;
    }
    this.root.toggleAttribute("data-panel-open", store.selected.size > 0);
    this.#showFaults();
  }

  #showFaults() {
    const place = this.part("faults");
    if (!place) return;
    const { store } = this;
    const errors = store.faults.filter(({ severity }) => severity === "error");
    const summary = place.querySelector("summary");
    summary.replaceChildren(
      icon(store.faults.length === 0 ? "success" : worst(store.faults), "icon-sm"),
      store.faults.length === 0 ? say("no_faults") : errors.length > 0 ? say("faults", { n: errors.length }) : say("only_warnings", { n: store.faults.length }),
    );
    place.dataset.level = store.faults.length === 0 ? "success" : worst(store.faults);
    place.querySelector("ul").replaceChildren(
      ...store.faults.map((fault) => {
        const id = fault.step ?? ENTRY;
        const title = id === ENTRY || id in store.graph.steps ? titleOf(store, id) : id;
        return h("li", {}, h("button", { type: "button", class: "btn-link", "data-severity": fault.severity, onclick: () => this.goTo(id, fault.field) }, h("strong", {}, title), ` ${fault.message}`));
      }),
    );
  }

  goTo(id, field) {
    this.store.select([id]);
    if (this.view.show) this.view.show(id);
    const control = field && this.part("panel").querySelector(`[data-field="${CSS.escape(field)}"] :is(input, select, textarea, button)`);
    if (control) control.focus();
    else this.view.focusOn(id);
  }

  #tellSaving() {
    const { state, theirs, refusal } = this.saving;
    const place = this.part("saving");
    place.textContent = state === "refused" ? say("saving_refused", { why: refusal }) : say(`saving_${state}`);
    place.dataset.state = state;
    const conflict = document.getElementById("journey-conflict");
    const isConflict = state === "conflict";
    if (isConflict && conflict.hidden) {
      conflict.querySelector("[data-journey-who]").textContent = say("conflict", { who: theirs.by || say("somebody"), when: theirs.at });
    }
    conflict.hidden = !isConflict;
    if (isConflict) conflict.scrollIntoView({ block: "nearest" });
  }

  // JSON

  #openJson() {
    const dialog = document.getElementById("journey-json");
    dialog.querySelector("textarea").value = JSON.stringify(this.store.graph, null, 2);
    dialog.querySelector("[data-journey-json-fault]").hidden = true;
    dialog.showModal();
  }

  #applyJson() {
    const dialog = document.getElementById("journey-json");
    const fault = dialog.querySelector("[data-journey-json-fault]");
    try {
      const graph = JSON.parse(dialog.querySelector("textarea").value);
      if (typeof graph !== "object" || graph === null || typeof graph.steps !== "object" || graph.steps === null || Array.isArray(graph.steps)) {
        throw new TypeError(say("json_shape"));
      }
      if (Object.values(graph.steps).some((step) => typeof step !== "object" || step === null)) throw new TypeError(say("json_shape"));
      this.store.replace(graph);
      dialog.close();
    } catch (error) {
      fault.hidden = false;
      fault.querySelector("span").textContent = error.message;
    }
  }

  download(graph, suffix = "") {
    const url = URL.createObjectURL(new Blob([`${JSON.stringify(graph, null, 2)}\n`], { type: "application/json" }));
    h("a", { href: url, download: [this.store.data.file_name, suffix].filter(Boolean).join("-") + ".json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  // Rules: the builder of segments in a dialog

  #ruleDialog(data) {
    this.ruleBox = document.getElementById("journey-rule");
    const form = document.getElementById("segment-form");
    const send = async (url, body, headers = {}) => {
      const token = document.querySelector("meta[name='csrf-token']").content;
      return fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token, ...headers } });
    };
    const fill = (html) => {
      const builder = document.getElementById("builder");
      // The server's own words, as htmx would swap them in.
      htmx.swap(builder, html, { swapStyle: "innerHTML" });
      htmx.trigger(document.body, "rule-changed");
    };
    this.openRule = async (id, field) => {
      this.ruleOf = { id, name: field.name };
      const rule = this.#at(this.store.graph, id, field.name).value ?? null;
      const answer = await send(data.urls.rule, JSON.stringify({ rule }), { "Content-Type": "application/json" });
      if (!answer.ok) return toast({ level: "error", text: document.body.dataset.sayFailed });
      this.ruleBox.showModal();
      fill(await answer.text());
    };
    form.addEventListener("submit", async (event) => {
      // A button of the builder takes a step of its own.
      if (event.submitter?.name === "do") return;
      event.preventDefault();
      const answer = await send(data.urls.rule_read, new FormData(form));
      if (answer.status === 422) return fill(await answer.text());
      if (!answer.ok) return toast({ level: "error", text: document.body.dataset.sayFailed });
      const { rule, words } = await answer.json();
      this.#setRule(rule, words);
    });
    this.ruleBox.querySelector("[data-journey-rule-none]").addEventListener("click", () => this.#setRule(null, ""));
  }

  #at(graph, id, name) {
    const path = id === ENTRY ? name.split(".") : ["steps", id, name];
    const last = path.pop();
    const holder = path.reduce((part, key) => (part[key] ??= {}), graph);
    return { holder, last, value: holder[last] };
  }

  #setRule(rule, words) {
    const { id, name } = this.ruleOf;
    this.ruleBox.close();
    this.store.ruleWords = { ...this.store.ruleWords, [rulePlace(id, name)]: words };
    this.store.change((graph) => {
      const { holder, last } = this.#at(graph, id, name);
      if (rule === null && name !== "entry.rule") delete holder[last];
      else holder[last] = rule;
    });
  }

  async #publish() {
    const isSaved = await this.saving.flush();
    if (!isSaved) return toast({ level: "error", text: say("publish_unsaved") });
    if (this.store.faults.some(({ severity }) => severity === "error")) {
      this.part("faults").open = true;
      this.part("faults").querySelector("button")?.focus();
      return toast({ level: "error", text: say("publish_faults") });
    }
    const dialog = document.getElementById("journey-publish");
    dialog.querySelector("[name=revision]").value = this.saving.revision;
    dialog.showModal();
  }

  // Keys

  #clipboard(event) {
    if (isTyping(event.target) || getSelection()?.toString()) return;
    if (event.type === "paste") {
      if (!this.store.canWrite) return;
      let clip;
      try {
        clip = JSON.parse(event.clipboardData.getData("text/plain"));
      } catch {
        return;
      }
      const names = this.store.paste(clip);
      if (names.length > 0) this.view.focusOn(names[0]);
      event.preventDefault();
      return;
    }
    const clip = this.store.copySelected();
    if (!clip) return;
    event.clipboardData.setData("text/plain", JSON.stringify(clip, null, 2));
    event.preventDefault();
    if (event.type === "cut") this.store.removeSelected();
  }

  #key(event) {
    const { store } = this;
    // Out of a field, back to the step that it belongs to.
    if (event.key === "Escape" && store.focus && this.part("panel")?.contains(event.target)) {
      event.preventDefault();
      return this.view.focusOn(store.focus);
    }
    if (isTyping(event.target)) return;
    const isCommand = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const id = event.target.closest?.("[data-step]")?.dataset.step ?? store.focus;
    const act = isCommand
      ? {
          z: () => (event.shiftKey ? store.redo() : store.undo()),
          y: () => store.redo(),
          d: () => this.duplicate(),
          a: () => store.select(Object.keys(store.graph.steps)),
          s: () => this.saving?.flush(),
        }[key]
      : {
          Delete: () => this.#delete(),
          Backspace: () => this.#delete(),
          Escape: () => store.select([]),
          Enter: event.target.closest?.("[data-step]") && (() => this.#enter(id)),
          " ": event.target.matches?.("g[data-step]") && (() => this.#enter(id)),
          "+": () => this.drawing?.zoom(0.15),
          "-": () => this.drawing?.zoom(-0.15),
          0: () => this.drawing?.fit(),
        }[key];
    const way = ARROWS[key];
    if (act && !event.altKey) {
      event.preventDefault();
      act();
    } else if (way && event.altKey && this.view === this.drawing && store.selected.size > 0) {
      event.preventDefault();
      this.drawing.nudge(...way);
    } else if (way && !isCommand && event.target.closest?.("[data-step]")) {
      const next = this.view.neighbour(id, ...way);
      if (next === null) return;
      event.preventDefault();
      store.select([next]);
      this.view.focusOn(next);
    }
  }

  #enter(id) {
    this.store.select([id]);
    this.part("panel")?.querySelector("select, input, textarea")?.focus();
  }

  #delete() {
    if (this.store.selected.has(ENTRY)) return;
    this.store.removeSelected();
  }
}

export function start(root) {
  root.journey = new Editor(root);
}
