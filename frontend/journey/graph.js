// The graph of a journey as plain JSON: who follows whom, and changes to it. A place where a step can stand is a
// pointer {from, out}: an out of a step, or the beginning ({from: ENTRY, out: "first"}).

export const ENTRY = "entry";
export const FIRST = { from: ENTRY, out: "first" };
export const WIDTH = 236;
export const HEIGHT = 68;
const GAP_X = 36;
const GAP_Y = 72;

export const copyOf = (value) => structuredClone(value);

export function targetOf(graph, { from, out }) {
  return (from === ENTRY ? graph.first : graph.steps[from]?.next?.[out]) ?? null;
}

export function point(graph, { from, out }, id) {
  if (from === ENTRY) graph.first = id;
  else if (graph.steps[from]) graph.steps[from].next = { ...graph.steps[from].next, [out]: id };
}

// Every pointer of the graph with what it points at, in order.
export function pointers(graph, outsOf) {
  const found = [{ ...FIRST, to: graph.first ?? null }];
  for (const [from, step] of Object.entries(graph.steps)) {
    for (const out of outsOf(from)) found.push({ from, out, to: step.next?.[out] ?? null });
  }
  return found;
}

export function freshId(graph, kind, taken = new Set()) {
  const isTaken = (id) => id === ENTRY || id in graph.steps || taken.has(id);
  if (!isTaken(kind)) return kind;
  let number = 2;
  while (isTaken(`${kind}_${number}`)) number += 1;
  return `${kind}_${number}`;
}

// Puts a step at a pointer; what stood there follows it.
export function insert(graph, at, id, step, outs) {
  const after = at ? targetOf(graph, at) : null;
  graph.steps[id] = { ...step, next: Object.fromEntries(outs.map((out) => [out, null])) };
  if (outs.length > 0) graph.steps[id].next[outs[0]] = after;
  if (at) point(graph, at, id);
}

// Takes steps away; who pointed at one points at what its first out led to.
export function remove(graph, ids, outsOf) {
  const gone = new Set(ids.filter((id) => id in graph.steps));
  const beyond = (id, seen = new Set()) => {
    if (id === null || !gone.has(id) || seen.has(id)) return gone.has(id) ? null : id;
    seen.add(id);
    return beyond(graph.steps[id].next?.[outsOf(id)[0]] ?? null, seen);
  };
  for (const { from, out, to } of pointers(graph, outsOf)) {
    if (to !== null && gone.has(to) && !gone.has(from)) point(graph, { from, out }, beyond(to));
  }
  for (const id of gone) {
    delete graph.steps[id];
    if (graph.places) delete graph.places[id];
  }
}

// What is copied: the steps with the ways between them; other ways end.
export function clipping(graph, ids) {
  const steps = {};
  const places = {};
  for (const id of ids.filter((one) => one in graph.steps)) {
    const step = copyOf(graph.steps[id]);
    for (const [out, to] of Object.entries(step.next ?? {})) if (!ids.includes(to)) step.next[out] = null;
    steps[id] = step;
    if (graph.places?.[id]) places[id] = graph.places[id];
  }
  return { steps, places };
}

// Puts copied steps in under fresh names; gives back these names.
export function paste(graph, { steps, places }, shift = 40) {
  const names = new Map();
  for (const [id, step] of Object.entries(steps)) {
    names.set(id, freshId(graph, id.replace(/_\d+$/, "") || step.kind, new Set(names.values())));
  }
  graph.places ??= {};
  for (const [id, step] of Object.entries(steps)) {
    const fresh = copyOf(step);
    for (const [out, to] of Object.entries(fresh.next ?? {})) fresh.next[out] = names.get(to) ?? null;
    graph.steps[names.get(id)] = fresh;
    if (places[id]) graph.places[names.get(id)] = places[id].map((one) => one + shift);
  }
  return [...names.values()];
}

export function rename(graph, from, to, outsOf) {
  for (const pointer of pointers(graph, outsOf)) if (pointer.to === from) point(graph, pointer, to);
  graph.steps = Object.fromEntries(Object.entries(graph.steps).map(([id, step]) => [id === from ? to : id, step]));
  if (graph.places?.[from]) {
    graph.places[to] = graph.places[from];
    delete graph.places[from];
  }
}

