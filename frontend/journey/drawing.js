// Draws a journey with AntV X6: steps as cards, ways as curves. The store is the truth; this shows it and tells it what hands do.
import { Config } from "@antv/x6/es/config/index.js";
import { Graph } from "@antv/x6/es/graph/index.js";
import "@antv/x6/es/shape/index.js";

import { copyOf, ENTRY, HEIGHT, layout, placesOf, point, pointers, WIDTH } from "./graph.js";
import { h } from "./elements.js";
import { cardOf, labelOfOut } from "./cards.js";
import { Minimap } from "./minimap.js";

// X6 writes its styles into the page, which the page's policy forbids: ours stand in journeys.css.
Config.autoInsertCSS = false;

const XHTML = "http://www.w3.org/1999/xhtml";
const GRID = 4;
const ROUND = 28;
const STEP_PX = 20;
const SCALES = { min: 0.1, max: 2 };

Graph.registerNode("step", {
  width: WIDTH,
  height: HEIGHT,
  markup: [
    { tagName: "rect", selector: "body" },
    {
      tagName: "foreignObject",
      selector: "fo",
      children: [{ ns: XHTML, tagName: "div", selector: "card" }],
    },
  ],
  attrs: {
    body: { refWidth: "100%", refHeight: "100%", fill: "transparent", stroke: "none" },
    fo: { refWidth: "100%", refHeight: "100%" },
    card: { class: "journey-node" },
  },
  ports: {
    groups: {
      out: {
        position: { name: "bottom" },
        attrs: { circle: { r: 6, magnet: true, class: "journey-port" }, text: { class: "journey-port-label" } },
        // Below the card's edge, which would strike it through.
        label: { position: { name: "right", args: { x: 9, y: 10 } } },
      },
    },
  },
});

function wayOf(edge) {
  const { from, out } = edge.getData();
  return { from, out };
}

export class Drawing {
  constructor(store, container) {
    this.store = store;
    this.container = container;
    this.graph = new Graph({
      container,
      autoResize: container.parentElement,
      async: false,
      background: false,
      grid: false,
      panning: { enabled: true, eventTypes: ["leftMouseDown", "mouseWheel"] },
      mousewheel: { enabled: true, modifiers: ["ctrl", "meta"], zoomAtMousePosition: true, minScale: SCALES.min, maxScale: SCALES.max },
      scaling: SCALES,
      preventDefaultMouseDown: false,
      interacting: {
        nodeMovable: store.canWrite,
        magnetConnectable: store.canWrite,
        edgeMovable: false,
        edgeLabelMovable: false,
        arrowheadMovable: false,
        vertexMovable: false,
      },
      connecting: {
        snap: { radius: 30 },
        allowBlank: true,
        allowLoop: false,
        allowEdge: false,
        allowPort: false,
        allowNode: true,
        highlight: true,
        createEdge: () => this.graph.createEdge(this.#edgeLook()),
        validateConnection: ({ targetCell, sourceCell }) => targetCell !== null && targetCell?.id !== ENTRY && targetCell !== sourceCell,
      },
      highlighting: { magnetAvailable: { name: "className", args: { className: "is-available" } } },
    });
    this.minimap = new Minimap(this);
    this.#listen();
    this.render();
    this.fit();
  }

  // What the store says, drawn: kept cells move, others come and go.
  render() {
    const { store, graph } = this;
    this.places = placesOf(store.graph, store.outsOf);
    this.isDrawing = true;
    graph.startBatch("render");
    const wanted = new Set();
    for (const id of [ENTRY, ...this.#order()]) {
      wanted.add(id);
      this.#renderStep(id);
    }
    for (const { from, out, to } of pointers(store.graph, store.outsOf)) {
      if (to === null || !(to in store.graph.steps)) continue;
      wanted.add(this.#renderEdge(from, out, to));
    }
    for (const cell of graph.getCells()) if (!wanted.has(cell.id)) graph.removeCell(cell);
    graph.stopBatch("render");
    this.isDrawing = false;
    this.#markSelection();
    this.minimap.render();
  }

  #order() {
    return Object.keys(this.store.graph.steps).sort(
      (one, other) => this.places[one][1] - this.places[other][1] || this.places[one][0] - this.places[other][0],
    );
  }

  #renderStep(id) {
    const { store, graph } = this;
    const [x, y] = this.places[id];
    const outs = id === ENTRY ? ["first"] : store.outsOf(id);
    let node = graph.getCellById(id);
    if (!node) {
      node = graph.addNode({ id, shape: "step", x, y, zIndex: 2 });
    } else if (node.position().x !== x || node.position().y !== y) {
      node.position(x, y);
    }
    const ports = outs.map((out) => ({
      id: out,
      group: "out",
      attrs: { text: { text: outs.length > 1 ? labelOfOut(store, id, out) : "" } },
    }));
    const now = JSON.stringify(ports);
    if (node.getData()?.ports !== now) {
      node.setData({ ports: now }, { overwrite: true });
      node.prop("ports/items", ports, { rewrite: true });
    }
    this.#renderCard(id);
  }

  #renderCard(id) {
    const view = this.graph.findViewByCell(id);
    const place = view?.container.querySelector(".journey-node");
    if (!place) return;
    place.replaceChildren(cardOf(this.store, id));
    if (!view.container.hasAttribute("tabindex")) {
      view.container.setAttribute("tabindex", "0");
      view.container.setAttribute("role", "button");
      view.container.dataset.step = id;
    }
    const card = place.firstElementChild;
    view.container.setAttribute("aria-label", card.dataset.label);
  }

