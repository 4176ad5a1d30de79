// Puts what a button offers where the person last wrote.
let last = null;

document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("[data-insert-into]")) last = event.target;
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  const fields = [...document.querySelectorAll("[data-insert-into]")];
  const field = fields.includes(last) ? last : fields.at(-1);
  if (!field || field.matches(":disabled")) return;
  const words = button.dataset.insert;
  // A block stands on lines of its own.
  const isBlock = words.startsWith("{%") && field.tagName === "TEXTAREA";
  field.focus();
  field.setRangeText(isBlock ? `\n\n${words}\n\n` : words, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
});