// The journey as lines to read: each step once, in the order in which a customer meets them, deeper behind every parting
// of ways; where a way ends (`end`) or goes on at a step that stands elsewhere (`to`); the unreachable last.
export function inOrder(graph, outsOf) {
  const lines = [];
  const seen = new Set();
  const walk = (pointer, depth) => {
    let via = pointer;
    let id = targetOf(graph, via);
    for (;;) {
      if (id === null || !(id in graph.steps)) return lines.push({ end: true, depth, via });
      if (seen.has(id)) return lines.push({ to: id, depth, via });
      seen.add(id);
      lines.push({ id, depth, via, isReached: true });
      const outs = outsOf(id);
      if (outs.length !== 1) return outs.forEach((out) => walk({ from: id, out }, depth + 1));
      via = { from: id, out: outs[0] };
      id = targetOf(graph, via);
    }
  };
  walk(FIRST, 0);
  for (const id of Object.keys(graph.steps)) {
    if (seen.has(id)) continue;
    const loose = { id, depth: 0, via: null, isReached: false };
    seen.add(id);
    lines.push(loose);
    for (const out of outsOf(id)) walk({ from: id, out }, outsOf(id).length > 1 ? 1 : 0);
  }
  return lines;
}

// Places for every step: layers by the longest way from the beginning, each step below the middle of those before it.
export function layout(graph, outsOf) {
  const forward = forwardPointers(graph, outsOf);
  const layers = [];
  const layerOf = layersOf(graph, forward);
  for (const { id } of [{ id: ENTRY }, ...inOrder(graph, outsOf).filter((line) => line.id)]) {
    (layers[layerOf.get(id)] ??= []).push(id);
  }
  const at = new Map();
  layers.forEach((ids, layer) => {
    const wanted = ids.map((id, index) => ({ id, index, x: wish(id, forward, outsOf, at) ?? index * (WIDTH + GAP_X) }));
    wanted.sort((one, other) => one.x - other.x || one.index - other.index);
    let free = -Infinity;
    let moved = 0;
    for (const one of wanted) {
      const x = Math.max(one.x, free);
      moved += x - one.x;
      one.at = x;
      free = x + WIDTH + GAP_X;
    }
    const back = moved / Math.max(1, wanted.length);
    for (const one of wanted) at.set(one.id, [Math.round(one.at - back), layer * (HEIGHT + GAP_Y)]);
  });
  const left = Math.min(...[...at.values()].map(([x]) => x));
  return Object.fromEntries([...at].map(([id, [x, y]]) => [id, [x - left + 40, y + 40]]));
}

function forwardPointers(graph, outsOf) {
  const open = new Set();
  const done = new Set();
  const forward = [];
  const next = (id) => (id === ENTRY ? [FIRST] : outsOf(id).map((out) => ({ from: id, out })));
  const walk = (id) => {
    open.add(id);
    for (const pointer of next(id)) {
      const to = targetOf(graph, pointer);
      if (to === null || !(to in graph.steps) || open.has(to)) continue;
      forward.push({ ...pointer, to });
      if (!done.has(to)) walk(to);
    }
    open.delete(id);
    done.add(id);
  };
  walk(ENTRY);
  for (const id of Object.keys(graph.steps)) if (!done.has(id)) walk(id);
  return forward;
}

function layersOf(graph, forward) {
  const layer = new Map([ENTRY, ...Object.keys(graph.steps)].map((id) => [id, id === ENTRY ? 0 : 1]));
  for (let changed = true, rounds = 0; changed && rounds <= layer.size; rounds += 1) {
    changed = false;
    for (const { from, to } of forward) {
      if (layer.get(to) > layer.get(from)) continue;
      layer.set(to, layer.get(from) + 1);
      changed = true;
    }
  }
  return layer;
}

function wish(id, forward, outsOf, at) {
  const before = forward.filter(({ from, to }) => to === id && at.has(from));
  if (before.length === 0) return null;
  const xs = before.map(({ from, out }) => {
    const outs = from === ENTRY ? ["first"] : outsOf(from);
    return at.get(from)[0] + (outs.indexOf(out) - (outs.length - 1) / 2) * (WIDTH + GAP_X);
  });
  return xs.reduce((sum, x) => sum + x, 0) / xs.length;
}

// Where everything stands: as it was put, the rest as the layout would have it, never on top of another.
export function placesOf(graph, outsOf) {
  const given = graph.places ?? {};
  const ids = [ENTRY, ...Object.keys(graph.steps)];
  if (ids.every((id) => Array.isArray(given[id]))) return given;
  const laid = layout(graph, outsOf);
  if (Object.keys(given).length === 0) return laid;
  const places = Object.fromEntries(ids.filter((id) => Array.isArray(given[id])).map((id) => [id, given[id]]));
  for (const id of ids.filter((one) => !(one in places))) {
    const above = pointers(graph, outsOf).find(({ from, to }) => to === id && places[from]);
    let [x, y] = above ? [places[above.from][0], places[above.from][1] + HEIGHT + GAP_Y] : laid[id];
    if (above && above.from !== ENTRY) {
      const outs = outsOf(above.from);
      x += (outs.indexOf(above.out) - (outs.length - 1) / 2) * (WIDTH + GAP_X);
    }
    while (Object.values(places).some(([a, b]) => Math.abs(a - x) < WIDTH && Math.abs(b - y) < HEIGHT)) x += WIDTH + GAP_X;
    places[id] = [x, y];
  }
  return places;
}
