// Makes elements, and finds the page's words and icons.
let data = { words: {}, sprite: "" };

export function use(pageData) {
  data = pageData;
}

// Words of the page by their key, with values put where the words say {name}.
export function say(key, values = {}) {
  const words = data.words[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const hasWord = (key) => key in data.words;

export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "selected") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name, classes = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${classes}`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const inner = document.createElementNS("http://www.w3.org/2000/svg", "use");
  inner.setAttribute("href", `${data.sprite}#${name}`);
  svg.append(inner);
  return svg;
}

export function button(iconName, words, onclick, { classes = "", showWords = true, ...attributes } = {}) {
  return h(
    "button",
    { type: "button", class: `btn ${showWords ? "" : "btn-icon"} ${classes}`, onclick, "aria-label": showWords ? null : words, title: showWords ? null : words, ...attributes },
    iconName && icon(iconName),
    showWords && h("span", {}, words),
  );
}

const locale = document.documentElement.dataset.locale || "en";
export const count = (number) => new Intl.NumberFormat(locale).format(number);
export const percent = (basisPoints) =>
  new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 2 }).format(basisPoints / 10_000);

