// Choosing rows of a list: the bar of bulk actions shows how many, and "all" chooses those on the page.
function refresh(list) {
  const boxes = [...list.querySelectorAll("[data-row-choice]")];
  const chosen = boxes.filter((box) => box.checked);
  const all = list.querySelector("[data-all-rows]");
  if (all) {
    all.checked = chosen.length > 0 && chosen.length === boxes.length;
    all.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
  }
  const bar = list.querySelector("[data-bulk-bar]");
  if (!bar) return;
  bar.hidden = chosen.length === 0;
  for (const count of bar.querySelectorAll("[data-bulk-count]")) count.textContent = String(chosen.length);
}

document.addEventListener("change", (event) => {
  const list = event.target.closest?.("[data-list]");
  if (list && event.target.matches("[data-all-rows]")) {
    for (const box of list.querySelectorAll("[data-row-choice]")) box.checked = event.target.checked;
  }
  if (list && event.target.matches("[data-all-rows], [data-row-choice]")) refresh(list);
  // A select or box marked so sends its form without a button.
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});
document.addEventListener("htmx:load", (event) => {
  const list = event.detail.elt.closest?.("[data-list]") ?? event.detail.elt.querySelector?.("[data-list]");
  if (list) refresh(list);
});

// A click on a row follows the row's link, as a click on its first cell would.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest("a, button, input, label, select, summary, .choice-cell")) return;
  if (getSelection()?.toString()) return;
  if (event.ctrlKey || event.metaKey) open(row.dataset.href, "_blank", "noopener");
  else location.assign(row.dataset.href);
});

// A form of filters sends only what was filled in, so that addresses stay short enough to read and to share.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-tidy]")) return;
  const empty = [...event.target.elements].filter((field) => field.name && field.value === "" && !field.disabled);
  for (const field of empty) field.disabled = true;
  // Back to the page from the next one, the fields can be used again.
  setTimeout(() => empty.forEach((field) => (field.disabled = false)));
});
