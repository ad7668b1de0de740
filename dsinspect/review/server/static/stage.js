// The image with all its boxes: zoomed, moved, and a box moved, resized or drawn with mouse or keys.

import { h } from "./dom.js";
import { Viewer } from "./viewer.js";
import { api, subjectOfBox } from "./state.js";

const TILE = 512, WHOLE = 1600, EDGE = 9;

export class Stage {
  constructor(root, { decisions, colours, onedit, onpick }) {
    Object.assign(this, { decisions, colours, onedit, onpick });
    this.element = h("div", { className: "stage", tabIndex: 0, role: "application", "aria-label": "Image with its boxes; ? shows the keys" });
    root.append(this.element);
    this.tiles = h("div", { className: "tiles" });
    this.viewer = new Viewer(this.element, { onmove: () => this.moved() });
    this.viewer.image.after(this.tiles);
    this.cache = new Map();
    this.hidden = false;
    this.element.addEventListener("pointerdown", (e) => this.down(e), { capture: true });
    this.element.addEventListener("pointermove", (e) => this.drag(e), { capture: true });
    this.element.addEventListener("pointerup", (e) => this.up(e), { capture: true });
  }

  /** Show an image; `marks` are boxes a finding is about, `other` the id of the annotation it lies on. */
  show(row, options = {}) {
    if (row !== this.drawn) Object.assign(this, { drawn: null, image: null, selected: -1, edit: null });
    return (this.loading = this.showLoaded(row, options));
  }

  async showLoaded(row, { marks = [], other = null, zoom = false, pick = null }) {
    const asked = (this.asked = (this.asked ?? 0) + 1);
    const image = await this.load(row);
    if (asked !== this.asked) return;
    const isNew = this.drawn !== row;
    Object.assign(this, { row, drawn: row, image, marks, other, edit: null });
    const frame = image.frame ?? [image.width ?? 1, image.height ?? 1];
    this.selected = image.boxes.findIndex((b) => (pick !== null ? b.row === pick : marks.some((m) => same(m, b.box))));
    if (isNew) {
      this.tiles.replaceChildren();
      this.viewer.show({ src: `whole/${row}`, window: [0, 0, ...frame], alt: image.path, boxes: [] });
    }
    this.draw();
    const box = pick !== null ? image.boxes[this.selected]?.box : marks[0];
    if (zoom && box) this.viewer.zoomTo(box, 0.35);
    else if (isNew || zoom) this.viewer.fit();
  }

  /** Show nothing: the finding is about no image. */
  clear() {
    this.asked = (this.asked ?? 0) + 1;
    Object.assign(this, { row: undefined, drawn: null, image: null, selected: -1, edit: null });
    this.viewer.image.removeAttribute("src");
    this.tiles.replaceChildren();
    if (this.viewer.shown) this.viewer.setBoxes([]);
  }

  /** Wait for the image that is on its way; whoever asked for it reports why it did not come. */
  loaded() {
    return this.loading?.catch(() => {});
  }

  load(row) {
    if (!this.cache.has(row)) {
      this.cache.set(row, api.image(row));
      if (this.cache.size > 60) this.cache.delete(this.cache.keys().next().value);
    }
    return this.cache.get(row);
  }

  /** Fetch what comes next, so that it is there when it is asked for. */
  ahead(row) {
    if (typeof row !== "number" || row < 0) return; // the path of an image that is no record is a text
    this.load(row).catch(() => {});
    new Image().src = `whole/${row}`;
  }

  get box() {
    return this.image?.boxes[this.selected] ?? null;
  }

  /** The boxes as they are to be: decisions are drawn, not only written down. */
  draw() {
    if (!this.image) return;
    const shown = [];
    this.image.boxes.forEach((b, k) => {
      const d = this.decisions.of(this.subject?.(b) ?? subjectOfBox(b)) ?? this.decisions.of(subjectOfBox(b));
      const isMark = this.marks.some((m) => same(m, b.box)) && b.id !== this.other;
      const kind = k === this.selected ? "mark" : isMark ? "mark" : b.id === this.other ? "other" : "plain";
      if (this.hidden && kind === "plain") return;
      const name = d?.action === "set-category" ? d.value : b.class ?? "no class";
      const gone = d?.action === "drop" || (d?.action === "fix" && isMark);
      shown.push({ box: d?.action === "set-box" ? d.value : b.box, kind: gone ? "plain" : kind, label: `${name}${d ? ` · ${d.action}` : ""}`, colour: kind === "plain" ? this.colours[name] : undefined });
    });
    for (const m of this.marks) if (!this.image.boxes.some((b) => same(m, b.box))) shown.push({ box: m, kind: "mark", label: "" });
    for (const [, by] of this.decisions.by) for (const d of by.values()) {
      if (d.action === "add-box" && d.record?.image === this.image.path) shown.push({ box: d.value.bbox_xyxy, kind: "other", label: `${d.value.category} · new` });
    }
    if (this.edit) shown.push({ box: this.edit.box, kind: "mark", label: this.edit.isNew ? "new box" : "moved" });
    this.viewer.setBoxes(shown);
    this.element.classList.toggle("editing", Boolean(this.edit));
  }

