// Runs before the first paint when a person's theme is "auto": the server cannot know what their system prefers.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => {
  if (root.dataset.theme !== "auto") return;
  root.dataset.bsTheme = dark.matches ? "dark" : "light";
  root.dispatchEvent(new CustomEvent("regulars:theme"));
};
follow();
dark.addEventListener("change", follow);
