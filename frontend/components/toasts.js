// Short news in the corner. Errors stay until they are closed.
const SECONDS = 6;

export function say({ level = "success", text }) {
  const corner = document.getElementById("toasts");
  const template = document.getElementById("toast-template");
  const toast = template.content.firstElementChild.cloneNode(true);
  toast.dataset.level = level;
  toast.querySelector("[data-toast-text]").textContent = text;
  corner.append(toast);
  arm(toast);
}

function arm(toast) {
  toast.querySelector("button").addEventListener("click", () => toast.remove());
  if (toast.dataset.level !== "error") setTimeout(() => toast.remove(), SECONDS * 1000);
}

for (const toast of document.querySelectorAll("#toasts > .toast-note")) arm(toast);

// Django's messages of an answer to htmx come in its HX-Trigger header.
document.addEventListener("regulars:messages", (event) => {
  for (const message of event.detail.messages) say(message);
});
