// The boxes of an image, over a viewer: picked, moved, resized and drawn, with keys or with the mouse.

import { Viewer } from "./viewer.js";

const NEAR = 9; // px of the screen around an edge that take it

export class BoxStage {
  /**
   * `of` gives the decision on a box, `added` the boxes that decisions add to an image: {box, category}.
   * `onedit` is told of a box that was changed or drawn, `onpick` of one that was picked.
   */
  constructor(element, { of, added, onedit, onpick, onmove, colours = {} }) {
    Object.assign(this, { element, of, added, onedit, onpick, colours });
    this.viewer = new Viewer(element, { onmove });
    this.hidden = false;
    this.unset();
    element.addEventListener("pointerdown", (e) => this.down(e), { capture: true });
    element.addEventListener("pointermove", (e) => this.drag(e), { capture: true });
    element.addEventListener("pointerup", (e) => this.up(e), { capture: true });
  }

  /** Forget the image: none is there, or another one is on its way. */
  unset() {
    Object.assign(this, { image: null, marks: [], own: -1, other: null, selected: -1, edit: null });
  }

  /**
   * Take an image, {path, boxes: [{box, class, id}]}; `marks` are what a finding is about, {box, rings, points}, `isOwn` says which record it is
   * about, `other` the id of the one it lies on. A record is never found by its box: two may have the same one.
   */
  set(image, { marks = [], isOwn = () => false, other = null, selected = null }) {
    Object.assign(this, { image, marks, other, own: image.boxes.findIndex(isOwn), edit: null });
    this.selected = selected ?? this.own;
  }

  get box() {
    return this.image?.boxes[this.selected] ?? null;
  }

  /** The boxes as they are to be: decisions are drawn, not only written down. */
  draw() {
    if (!this.image) return;
    const shown = [];
    this.image.boxes.forEach((b, k) => {
      const d = this.of(b), isMark = k === this.own, isOther = !isMark && (b.id === this.other || b.isOther);
      const kind = k === this.selected || isMark ? "mark" : isOther ? "other" : "plain";
      if (this.hidden && kind === "plain") return;
      const name = d?.action === "set-category" ? d.value : classLabel(b);
      const gone = d?.action === "drop" || (d?.action === "fix" && isMark);
      shown.push({ ...(d?.action === "set-box" ? { box: d.value } : shapeOf(b)), kind: gone ? "plain" : kind, label: this.edit && !this.edit.isNew && k === this.selected ? "" : `${name}${d ? ` · ${d.action}` : ""}`, colour: kind === "plain" ? this.colours[name] : undefined });
    });
    if (this.own < 0) for (const mark of this.marks) shown.push({ ...shapeOf(mark), kind: "mark", label: "" });
    for (const { box, category } of this.added(this.image.path)) shown.push({ box, kind: "other", label: `${category} · new` });
    if (this.edit) shown.push({ box: this.edit.box, kind: "mark", label: this.edit.isNew ? "new box" : `${this.box?.class ?? "box"} · moved` });
    this.viewer.setBoxes(shown);
    this.element.classList.toggle("editing", Boolean(this.edit));
  }

  /** Pick the next box of the image. */
  select(step) {
    const n = this.image?.boxes.length ?? 0;
    if (!n) return;
    this.selected = (this.selected + step + n + (this.selected < 0 && step < 0 ? 1 : 0)) % n;
    this.draw();
    this.onpick(this.box);
  }

  /** Begin to change the picked box, or to draw a new one in the middle of what is seen; say whether there is one to change. */
  begin(isNew) {
    if (!this.image || (!isNew && !this.box)) return false;
    const { clientWidth: w, clientHeight: ht } = this.element;
    const middle = this.within([...this.viewer.toFrame(w * 0.35, ht * 0.35), ...this.viewer.toFrame(w * 0.65, ht * 0.65)]);
    const d = isNew ? null : this.of(this.box), box = isNew ? middle : [...(d?.action === "set-box" ? d.value : this.box.box)];
    this.edit = { isNew, box: isNew ? box : this.inside(box.every(Number.isFinite) ? box : middle) };
    this.draw();
    return true;
  }

  /** Return the part of a box that is inside the image, to the fraction of a px; at least 1 px wide and high. */
  inside(box) {
    const [left, top, right, bottom] = this.viewer.window;
    const cut = [Math.min(Math.max(box[0], left), right), Math.min(Math.max(box[1], top), bottom), Math.max(Math.min(box[2], right), left), Math.max(Math.min(box[3], bottom), top)];
    return cut[2] - cut[0] >= 1 && cut[3] - cut[1] >= 1 ? cut : this.within(cut);
  }

