// What the server knows: findings, images, and every reviewer's decisions, which are written there before they count here.

import { say } from "./dom.js";
import { given } from "./actions.js";

export const SEVERITIES = ["info", "warning", "error"];

async function got(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

export const api = {
  state: () => got("api/state"),
  who: () => got("api/who"),
  image: (row) => got(`api/image/${row}`),
  wall: (name, sort, from) => got(`api/wall?${new URLSearchParams({ class: name, sort, from })}`),
  log: (since) => got(`api/log?since=${since}`),
  async decide(reviewer, rows) {
    const answer = await fetch("api/decide", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ reviewer, rows }) });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return answer.json();
  },
};

const visible = (text) => text?.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

/** Turn the rows of the server into findings. */
export function findingsOf(state) {
  const at = Object.fromEntries(state.fields.map((name, k) => [name, k]));
  return state.findings.map((row, number) => {
    const image = row[at.image];
    return { number, check: state.checks[row[at.check]], severity: row[at.severity], message: visible(row[at.message]), raw: row[at.message], row: image, fix: row[at.fix],
      path: typeof image === "string" ? image : state.images[image] ?? null, split: state.splits[row[at.split]] ?? null, category: state.classes[row[at.class]]?.name ?? null,
      annotation: row[at.annotation], source: state.sources[row[at.source]] ?? null, line: row[at.line], index: row[at.index], box: row[at.box], print: row[at.print],
      choices: state.choices[row[at.choices]], group: row[at.group], other: row[at.other], subject: `f:${row[at.print]}`,
      get text() { return (this.lower ??= [this.check.code, this.check.name, this.message, this.path, this.category, this.split].filter(Boolean).join(" ").toLowerCase()); } };
  });
}

/** What is written beside a decision on a finding. */
export function seenOf(f) {
  const record = given({ source: f.source, line: f.line, index: f.index, id: f.annotation });
  return given({ code: f.check.code, message: f.raw, image: f.path, split: f.split, category: f.category, bbox_xyxy: f.box, annotation: Object.keys(record).length ? record : null });
}

/** What is written beside a decision on an annotation. */
export const seenOfBox = (path, b) => given({ image: path, category: b.class, bbox_xyxy: b.box, annotation: given({ source: b.source, line: b.line, index: b.index, id: b.id }) });
export const recordOfBox = (path, b) => given({ image: path, source: b.source, line: b.line, index: b.index, id: b.id });
export const subjectOfBox = (b) => `a:${b.source}\n${b.index}`;

export class Decisions extends EventTarget {
  /** `counts` is told of each subject that is decided now (1) or no longer (-1): counting all anew is too slow for a key. */
  constructor(reviewer, counts) {
    super();
    this.reviewer = reviewer;
    this.counts = counts;
    this.people = new Map();
    this.by = new Map(); // subject -> Map(reviewer -> decision)
    this.atOdds = new Set(); // subjects on which reviewers want different things
    this.rare = new Set(); // subjects of new boxes and of classes: few, and asked for at each drawing
    this.last = 0;
    this.undoable = [];
    this.waiting = 0;
    window.addEventListener("beforeunload", (event) => { if (this.waiting) event.preventDefault(); });
  }

  /** The decision on a subject: the own one first. */
  of(subject) {
    const all = this.by.get(subject);
    return all ? all.get(this.reviewer) ?? all.values().next().value : undefined;
  }

  own(subject) {
    return this.by.get(subject)?.get(this.reviewer);
  }

  /** The decisions of others on a subject: [reviewer, decision]. */
  others(subject) {
    return [...(this.by.get(subject) ?? [])].filter(([who]) => who !== this.reviewer);
  }

  /** Say whether reviewers want different things of a subject. */
  differ(subject) {
    return this.atOdds.has(subject);
  }

  /** The boxes that are to be added to an image: {box, category}. */
  added(path) {
    return this.ofRare().filter((d) => d.action === "add-box" && d.record.image === path).map((d) => ({ box: d.value.bbox_xyxy, category: d.value.category }));
  }

  /** The decisions on classes. */
  ofClasses() {
    return this.ofRare().filter((d) => d.action !== "add-box");
  }

  ofRare() {
    return [...this.rare].flatMap((subject) => [...this.by.get(subject).values()]);
  }

  set(subject, reviewer, decision) {
    const all = this.by.get(subject) ?? new Map(), had = all.size > 0, hadOwn = all.has(reviewer);
    this.people.set(reviewer, (this.people.get(reviewer) ?? 0) + Number(Boolean(decision)) - Number(hadOwn));
    decision ? all.set(reviewer, decision) : all.delete(reviewer);
    all.size ? this.by.set(subject, all) : this.by.delete(subject);
    new Set([...all.values()].map((d) => JSON.stringify([d.action, d.value ?? null]))).size > 1 ? this.atOdds.add(subject) : this.atOdds.delete(subject);
    if (subject.startsWith("n:") || subject.startsWith("c:")) all.size ? this.rare.add(subject) : this.rare.delete(subject);
    if (had !== all.size > 0) this.counts(subject, all.size ? 1 : -1);
  }

  /** Decide: rows of [subject, decision or null]. Shown at once; taken back when the server did not take it. */
  async decide(rows, { undoing = false } = {}) {
    const before = rows.map(([subject]) => [subject, this.own(subject) ?? null]);
    for (const [subject, decision] of rows) this.set(subject, this.reviewer, decision);
    if (!undoing) this.undoable.push(before);
    this.dispatchEvent(new Event("change"));
    this.wait(1);
    try {
      await (this.queue = (this.queue ?? Promise.resolve()).catch(() => {}).then(() => api.decide(this.reviewer, rows.map(([subject, decision]) => ({ subject, decision })))));
    } catch (e) {
      for (const [subject, decision] of before) this.set(subject, this.reviewer, decision);
      if (!undoing) this.undoable.splice(this.undoable.indexOf(before), 1);
      say(`Not kept: ${e.message}`);
      this.dispatchEvent(new Event("change"));
    } finally {
      this.wait(-1);
    }
  }

  /** Count the decisions that the server has not answered yet; leaving the page before it did is asked about. */
  wait(by) {
    this.waiting += by;
    document.documentElement.dataset.waiting = this.waiting;
  }

  /** Take the last decision back; return what it was about. */
  undo() {
    const last = this.undoable.pop();
    if (!last) return null;
    this.decide(last, { undoing: true });
    return last[0][0];
  }

  /** Take up what was decided since, here and by others. */
  async refresh() {
    const rows = await api.log(this.last);
    for (const { number, subject, reviewer, decision } of rows) {
      this.last = number;
      this.set(subject, reviewer, decision === null ? null : JSON.parse(decision));
    }
    if (rows.length) this.dispatchEvent(new Event("change"));
  }
}
