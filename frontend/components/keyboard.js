// Ctrl/Cmd-K and "/" go to the search box.
const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search");
  if (!search) return;
  const asked =
    ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") ||
    (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target));
  if (!asked) return;
  event.preventDefault();
  search.focus();
  search.select();
});
