// Copies what a button points at. `navigator.clipboard` is absent on plain http, so the text is selected instead.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value);
    const label = button.querySelector("[data-copy-label]");
    label.textContent = button.dataset.copied;
  } catch {
    source.focus();
    source.select();
  }
});
