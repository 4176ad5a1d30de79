// Finds chart figures and draws them once they come near the window. ECharts is loaded only by pages that have one.
const seen = new WeakSet();
let drawing;

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      drawing ??= import("./drawing.js");
      drawing.then(({ draw }) => draw(entry.target));
    }
  },
  { rootMargin: "400px" },
);

export function watchCharts(scope) {
  for (const figure of scope.querySelectorAll("[data-chart]")) {
    if (seen.has(figure)) continue;
    seen.add(figure);
    near.observe(figure);
  }
}
