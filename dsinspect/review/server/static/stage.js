// The image of the served app: fetched by its number, ahead of time where it can be, in tiles where it is large.

import { h } from "./dom.js";
import { BoxStage } from "./boxes.js";
import { api } from "./state.js";
import { extentOf } from "./viewer.js";

const TILE = 512, WHOLE = 1600;

export class Stage extends BoxStage {
  constructor(root, options) {
    const element = h("div", { className: "stage", tabIndex: 0, role: "application", "aria-label": "Image with its boxes; ? shows the keys" });
    root.append(element);
    super(element, { ...options, onmove: () => this.moved() });
    this.tiles = h("div", { className: "tiles" });
    this.viewer.image.after(this.tiles);
    this.none = h("p", { className: "none", hidden: true });
    element.append(this.none);
    this.cache = new Map();
  }

  /** Show an image; `marks` are what a finding is about, `other` the id of the annotation it lies on. */
  show(row, options = {}) {
    if (row !== this.drawn) {
      this.unset();
      this.drawn = null;
    }
    return (this.loading = this.showLoaded(row, options));
  }

  async showLoaded(row, { marks = [], isOwn, other = null, zoom = false, pick = null }) {
    const asked = (this.asked = (this.asked ?? 0) + 1);
    const image = await this.load(row), window = [0, 0, ...(image.frame ?? await sizeOf(`whole/${row}`))];
    if (asked !== this.asked) return;
    const isNew = this.drawn !== row;
    this.row = this.drawn = row;
    this.set(image, { marks, isOwn, other, selected: pick === null ? null : image.boxes.findIndex((b) => b.row === pick) });
    if (isNew) {
      this.tiles.replaceChildren();
      this.present(true);
      this.viewer.show({ src: `whole/${row}`, window, alt: image.path, boxes: [] });
    }
    this.draw();
    const shape = pick !== null ? this.box : image.boxes[this.own] ?? marks[0];
    if (zoom && shape) this.viewer.zoomTo(extentOf(shape), 0.35);
    else if (isNew || zoom) this.viewer.fit();
  }

  /** Show or hide what an image is shown in. */
  present(isThere, text = "") {
    this.viewer.inner.hidden = !isThere;
    this.none.hidden = isThere;
    this.none.textContent = text;
  }

  /** Show no image, and say why. */
  clear(text) {
    this.asked = (this.asked ?? 0) + 1;
    this.unset();
    Object.assign(this, { row: undefined, drawn: null });
    this.viewer.image.removeAttribute("src");
    this.viewer.image.alt = "";
    this.viewer.shown = false;
    this.tiles.replaceChildren();
    this.present(false, text);
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

  /** Pick the next box; a key that comes before the image waits for it, and `isPicking` says so. */
  async select(step) {
    if (!this.image) {
      this.isPicking = true;
      await this.loaded();
      this.isPicking = false;
    }
    super.select(step);
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

/** Return width and height of an image that the server could not measure; 1 and 1 where it does not come. */
async function sizeOf(src) {
  const image = h("img", { src });
  await image.decode().catch(() => {}); // the image on the stage shows that it did not come
  return [image.naturalWidth || 1, image.naturalHeight || 1];
}