  #edgeLook() {
    return {
      shape: "edge",
      zIndex: 1,
      attrs: {
        line: { class: "journey-way", stroke: "var(--rg-border-strong)", strokeWidth: 1.5, targetMarker: { name: "block", width: 8, height: 7 } },
        wrap: { class: "journey-way-wrap" },
      },
      connector: { name: "smooth", args: { direction: "V" } },
    };
  }

  #renderEdge(from, out, to) {
    const id = `${from}>${out}`;
    const round = this.#round(from, out, to);
    const shape = JSON.stringify([to, round]);
    const edge = this.graph.getCellById(id);
    if (edge?.getData().shape === shape) return id;
    if (edge) this.graph.removeCell(edge);
    const made = this.graph.addEdge({
      ...this.#edgeLook(),
      ...(round ? { vertices: round, connector: { name: "rounded", args: { radius: 12 } } } : {}),
      id,
      source: { cell: from, port: out, anchor: "bottom", connectionPoint: "anchor" },
      target: { cell: to, anchor: "top", connectionPoint: "anchor" },
      data: { from, out, shape },
    });
    this.graph.findViewByCell(made)?.container.setAttribute("data-way", id);
    return id;
  }

  // A way back up goes round what lies between, on the side that is nearer.
  #round(from, out, to) {
    const [x, y] = this.places[from];
    const [a, b] = this.places[to];
    if (b > y + HEIGHT) return null;
    const between = Object.values(this.places).filter(([, one]) => one >= b - HEIGHT && one <= y + HEIGHT);
    const left = Math.min(...between.map(([one]) => one)) - ROUND;
    const right = Math.max(...between.map(([one]) => one)) + WIDTH + ROUND;
    const middle = (x + a + WIDTH) / 2;
    const side = middle - left < right - middle ? left : right;
    const outs = from === ENTRY ? [out] : this.store.outsOf(from);
    const port = x + (WIDTH * (outs.indexOf(out) + 0.5)) / outs.length;
    return [
      { x: port, y: y + HEIGHT + ROUND },
      { x: side, y: y + HEIGHT + ROUND },
      { x: side, y: b - ROUND },
      { x: a + WIDTH / 2, y: b - ROUND },
    ];
  }

  #markSelection() {
    const { store } = this;
    const at = store.at ? `${store.at.from}>${store.at.out}` : null;
    const path = store.data.path;
    const walked = new Set(path?.map((one) => one.step));
    const ways = new Set(path?.map((one) => `${one.step}>${one.out}`));
    if (path?.length) walked.add(ENTRY) && ways.add(`${ENTRY}>first`);
    for (const cell of this.graph.getCells()) {
      const view = this.graph.findViewByCell(cell);
      if (!view) continue;
      const { classList } = view.container;
      classList.toggle("is-selected", store.selected.has(cell.id) || cell.id === at);
      classList.toggle("is-walked", walked.has(cell.id) || ways.has(cell.id));
      classList.toggle("is-not-walked", Boolean(path) && !walked.has(cell.id) && !ways.has(cell.id));
      if (cell.isNode()) view.container.setAttribute("aria-pressed", String(store.selected.has(cell.id)));
    }
  }

  #listen() {
    const { graph, store, container } = this;
    store.addEventListener("change", ({ detail }) => {
      if (detail === "selection") this.#markSelection();
      else this.render();
    });
    graph.on("node:click", ({ node, e }) => this.choose(node.id, e.shiftKey || e.ctrlKey || e.metaKey));
    graph.on("edge:click", ({ edge }) => store.select([], { at: wayOf(edge) }));
    graph.on("blank:click", () => store.select([]));
    graph.on("node:moving", ({ node }) => this.#drag(node));
    graph.on("node:moved", ({ node }) => this.#dropped(node));
    graph.on("edge:connected", ({ edge }) => this.#connected(edge));
    graph.on("edge:mouseup", ({ edge }) => this.#loose(edge));
    graph.on("scale", () => this.minimap.frame());
    graph.on("translate", () => this.minimap.frame());
    graph.on("resize", () => this.minimap.frame());
    container.addEventListener("focusin", ({ target }) => {
      const id = target.closest?.("[data-step]")?.dataset.step;
      if (id && !store.selected.has(id) && target.matches(":focus-visible")) store.select([id]);
      if (id) this.show(id);
    });
    // With shift held, a frame is drawn round the steps to choose.
    container.addEventListener("mousedown", (event) => this.#rubber(event), { capture: true });
  }

  choose(id, isMore) {
    const chosen = new Set(isMore ? this.store.selected : []);
    if (isMore && chosen.has(id)) chosen.delete(id);
    else chosen.add(id);
    if (isMore) chosen.delete(ENTRY);
    this.store.select(chosen);
  }

  // The other chosen steps go with the one that is dragged.
  #drag(node) {
    this.dragged ??= {
      id: node.id,
      from: this.places[node.id],
      others: this.store.selected.has(node.id) ? [...this.store.selected].filter((id) => id !== node.id) : [],
    };
    const { x, y } = node.position();
    const [fromX, fromY] = this.dragged.from;
    for (const id of this.dragged.others) {
      const [a, b] = this.places[id];
      this.graph.getCellById(id)?.position(a + x - fromX, b + y - fromY);
    }
  }

  #dropped(node) {
    const moved = [node.id, ...(this.dragged?.others ?? [])];
    this.dragged = null;
    const places = copyOf(this.places);
    for (const id of moved) {
      const { x, y } = this.graph.getCellById(id).position();
      places[id] = [Math.round(x / GRID) * GRID, Math.round(y / GRID) * GRID];
    }
    this.store.change((graph) => {
      graph.places = places;
    });
  }

  #connected(edge) {
    if (this.isDrawing) return;
    const from = edge.getSourceCellId();
    const out = edge.getSourcePortId();
    const to = edge.getTargetCellId();
    this.graph.removeCell(edge);
    if (to) this.store.change((graph) => point(graph, { from, out }, to));
  }

  // A way that was let go over nothing chooses where the next step comes.
  #loose(edge) {
    if (this.isDrawing || edge.getTargetCellId() || edge.getData()?.from) return;
    const at = { from: edge.getSourceCellId(), out: edge.getSourcePortId() };
    this.graph.removeCell(edge);
    this.store.select([], { at });
  }

  #rubber(event) {
    if (!event.shiftKey || event.button !== 0 || event.target.closest(".x6-cell")) return;
    event.preventDefault();
    event.stopPropagation();
    const frame = h("div", { class: "journey-rubber" });
    const box = this.container.getBoundingClientRect();
    const start = [event.clientX, event.clientY];
    this.container.append(frame);
    const rectOf = ({ clientX, clientY }) => ({
      x: Math.min(clientX, start[0]),
      y: Math.min(clientY, start[1]),
      width: Math.abs(clientX - start[0]),
      height: Math.abs(clientY - start[1]),
    });
    const draw = (move) => {
      const rect = rectOf(move);
      Object.assign(frame.style, {
        left: `${rect.x - box.left}px`,
        top: `${rect.y - box.top}px`,
        width: `${rect.width}px`,
        height: `${rect.height}px`,
      });
    };
    const end = (up) => {
      removeEventListener("mousemove", draw);
      frame.remove();
      const rect = this.graph.clientToLocal(rectOf(up));
      this.store.select(
        Object.keys(this.store.graph.steps).filter((id) => {
          const [x, y] = this.places[id];
          return x < rect.x + rect.width && x + WIDTH > rect.x && y < rect.y + rect.height && y + HEIGHT > rect.y;
        }),
      );
    };
    addEventListener("mousemove", draw);
    addEventListener("mouseup", end, { once: true });
  }

  // What the toolbar and the keys ask for

  zoom(by) {
    const box = this.container.getBoundingClientRect();
    this.graph.zoom(by, { minScale: SCALES.min, maxScale: SCALES.max, center: this.graph.clientToLocal(box.x + box.width / 2, box.y + box.height / 2) });
  }

  fit() {
    // What stands above may just have grown or shrunk, which the drawing hears of later.
    const { width, height } = this.container.parentElement.getBoundingClientRect();
    this.graph.resize(width, height);
    this.graph.zoomToFit({ padding: 32, maxScale: 1, minScale: SCALES.min });
    this.minimap.frame();
  }

  tidy() {
    const { store } = this;
    const places = layout(store.graph, store.outsOf);
    store.change((graph) => {
      graph.places = places;
    });
    this.fit();
  }

  nudge(dx, dy) {
    const places = copyOf(this.places);
    for (const id of this.store.selected) places[id] = [places[id][0] + dx * STEP_PX, places[id][1] + dy * STEP_PX];
    this.store.change((graph) => {
      graph.places = places;
    }, { key: "nudge" });
  }

  // The step that lies next in a direction, as one sees it.
  neighbour(id, dx, dy) {
    const [x, y] = this.places[id];
    let best = null;
    let least = Infinity;
    for (const [other, [a, b]] of Object.entries(this.places)) {
      if (other === id || (other !== ENTRY && !(other in this.store.graph.steps))) continue;
      const along = (a - x) * dx + (b - y) * dy;
      if (along <= 4) continue;
      const far = along + 2 * Math.abs((a - x) * dy + (b - y) * dx);
      if (far < least) [best, least] = [other, far];
    }
    return best;
  }

  focusOn(id) {
    this.container.querySelector(`[data-step="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
    this.show(id);
  }

  // Moves the paper so far that a step is seen.
  show(id) {
    const place = this.places[id];
    if (!place) return;
    const box = this.container.getBoundingClientRect();
    const rect = this.graph.localToClient({ x: place[0], y: place[1], width: WIDTH, height: HEIGHT });
    const edge = 24;
    const dx = Math.max(0, box.left + edge - rect.x) - Math.max(0, rect.x + rect.width + edge - box.right);
    const dy = Math.max(0, box.top + edge - rect.y) - Math.max(0, rect.y + rect.height + edge - box.bottom);
    if (dx || dy) this.graph.translateBy(dx, dy);
  }

  placeAt(clientX, clientY) {
    const { x, y } = this.graph.clientToLocal(clientX, clientY);
    return [Math.round(x - WIDTH / 2), Math.round(y - HEIGHT / 2)];
  }

  wayCalled(id) {
    const edge = this.graph.getCellById(id);
    return edge ? wayOf(edge) : null;
  }
}
