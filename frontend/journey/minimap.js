// The whole journey small, with a frame for what the window shows. A click goes there.
import { ENTRY, HEIGHT, WIDTH } from "./graph.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 60;

export class Minimap {
  constructor(drawing) {
    this.drawing = drawing;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "journey-minimap");
    this.svg.setAttribute("aria-hidden", "true");
    this.window = document.createElementNS(SVG, "rect");
    this.window.setAttribute("class", "journey-minimap-window");
    drawing.container.parentElement.append(this.svg);
    const go = (event) => {
      if (event.buttons !== 1) return;
      event.preventDefault();
      const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
      drawing.graph.centerPoint(spot.x, spot.y);
    };
    this.svg.addEventListener("pointerdown", go);
    this.svg.addEventListener("pointermove", go);
  }

  render() {
    const { drawing } = this;
    const all = [ENTRY, ...Object.keys(drawing.store.graph.steps)].map((id) => [id, drawing.places[id]]);
    const xs = all.map(([, [x]]) => x);
    const ys = all.map(([, [, y]]) => y);
    const [left, top] = [Math.min(...xs) - MARGIN, Math.min(...ys) - MARGIN];
    const [right, bottom] = [Math.max(...xs) + WIDTH + MARGIN, Math.max(...ys) + HEIGHT + MARGIN];
    this.svg.setAttribute("viewBox", `${left} ${top} ${right - left} ${bottom - top}`);
    this.svg.replaceChildren(
      ...all.map(([id, [x, y]]) => {
        const rect = document.createElementNS(SVG, "rect");
        const size = { x, y, width: WIDTH, height: HEIGHT, rx: 8, class: id === ENTRY ? "is-entry" : "" };
        for (const [name, value] of Object.entries(size)) rect.setAttribute(name, value);
        return rect;
      }),
      this.window,
    );
    this.frame();
  }

  // By the drawing's own numbers: the browser tells the place before, while it is being moved.
  frame() {
    const { container, graph } = this.drawing;
    const { width, height } = container.getBoundingClientRect();
    const { a: scale, e: x, f: y } = graph.matrix();
    const seen = { x: -x / scale, y: -y / scale, width: width / scale, height: height / scale };
    for (const [name, value] of Object.entries(seen)) this.window.setAttribute(name, value);
  }
}
