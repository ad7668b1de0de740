// An image that is zoomed and moved, with boxes over it. Places are in px of the image's own frame.

import { h, svg } from "./dom.js";

const MAX_SCALE = 64;
const FAR = 3; // images, to each side, that are shown of what lies outside
const LEAST = 24; // px of the image: a smaller box is shown as one of this size would be, for a point alone shows nothing

/** Return what is drawn of a ring of places, x, y, x, y, ...: closed, in px of the frame. */
const ringPath = (ring) => `M${ring.map((v, k) => `${k && k % 2 === 0 ? "L" : ""}${v}`).join(" ")}Z`;

/** Return what an annotation takes with its outline and its keypoints, as a box: what there is to look at. */
export function extentOf({ box, rings = [], points = [], rotated = false }) {
  const own = rotated ? [] : [[box[0], box[2]], [box[1], box[3]]];
  const [x, y] = [0, 1].map((axis) => [...(own[axis] ?? []), ...rings.flatMap((r) => r.filter((_, k) => k % 2 === axis)), ...points.filter((_, k) => k % 3 === axis)].filter(Number.isFinite));
  return x.length && y.length ? [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)] : box;
}

/**
 * Return an overlay of annotations, {box, rings, points, rotated, kind, colour}: a box is a rectangle, a rotated one the ring of its
 * corners, an outline a ring in its box, a keypoint a dot, as on contact sheets and in workbooks (render/drawing.py). `mark` ones
 * are what it is about, `other` the second of a pair, the rest thin.
 */
export function overlay(window, boxes) {
  const [left, top, right, bottom] = window;
  const made = svg("svg", { viewBox: `${left} ${top} ${right - left} ${bottom - top}`, preserveAspectRatio: "none", class: "boxes", "aria-hidden": "true" });
  const rank = { plain: 0, other: 1, mark: 2 };
  const line = (d, kind, colour, look = "") => { // a line of the colour of what it lies on is still seen: below it is a dark one
    const edge = svg("path", { d, "vector-effect": "non-scaling-stroke", class: `${kind} ${look}` });
    if (colour) edge.style.stroke = colour;
    made.append(svg("path", { d, "vector-effect": "non-scaling-stroke", class: `halo of-${kind} ${look}` }), edge);
  };
  for (const shape of [...boxes].sort((a, b) => rank[a.kind] - rank[b.kind])) {
    const { box, kind, colour, rings = [], points = [], rotated = false } = shape;
    const [x1, y1, x2, y2] = box, hasBox = box.every(Number.isFinite);
    if (hasBox && !rotated) line(`M${x1} ${y1}H${x2}V${y2}H${x1}Z`, kind, colour); // a box without area is a line
    for (const ring of rings) line(ringPath(ring), kind, colour, rotated ? "" : "outline");
    for (let k = 0; k + 2 < points.length; k += 3) line(`M${points[k]} ${points[k + 1]}h0`, kind, colour, points[k + 2] === 2 ? "point" : "point hidden");
    if (!hasBox) continue;
    if (kind === "mark" && Math.abs(x2 - x1) < 0.02 * (right - left) && Math.abs(y2 - y1) < 0.02 * (bottom - top)) { // too small to be seen
      const r = 0.07 * Math.min(right - left, bottom - top), cx = (x1 + x2) / 2, cy = (y1 + y2) / 2;
      made.append(svg("path", { d: `M${cx - r} ${cy}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`, "vector-effect": "non-scaling-stroke", class: "ring" }));
    }
  }
  return made;
}

