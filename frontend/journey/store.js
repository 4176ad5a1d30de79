// What the editor knows: the graph, what is chosen, what was before. Parts of the page listen for "change".
import { copyOf, ENTRY, insert, point, remove, freshId, paste, clipping, targetOf } from "./graph.js";

const MOST_UNDOS = 200;
const ONE_STROKE_MS = 1200;

export class Store extends EventTarget {
  constructor(data) {
    super();
    this.data = data;
    this.graph = data.graph;
    this.kinds = Object.fromEntries(data.kinds.map((kind) => [kind.kind, kind]));
    this.serverOuts = data.outs ?? {};
    this.faults = data.faults ?? [];
    this.ruleWords = data.rules ?? {};
    this.selected = new Set();
    this.at = null;
    this.past = [];
    this.future = [];
    this.stroke = { key: null, at: 0 };
    this.outsOf = this.outsOf.bind(this);
  }

  get canWrite() {
    return this.data.mode === "edit";
  }

  // The one step that the panel speaks of; ENTRY for the beginning and the journey's own rules.
  get focus() {
    return this.selected.size === 1 ? [...this.selected][0] : null;
  }

  outsOf(id) {
    const step = this.graph.steps[id];
    if (!step) return [];
    const kind = this.kinds[step.kind];
    const shares = kind?.fields.find((field) => field.type === "shares");
    const outs = shares ? Object.keys(step[shares.name] ?? {}) : (this.serverOuts[id]?.kind === step.kind ? this.serverOuts[id].outs : kind?.outs) ?? [];
    // A way that no longer exists stays in sight until it is taken away.
    return [...new Set([...outs, ...Object.entries(step.next ?? {}).filter(([, to]) => to !== null).map(([out]) => out)])];
  }

  faultsOf(id) {
    return this.faults.filter((fault) => (fault.step ?? ENTRY) === id);
  }

  tell(what = "graph") {
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }

  // Changes the graph; strokes of one key shortly after one another are undone together.
  change(make, { key = null } = {}) {
    if (!this.canWrite) return;
    const before = { graph: copyOf(this.graph), selected: [...this.selected] };
    const graph = copyOf(this.graph);
    make(graph);
    if (JSON.stringify(graph) === JSON.stringify(this.graph)) return;
    const isSame = key !== null && key === this.stroke.key && Date.now() - this.stroke.at < ONE_STROKE_MS;
    if (!isSame) this.past = [...this.past.slice(-MOST_UNDOS), before];
    this.future = [];
    this.stroke = { key, at: Date.now() };
    this.graph = graph;
    this.tell();
  }

  undo() {
    this.#go(this.past, this.future);
  }

  redo() {
    this.#go(this.future, this.past);
  }

  #go(from, to) {
    const state = from.pop();
    if (!state) return;
    to.push({ graph: copyOf(this.graph), selected: [...this.selected] });
    this.graph = state.graph;
    this.stroke = { key: null, at: 0 };
    this.selected = new Set(state.selected.filter((id) => id === ENTRY || id in this.graph.steps));
    this.at = null;
    this.tell();
  }

  // Somebody else's graph takes the place of this one; it can be undone like any change.
  replace(graph) {
    this.change((mine) => {
      for (const name of Object.keys(mine)) delete mine[name];
      Object.assign(mine, copyOf(graph));
    });
    this.select([]);
  }

  select(ids, { at = null } = {}) {
    this.selected = new Set(ids);
    this.at = at;
    this.tell("selection");
  }

  // Where a new step goes: the chosen way, else behind the chosen step, else at the end of what is reached.
  whereNew() {
    if (this.at) return this.at;
    const id = this.focus;
    if (id === ENTRY) return { from: ENTRY, out: "first" };
    if (id) {
      const outs = this.outsOf(id);
      const out = outs.find((one) => targetOf(this.graph, { from: id, out: one }) === null) ?? outs[0];
      if (out !== undefined) return { from: id, out };
    }
    let at = { from: ENTRY, out: "first" };
    const seen = new Set();
    for (let to = targetOf(this.graph, at); to !== null && !seen.has(to); to = targetOf(this.graph, at)) {
      seen.add(to);
      const outs = this.outsOf(to);
      if (outs.length === 0) return null;
      at = { from: to, out: outs.find((out) => targetOf(this.graph, { from: to, out }) === null) ?? outs[0] };
    }
    return at;
  }

  add(kindName, { at = this.whereNew(), place = null } = {}) {
    const kind = this.kinds[kindName];
    const id = freshId(this.graph, kindName);
    const step = { kind: kindName, ...copyOf(kind.blank) };
    const shares = kind.fields.find((field) => field.type === "shares");
    const outs = shares ? Object.keys(step[shares.name] ?? {}) : kind.outs;
    this.selected = new Set([id]);
    this.at = null;
    this.change((graph) => {
      insert(graph, at, id, step, outs);
      if (place) (graph.places ??= {})[id] = place;
    });
    return id;
  }

  removeSelected() {
    if (this.at && this.selected.size === 0) {
      const { at } = this;
      this.change((graph) => point(graph, at, null));
      return;
    }
    const ids = [...this.selected].filter((id) => id !== ENTRY);
    if (ids.length === 0) return;
    const outsOf = this.outsOf;
    this.selected = new Set();
    this.change((graph) => remove(graph, ids, outsOf));
  }

  copySelected() {
    const ids = [...this.selected].filter((id) => id !== ENTRY);
    return ids.length > 0 ? clipping(this.graph, ids) : null;
  }

  paste(clip) {
    // Steps of another version of the product are not known here.
    const known = Object.entries(clip?.steps ?? {}).filter(([, step]) => step?.kind in this.kinds);
    if (known.length === 0) return [];
    let names = [];
    this.change((graph) => {
      names = paste(graph, { steps: Object.fromEntries(known), places: clip.places ?? {} });
      this.selected = new Set(names);
    });
    return names;
  }
}
