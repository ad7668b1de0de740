// Elements without markup: whatever a dataset holds is set as text, never parsed.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. `on…` properties are listeners, `dataset` and attributes with a dash or colon are set as such. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name in element && !name.includes("-") && name !== "list" && name !== "role") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((c) => c !== undefined && c !== null && c !== false));
  return element;
}

/** Return an SVG element with attributes. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Return a number as people write it. */
export const count = (n) => Number(n).toLocaleString("en");

/** Return `1 file`, `2 files`. */
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** Say something to screen readers and in a line that goes away. */
export function say(text) {
  const line = document.getElementById("said");
  line.textContent = text;
  line.classList.add("shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => line.classList.remove("shown"), 4000);
}

/** Say whether a key goes to a field that the user writes in. */
export const isTyping = (event) => {
  const t = event.target;
  return t instanceof HTMLElement && (t.isContentEditable || t.tagName === "TEXTAREA" || t.tagName === "SELECT" ||
    (t.tagName === "INPUT" && !["checkbox", "radio", "button"].includes(t.type)));
};
