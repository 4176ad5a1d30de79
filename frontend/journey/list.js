// The journey as a list of steps: everything that the drawing can do, without a mouse and on a phone.
import { button, h, icon, say } from "./elements.js";
import { ENTRY, inOrder } from "./graph.js";
import { cardOf, labelOfOut, titleOf } from "./cards.js";

export class List {
  constructor(store, place, { addAt }) {
    this.store = store;
    this.place = place;
    this.addAt = addAt;
    store.addEventListener("change", ({ detail }) => (detail === "selection" ? this.#mark() : this.render()));
    this.render();
  }

  render() {
    const focused = this.place.contains(document.activeElement) ? document.activeElement.dataset.step : null;
    const { store } = this;
    const items = [this.#item(ENTRY, 0, null)];
    let isLoose = false;
    for (const line of inOrder(store.graph, store.outsOf)) {
      const { id, depth, via } = line;
      if (line.end) items.push(this.#open(via.from, via.out, depth));
      else if (line.to) items.push(this.#jump(via.from, via.out, line.to, depth));
      else {
        if (!line.isReached && !isLoose) {
          isLoose = true;
          items.push(h("li", { class: "journey-list-note" }, icon("warning", "icon-sm"), say("not_reached")));
        }
        items.push(this.#item(id, depth, via));
      }
    }
    this.place.replaceChildren(h("ol", { class: "journey-list", "aria-label": say("list_of_steps") }, items));
    this.#mark();
    if (focused) this.focusOn(focused);
  }

  #item(id, depth, via) {
    const { store } = this;
    const isNamed = via && via.from !== ENTRY && store.outsOf(via.from).length > 1;
    return h(
      "li",
      { "data-depth": Math.min(depth, 5) },
      isNamed && h("span", { class: "journey-list-way" }, labelOfOut(store, via.from, via.out)),
      h(
        "button",
        { type: "button", class: "journey-list-step", "data-step": id, onclick: () => store.select([id]) },
        cardOf(store, id),
      ),
    );
  }

  #words(from, out, words) {
    const { store } = this;
    const isNamed = from !== ENTRY && store.outsOf(from).length > 1;
    return isNamed ? `${labelOfOut(store, from, out)}: ${words}` : words;
  }

  #open(from, out, depth) {
    const { store } = this;
    const words = this.#words(from, out, store.canWrite ? say("add_here") : say("journey_ends"));
    return h(
      "li",
      { "data-depth": Math.min(depth, 5), class: "journey-list-end" },
      store.canWrite
        ? button("plus", words, () => this.addAt({ from, out }), { classes: "btn-sm btn-quiet" })
        : h("span", { class: "muted" }, words),
    );
  }

  #jump(from, out, to, depth) {
    const words = this.#words(from, out, say("goes_on_at", { step: titleOf(this.store, to), id: to }));
    return h("li", { "data-depth": Math.min(depth, 5), class: "journey-list-end muted" }, words);
  }

  #mark() {
    const walked = new Set(this.store.data.path?.map((one) => one.step));
    for (const item of this.place.querySelectorAll("[data-step]")) {
      const id = item.dataset.step;
      item.setAttribute("aria-pressed", String(this.store.selected.has(id)));
      item.classList.toggle("is-not-walked", walked.size > 0 && id !== ENTRY && !walked.has(id));
    }
  }

  focusOn(id) {
    this.place.querySelector(`[data-step="${CSS.escape(id)}"]`)?.focus();
  }

  // The step above or below in the list.
  neighbour(id, _dx, dy) {
    const all = [...this.place.querySelectorAll("[data-step]")].map((item) => item.dataset.step);
    return all[all.indexOf(id) + dy] ?? null;
  }
}