export class Viewer {
  constructor(stage, { onmove } = {}) {
    this.stage = stage;
    this.onmove = onmove;
    this.image = h("img", { alt: "", draggable: false });
    this.labels = h("div", { className: "labels" });
    this.inner = h("div", { className: "inner" }, this.image, this.labels);
    stage.append(this.inner);
    this.pointers = new Map();
    stage.addEventListener("wheel", (e) => {
      e.preventDefault();
      const at = this.at(e);
      this.zoom(Math.exp(-e.deltaY * 0.0015), at.x, at.y);
    }, { passive: false });
    stage.addEventListener("pointerdown", (e) => this.down(e));
    stage.addEventListener("pointermove", (e) => this.moved(e));
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (e) => this.pointers.delete(e.pointerId));
    new ResizeObserver(() => this.shown && (this.touched ? this.draw() : this.fit())).observe(stage);
  }

  /** Show an image. Boxes: [{box, kind: mark|other|plain, label, colour}]. */
  show({ src, window, alt, boxes }) {
    this.window = window;
    this.touched = false;
    this.shown = true;
    this.image.src = src;
    this.image.alt = alt;
    this.setBoxes(boxes);
    this.fit();
  }

  setBoxes(boxes) {
    this.boxes = boxes;
    this.inner.querySelector("svg.boxes")?.remove();
    this.image.after(overlay(this.window, boxes));
    const [left, top, right, bottom] = this.window;
    this.labels.replaceChildren(...boxes.filter((b) => b.label && b.box.every(Number.isFinite)).map((b) => {
      const label = h("span", { className: `label ${b.kind}`, textContent: b.label });
      label.style.left = `${(100 * (Math.min(b.box[0], b.box[2]) - left)) / (right - left)}%`;
      label.style.top = `${(100 * (Math.min(b.box[1], b.box[3]) - top)) / (bottom - top)}%`;
      if (b.colour) label.style.borderColor = b.colour;
      return label;
    }));
  }

  at(event) {
    const place = this.stage.getBoundingClientRect();
    return { x: event.clientX - place.left, y: event.clientY - place.top };
  }

  /** Return the place of the frame under a place of the stage. */
  toFrame(x, y) {
    return [this.window[0] + (x - this.x) / this.scale, this.window[1] + (y - this.y) / this.scale];
  }

  fit() {
    this.touched = false;
    this.look([...this.window], 1);
  }

  /** Show a box with its surroundings; of one whose middle is outside the image, box and image, so that it is seen where it lies. */
  zoomTo(box, room = 0.45) {
    if (!box.every(Number.isFinite)) return this.fit();
    this.touched = true;
    const [left, top, right, bottom] = this.window, x = (box[0] + box[2]) / 2, y = (box[1] + box[3]) / 2;
    if (x > left && x < right && y > top && y < bottom) return this.look(box, room, LEAST);
    this.look(this.withBox(box), 0.9);
  }

  /** Return image and box; of what is farther out than `FAR` images only that it is there. */
  withBox(box) {
    const [left, top, right, bottom] = this.window, w = FAR * (right - left), ht = FAR * (bottom - top);
    const near = (v, low, high) => Math.min(Math.max(v, low), high);
    return [near(Math.min(box[0], box[2], left), left - w, left), near(Math.min(box[1], box[3], top), top - ht, top),
      near(Math.max(box[0], box[2], right), right, right + w), near(Math.max(box[1], box[3], bottom), bottom, bottom + ht)];
  }

  /** Show the whole image, and a box where it reaches out of it. */
  fitWith(box) {
    const both = box?.every(Number.isFinite) ? this.withBox(box) : this.window;
    if (both.every((v, k) => v === this.window[k])) return;
    this.touched = true;
    this.look(both, 0.9);
  }

  look(box, room, least = 1) {
    const { clientWidth: width, clientHeight: height } = this.stage;
    const w = Math.max(Math.abs(box[2] - box[0]), least), ht = Math.max(Math.abs(box[3] - box[1]), least);
    this.scale = Math.min((width * room) / w, (height * room) / ht, MAX_SCALE);
    this.x = width / 2 - ((box[0] + box[2]) / 2 - this.window[0]) * this.scale;
    this.y = height / 2 - ((box[1] + box[3]) / 2 - this.window[1]) * this.scale;
    this.draw();
  }

  zoom(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    const scale = Math.min(Math.max(this.scale * factor, 0.02), MAX_SCALE), by = scale / this.scale;
    this.x = x - (x - this.x) * by;
    this.y = y - (y - this.y) * by;
    this.scale = scale;
    this.touched = true;
    this.draw();
  }

  pan(x, y) {
    this.x += x;
    this.y += y;
    this.touched = true;
    this.draw();
  }

  draw() {
    const [left, top, right, bottom] = this.window, s = this.inner.style;
    s.left = `${this.x}px`;
    s.top = `${this.y}px`;
    s.width = `${(right - left) * this.scale}px`;
    s.height = `${(bottom - top) * this.scale}px`;
    this.inner.classList.toggle("blocks", this.scale > 3);
    this.onmove?.();
  }

  down(event) {
    if (event.button > 0 || event.target.closest("button")) return;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.at(event));
  }

  moved(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    const now = this.at(event);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
    if (others.length) {
      const [o] = others, was = Math.hypot(last.x - o.x, last.y - o.y) || 1;
      this.zoom(Math.hypot(now.x - o.x, now.y - o.y) / was, o.x, o.y);
    } else this.pan(now.x - last.x, now.y - last.y);
    this.pointers.set(event.pointerId, now);
  }

  /** Take a key that moves the image; say whether it was one. */
  key(name) {
    const step = 60;
    const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (name in moves) this.pan(...moves[name]);
    else if (name === "+" || name === "=") this.zoom(1.3);
    else if (name === "-") this.zoom(1 / 1.3);
    else if (name === "0") this.fit();
    else return false;
    return true;
  }
}
