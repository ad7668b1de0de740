// What can be decided, on the page and in the served app alike: names, keys, and the questions that some decisions ask.

import { h, say } from "./dom.js";
import { ask, choose } from "./dialogs.js";

export const ACTIONS = { keep: ["Keep", "k"], fix: ["Fix", "f"], drop: ["Drop", "d"], "set-category": ["Class…", "c"], "set-box": ["Box…", "b"],
  "mark-as-crowd": ["Crowd", "w"], "drop-image": ["Drop image", "i"], "rename-class": ["Rename…", "R"], "merge-class": ["Merge…", "M"] };
const ALIASES = { a: "f", r: "k" };
const OF_CLASSES = { "add-class": "Add a class", "rename-class": "Rename a class", "merge-class": "Merge a class into another" };

/** Return a record without what is not given. */
export const given = (record) => Object.fromEntries(Object.entries(record).filter(([, v]) => v !== null && v !== undefined));

/** Return the decision that a key stands for. */
export const actionOf = (key) => Object.keys(ACTIONS).find((name) => ACTIONS[name][1] === (ALIASES[key] ?? key));

/** Return what was done, in a word. */
export const named = (action) => ACTIONS[action]?.[0].replace("…", "") ?? action;

/** Return the buttons of some decisions, the taken one pressed, and that of the comment. */
export function buttonsOf(choices, taken, onclick, properties = {}) {
  const made = choices.map((a) => h("button", { type: "button", className: "act", ...properties, textContent: ACTIONS[a][0], title: `${a} (${ACTIONS[a][1]})`, "aria-pressed": String(taken === a), onclick: () => onclick(a) }));
  return [...made, h("button", { type: "button", className: "act comment", ...properties, textContent: "Comment…", title: "comment (o)", onclick: () => onclick("comment") })];
}

/** Return a value as people write it. */
export function valueText(value) {
  if (Array.isArray(value)) return value.map((v) => Number(v.toFixed(2))).join(", ");
  return typeof value === "object" && value ? `${value.category} ${valueText(value.bbox_xyxy)}` : value ?? "";
}

/** Ask for what a decision needs; undefined when it needs nothing, null when the user gave up. */
export async function valueOf(action, category, names) {
  const others = names.filter((n) => n !== category);
  if (action === "set-category") return choose("The right class", others);
  if (action === "merge-class") return choose(`Merge ${category} into`, others);
  if (action === "rename-class") return (await ask(`New name of ${category}`, category)) || null;
  return undefined;
}

/** Ask for a box as four numbers; null when the user gave up or wrote none. */
export async function askBox(box) {
  const text = await ask("The right box", valueText(box ?? []), "x min, y min, x max, y max in px");
  if (text === null) return null;
  const made = text.split(/[\s,;]+/).filter(Boolean).map(Number);
  if (made.length === 4 && made.every(Number.isFinite) && made[2] > made[0] && made[3] > made[1]) return made;
  say("A box is four numbers: x min, y min, x max, y max");
  return null;
}

/** Ask what stands for all findings of a check that have no decision of their own; "" takes it back, null is nothing. */
export async function askWhole(check, choices, taken) {
  if (!choices.length) return say(`${check.code}: its findings have no decision in common`) ?? null;
  const none = "none: each finding for itself", picked = await choose(`All of ${check.code} ${check.name}, where a finding has no decision of its own`, [...choices, ...(taken ? [none] : [])]);
  return picked === none ? "" : picked;
}

/** Ask for a class to add, rename or merge: the decision without its reviewer, or null. */
export async function askClass(names, choices) {
  if (!choices.length) return say("This format has no place for that") ?? null;
  const texts = choices.map((a) => OF_CLASSES[a]), picked = await choose("Classes", texts);
  if (!picked) return null;
  const action = choices[texts.indexOf(picked)];
  if (action === "add-class") {
    const category = await ask("Name of the new class");
    return category ? { action, record: { category } } : null;
  }
  const category = await choose(picked, names);
  const value = category && (await valueOf(action, category, names));
  return value ? { action, record: { category }, value } : null;
}

/** Names of classes to choose from: those of the dataset, and those that decisions add or give. */
export function namesWith(names, decisions) {
  const added = decisions.map((d) => (d.action === "add-class" ? d.record?.category : d.action === "rename-class" ? d.value : null));
  return [...new Set([...names, ...added.filter(Boolean)])];
}