  /** Return a box inside the image, whole px, its corners in order and at least 1 px apart. */
  within(box) {
    const [left, top, right, bottom] = this.viewer.window;
    const clip = (v, low, high) => Math.min(Math.max(Math.round(v), low), high);
    const x = [clip(box[0], left, right), clip(box[2], left, right)].sort((a, b) => a - b), y = [clip(box[1], top, bottom), clip(box[3], top, bottom)].sort((a, b) => a - b);
    if (x[0] === x[1]) x[0] < right ? x[1]++ : x[0]--;
    if (y[0] === y[1]) y[0] < bottom ? y[1]++ : y[0]--;
    return [x[0], y[0], x[1], y[1]];
  }

  /** Take a key while a box is changed: arrows move it, with Shift its lower right corner; Ctrl makes it ten px. */
  editKey(event) {
    const step = event.ctrlKey ? 10 : 1;
    const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    const b = this.edit.box;
    if (move) {
      const [left, top, right, bottom] = this.viewer.window;
      if (event.shiftKey) this.edit.box = this.within([b[0], b[1], Math.max(b[2] + move[0], b[0] + 1), Math.max(b[3] + move[1], b[1] + 1)]);
      else {
        const dx = Math.min(Math.max(move[0], left - b[0]), right - b[2]), dy = Math.min(Math.max(move[1], top - b[1]), bottom - b[3]);
        this.edit.box = [b[0] + dx, b[1] + dy, b[2] + dx, b[3] + dy];
      }
      this.draw();
    } else if (event.key === "Enter") this.finish();
    else if (event.key === "Escape") this.cancel();
    else return false;
    return true;
  }

  finish() {
    const { box, isNew } = this.edit;
    this.cancel();
    this.onedit(box, isNew);
  }

  cancel() {
    this.edit = null;
    this.draw();
  }

  down(event) {
    if (event.button > 0 || !this.viewer.shown) return;
    const { x, y } = this.viewer.at(event), place = this.viewer.toFrame(x, y);
    if (!this.edit) {
      const inside = this.image?.boxes.map((b, k) => [b, k]).filter(([b]) => place[0] >= b.box[0] && place[0] <= b.box[2] && place[1] >= b.box[1] && place[1] <= b.box[3]) ?? [];
      this.clicked = inside.sort(([a], [b]) => area(a.box) - area(b.box))[0]?.[1];
      this.from = { x, y };
      return;
    }
    event.stopPropagation();
    this.element.setPointerCapture(event.pointerId);
    const b = this.edit.box, near = NEAR / this.viewer.scale;
    const sides = [0, 1, 2, 3].map((k) => Math.abs(place[k % 2] - b[k]) < near && place[(k + 1) % 2] > b[(k + 1) % 2] - near && place[(k + 1) % 2] < b[((k + 1) % 2) + 2] + near);
    const isInside = place[0] > b[0] && place[0] < b[2] && place[1] > b[1] && place[1] < b[3];
    this.dragging = { place, box: [...b], sides: sides.some(Boolean) ? sides : isInside ? [true, true, true, true] : null };
  }

  drag(event) {
    if (!this.dragging || !this.edit) return;
    event.stopPropagation();
    const { x, y } = this.viewer.at(event), now = this.viewer.toFrame(x, y), { place, box, sides } = this.dragging;
    this.edit.box = this.within(sides ? box.map((v, k) => (sides[k] ? v + now[k % 2] - place[k % 2] : v)) : [place[0], place[1], now[0], now[1]]);
    this.draw();
  }

  up(event) {
    if (this.dragging) return void (this.dragging = null);
    if (!this.from) return;
    const { x, y } = this.viewer.at(event);
    if (Math.hypot(x - this.from.x, y - this.from.y) < 4 && this.clicked !== undefined) {
      this.selected = this.clicked;
      this.draw();
      this.onpick(this.box);
    }
    this.from = null;
  }
}

/** Return what a box is called whose class may not be declared. */
const classLabel = (b) => b.class ?? (b.number >= 0 ? `unknown class ${b.number}` : "no class");

/** Return what is drawn of a box of an image. */
const shapeOf = ({ box, rings, points, rotated }) => ({ box, rings, points, rotated });

const area = (b) => (b[2] - b[0]) * (b[3] - b[1]);

/** Say whether two boxes are one, as far as they are written down. */
export const same = (a, b) => a.every((v, k) => Math.abs(v - b[k]) < 0.02);
