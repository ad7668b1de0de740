// What the page holds: findings as objects over the rows that were embedded.

const raw = JSON.parse(document.getElementById("page-data").textContent);
const at = Object.fromEntries(raw.fields.map((name, k) => [name, k]));

export const SEVERITIES = ["info", "warning", "error"];
export const { dataset, settings, checks, images, crops, whole, classes, splits, tool, boxChoices, classChoices, canAdd } = raw;
const { sources, choices } = raw;

// Control characters, and marks that turn the direction of writing, would make a line read otherwise than it is.
const visible = (text) => text?.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

/** A finding; its texts are looked up when they are asked for. */
class Finding {
  constructor(row, number) {
    this.row = row;
    this.number = number;
  }
  get print() { return this.row[at.print]; }
  get check() { return checks[this.row[at.check]]; }
  get severity() { return this.row[at.severity]; }
  get message() { return visible(this.row[at.message]); }
  get image() { return visible(this.path) ?? null; }
  get path() { const i = this.row[at.image]; return typeof i === "number" ? images[i][0] : i; }
  get split() { return splits[this.row[at.split]] ?? null; }
  get category() { return classes[this.row[at.class]] ?? null; }
  get annotation() { return this.row[at.annotation]; }
  get source() { return sources[this.row[at.source]] ?? null; }
  get line() { return this.row[at.line]; }
  get index() { return this.row[at.index]; }
  get box() { return this.row[at.box]; }
  get fix() { return this.row[at.fix]; }
  get choices() { return choices[this.row[at.choices]]; }
  get crops() { return crops[this.number] ?? []; }
  get size() { const b = this.box; return b ? Math.abs(b[2] - b[0]) * Math.abs(b[3] - b[1]) : -1; }
  /** What is written beside a decision: the finding as it is in the dataset. */
  get seen() {
    return { code: this.check.code, message: this.row[at.message], image: this.path, split: this.split, category: this.category, bbox_xyxy: this.box };
  }
  get text() {
    this.lower ??= [this.check.code, this.check.name, this.message, this.image, this.category, this.split, this.source].filter(Boolean).join(" ").toLowerCase();
    return this.lower;
  }
  /** Say whether a box of an image is the record that the finding is about; its coordinates do not say so, for two may share them. */
  isOwn(b) {
    return Boolean(b.isMark) || (this.annotation !== null && b.source === this.source && b.index === this.index && b.id === this.annotation);
  }
  get place() {
    const parts = [this.image, this.annotation === null ? null : `annotation ${this.annotation}`];
    if (this.source) parts.push(this.line !== null ? `${this.source}:${this.line}` : this.index !== null ? `${this.source} [${this.index}]` : this.source);
    return parts.filter(Boolean).join(" · ");
  }
}

/** The boxes of a whole image as the stage takes them: {box, class, id, source, index}. */
export const boxesOf = (place) => (whole[place]?.boxes ?? []).map(([x1, y1, x2, y2, category, id, source, index, more]) =>
  ({ box: [x1, y1, x2, y2], rings: more.rings, points: more.points, rotated: more.rotated, class: classes[category], number: more.class, id, source: sources[source], index }));

export const findings = raw.findings.map((row, k) => new Finding(row, k));