  /** Pick the next box of the image; a key that comes before the image waits for it, and `isPicking` says so. */
  async select(step) {
    if (!this.image) {
      this.isPicking = true;
      await this.loaded();
      this.isPicking = false;
    }
    const n = this.image?.boxes.length ?? 0;
    if (!n) return;
    this.selected = (this.selected + step + n + (this.selected < 0 && step < 0 ? 1 : 0)) % n;
    this.draw();
    this.onpick(this.box);
  }

  /** Begin to change the selected box, or to draw a new one in the middle of what is seen. */
  begin(isNew) {
    if (!this.image) return false;
    if (!isNew && !this.box) return false;
    const { clientWidth: w, clientHeight: ht } = this.element;
    const [x1, y1] = this.viewer.toFrame(w * 0.35, ht * 0.35), [x2, y2] = this.viewer.toFrame(w * 0.65, ht * 0.65);
    this.edit = { isNew, box: isNew ? this.within([x1, y1, x2, y2]) : [...(this.decisions.of(this.subject?.(this.box) ?? "")?.value ?? this.box.box)] };
    if (this.edit.box.length !== 4 || !this.edit.box.every(Number.isFinite)) this.edit.box = this.within([x1, y1, x2, y2]);
    if (!isNew) this.edit.box = this.inside(this.edit.box);
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
    this.edit = null;
    this.draw();
    this.onedit(box, isNew);
  }

  cancel() {
    this.edit = null;
    this.draw();
  }

  down(event) {
    if (event.button > 0) return;
    const { x, y } = this.viewer.at(event), place = this.viewer.toFrame(x, y);
    if (!this.edit) {
      const inside = this.image?.boxes.map((b, k) => [b, k]).filter(([b]) => place[0] >= b.box[0] && place[0] <= b.box[2] && place[1] >= b.box[1] && place[1] <= b.box[3]) ?? [];
      this.clicked = inside.sort(([a], [b]) => area(a.box) - area(b.box))[0]?.[1];
      this.from = { x, y };
      return;
    }
    event.stopPropagation();
    this.element.setPointerCapture(event.pointerId);
    const b = this.edit.box, near = EDGE / this.viewer.scale;
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
    const { x, y } = this.viewer.at(event);
    if (this.from && Math.hypot(x - this.from.x, y - this.from.y) < 4 && this.clicked !== undefined) {
      this.selected = this.clicked;
      this.draw();
      this.onpick(this.box);
    }
    this.from = null;
  }

  /** Lay tiles of the full size over what is seen, where the whole image is too coarse. */
  moved() {
    if (!this.image?.frame || this.row === undefined) return;
    const [w, ht] = this.image.frame, coarse = WHOLE / Math.max(w, ht);
    if (coarse >= 1 || this.viewer.scale * devicePixelRatio <= coarse * 1.1) return void this.tiles.replaceChildren();
    const [x1, y1] = this.viewer.toFrame(0, 0), [x2, y2] = this.viewer.toFrame(this.element.clientWidth, this.element.clientHeight);
    const wanted = new Set();
    for (let x = Math.max(Math.floor(x1 / TILE), 0); x * TILE < Math.min(x2, w); x++) {
      for (let y = Math.max(Math.floor(y1 / TILE), 0); y * TILE < Math.min(y2, ht); y++) wanted.add(`tile/${this.row}/${x}/${y}`);
    }
    if (wanted.size > 60) return;
    for (const tile of [...this.tiles.children]) if (!wanted.delete(tile.dataset.src)) tile.remove();
    for (const src of wanted) {
      const [, , x, y] = src.split("/").map(Number), tile = h("img", { src, alt: "", dataset: { src } });
      Object.assign(tile.style, { left: `${(100 * x * TILE) / w}%`, top: `${(100 * y * TILE) / ht}%`, width: `${(100 * Math.min(TILE, w - x * TILE)) / w}%`, height: `${(100 * Math.min(TILE, ht - y * TILE)) / ht}%` });
      this.tiles.append(tile);
    }
  }
}

const area = (b) => (b[2] - b[0]) * (b[3] - b[1]);
const same = (a, b) => a.every((v, k) => Math.abs(v - b[k]) < 1e-6);
