// The kinds of steps, to put into the journey by click, key or drag.
import { h, icon, say } from "./elements.js";

export const DRAGGED = "application/x-regulars-step";

export function paletteOf(store, pick) {
  const groups = new Map();
  for (const kind of store.data.kinds) {
    if (!groups.has(kind.group)) groups.set(kind.group, []);
    groups.get(kind.group).push(kind);
  }
  return [...groups].map(([group, kinds]) =>
    h(
      "div",
      { class: "journey-palette-group", role: "group", "aria-label": say(`group_${group}`) },
      h("p", { class: "journey-heading", "aria-hidden": "true" }, say(`group_${group}`)),
      kinds.map((kind) =>
        h(
          "button",
          {
            type: "button",
            class: "journey-palette-item",
            "data-group": group,
            "data-kind": kind.kind,
            title: kind.help,
            draggable: "true",
            onclick: () => pick(kind.kind),
            ondragstart: (event) => {
              event.dataTransfer.setData(DRAGGED, kind.kind);
              event.dataTransfer.effectAllowed = "copy";
            },
          },
          icon(kind.icon),
          h("span", {}, kind.label),
        ),
      ),
    ),
  );
}
