// Light, dark or as the system: the server remembers it in a cookie, the page changes at once.
const root = document.documentElement;

function paint(choice) {
  root.dataset.theme = choice;
  const dark = choice === "dark" || (choice === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.bsTheme = dark ? "dark" : "light";
  root.dispatchEvent(new CustomEvent("regulars:theme"));
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-theme-form]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const choice = event.submitter.value;
  paint(choice);
  for (const button of document.querySelectorAll("form[data-theme-form] button")) {
    button.setAttribute("aria-pressed", String(button.value === choice));
  }
  const body = new FormData(form);
  body.set("theme", choice);
  await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
});
