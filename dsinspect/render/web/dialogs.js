// Small dialogs: choose one of many names by typing, write a line, confirm. Each gives a promise.

import { h } from "./dom.js";

const SHOWN = 60;

function open(title, body, buttons) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { className: "small", "aria-label": title });
    const done = (value) => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const form = h("form", { method: "dialog", onsubmit: (e) => { e.preventDefault(); buttons[0].take(done); } },
      h("h2", { textContent: title }), ...body,
      h("p", { className: "actions" }, ...buttons.map((b, k) => h("button", {
        type: k ? "button" : "submit", className: k ? "" : "main", textContent: b.text, onclick: k ? () => b.take(done) : undefined }))));
    dialog.append(form);
    dialog.addEventListener("cancel", (e) => { e.preventDefault(); done(null); });
    dialog.addEventListener("keydown", (e) => e.stopPropagation());
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector("input, textarea")?.focus();
    dialog.scrollTop = 0; // the focus may have gone to a button below what is seen
  });
}

/** Take a key that was pressed before the dialog was there: a letter is for its field. */
export function typeInto(e) {
  const field = document.querySelector("dialog[open] input");
  if (!field || e.key.length !== 1) return;
  field.setRangeText(e.key, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Choose one of some names: those that begin with what is typed come first, then those that hold it. */
export function choose(title, names, { free = false } = {}) {
  let found = [], at = 0;
  const input = h("input", { type: "text", autocomplete: "off", role: "combobox", "aria-expanded": "true", "aria-controls": "choices", "aria-label": title });
  const list = h("ul", { id: "choices", role: "listbox", "aria-label": title });
  const draw = () => {
    const q = input.value.trim().toLowerCase();
    const lower = names.map((n) => n.toLowerCase());
    const begins = names.filter((_, k) => lower[k].startsWith(q)), exact = names.indexOf(input.value.trim());
    if (exact >= 0) begins.splice(0, 0, ...begins.splice(begins.indexOf(names[exact]), 1));
    found = [...begins, ...names.filter((_, k) => !lower[k].startsWith(q) && lower[k].includes(q))].slice(0, SHOWN);
    at = Math.min(at, Math.max(found.length - 1, 0));
    list.replaceChildren(...found.map((name, k) => h("li", {
      id: `choice-${k}`, role: "option", textContent: name, "aria-selected": String(k === at),
      onclick: () => { input.value = name; at = 0; draw(); input.focus(); } })));
    if (found.length) input.setAttribute("aria-activedescendant", `choice-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  input.addEventListener("input", () => { at = 0; draw(); });
  input.addEventListener("keydown", (e) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (!step || !found.length) return;
    e.preventDefault();
    at = (at + step + found.length) % found.length;
    draw();
  });
  draw();
  return open(title, [input, list], [
    { text: "Choose", take: (done) => { const v = found[at] ?? (free ? input.value.trim() : ""); if (v) done(v); } },
    { text: "Cancel", take: (done) => done(null) }]);
}

/** Ask for a line of text. */
export function ask(title, value = "", hint = "") {
  const input = h("input", { type: "text", value, "aria-label": title, autocomplete: "off" });
  return open(title, [hint ? h("p", { className: "quiet", textContent: hint }) : null, input].filter(Boolean), [
    { text: "OK", take: (done) => done(input.value.trim()) }, { text: "Cancel", take: (done) => done(null) }]);
}

/** Ask yes or no. */
export function confirmed(title, text, yes) {
  return open(title, [h("p", { textContent: text })], [
    { text: yes, take: (done) => done(true) }, { text: "Cancel", take: (done) => done(false) }]);
}

/** Show the keys. */
export function showKeys(title, keys) {
  const rows = keys.map(([key, what]) => h("tr", {}, h("th", { scope: "row" }, ...key.split(" ").map((k) => h("kbd", { textContent: k }))), h("td", { textContent: what })));
  return open(title, [h("table", { className: "keys" }, h("tbody", {}, ...rows))], [{ text: "Close", take: (done) => done(null) }]);
}
