// Native popovers, put beside the button that opened them and kept inside the window.
const GAP = 4;
const EDGE = 8;

function place(popover, button) {
  const anchor = button.getBoundingClientRect();
  const box = popover.getBoundingClientRect();
  const toEnd = popover.dataset.align === "end";
  const left = toEnd ? anchor.right - box.width : anchor.left;
  const below = anchor.bottom + GAP;
  const fitsBelow = below + box.height <= innerHeight - EDGE || anchor.top < box.height + GAP + EDGE;
  popover.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - box.width - EDGE))}px`;
  const top = fitsBelow ? below : anchor.top - GAP - box.height;
  popover.style.top = `${Math.max(EDGE, Math.min(top, innerHeight - box.height - EDGE))}px`;
}

document.addEventListener(
  "toggle",
  (event) => {
    const popover = event.target;
    if (!(popover instanceof HTMLElement) || !popover.hasAttribute("popover")) return;
    for (const button of document.querySelectorAll(`[popovertarget="${CSS.escape(popover.id)}"]`)) {
      button.setAttribute("aria-expanded", String(event.newState === "open"));
      if (event.newState === "open" && button.offsetParent !== null) place(popover, button);
    }
  },
  true,
);

// A popover stands where its button stood; once the page moves under it, it is in the way.
addEventListener("resize", () => {
  for (const open of document.querySelectorAll("[popover]:popover-open")) open.hidePopover();
});
