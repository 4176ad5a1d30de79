// Dangerous actions: a dialog that names what will happen and, where it matters, asks for the name to be typed.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.dialog)?.showModal();
    return;
  }
  const closer = event.target.closest("[data-dialog-close]");
  if (closer) closer.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && event.target.open) event.target.close();
});

document.addEventListener("input", (event) => {
  const field = event.target.closest("[data-confirm-name]");
  if (!field) return;
  const matches = field.value.trim() === field.dataset.confirmName;
  field.closest("form").querySelector("[data-confirm-button]").disabled = !matches;
});
