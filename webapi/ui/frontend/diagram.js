// A process diagram where it is worth drawing:
//   <div class="diagram" data-diagram="/address/of/the.bpmn" data-at='["element", …]'></div>
// or, for a heat map, data-heat='{"element": 1 to 4}' and data-notes='{"element": "words"}',
// or, between two versions, data-marks='{"element": "added", "changed" or "removed"}' and data-notes,
// with, in the page's head, <link rel="stylesheet" href="{{ asset('dist/diagram.css') }}"> and this script, deferred.
// The page says the same in words beside it: a diagram is never the only place where something stands.
// A button with data-choose='["element", …]' chooses them wherever they are drawn; it stays hidden where they are not.
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";
import Viewer from "bpmn-js/lib/NavigatedViewer";

const LEGIBLE = 0.65;
const WORDS = { vi: ["Thu nhỏ", "Phóng to", "Xem cả sơ đồ"], en: ["Smaller", "Larger", "Show all"] };

Promise.all([...document.querySelectorAll("[data-diagram]")].map(draw)).then(choosing);

async function draw(place) {
  const answer = await fetch(place.dataset.diagram);
  if (!answer.ok) return place.remove();
  const viewer = new Viewer({ container: place });
  await viewer.importXML(await answer.text());
  const canvas = viewer.get("canvas");
  canvas.zoom("fit-viewport", "auto");
  place.append(tools(viewer));
  const drawn = (element) => viewer.get("elementRegistry").get(element);
  const marks = JSON.parse(place.dataset.marks || "{}");
  const at = JSON.parse(place.dataset.at || "[]").filter(drawn);
  for (const element of at) canvas.addMarker(element, "is-here");
  for (const [element, level] of Object.entries(JSON.parse(place.dataset.heat || "{}"))) {
    if (drawn(element)) canvas.addMarker(element, `is-heat-${level}`);
  }
  for (const [element, how] of Object.entries(marks)) if (drawn(element)) canvas.addMarker(element, `is-${how}`);
  for (const [element, words] of Object.entries(JSON.parse(place.dataset.notes || "{}"))) {
    if (!drawn(element)) continue;
    const note = Object.assign(document.createElement("div"), { className: "note", textContent: words });
    viewer.get("overlays").add(element, { position: { top: -12, right: 20 }, html: note, scale: { min: 0.9 } });
  }
  begin(canvas, [...at, ...Object.keys(marks)].map(drawn).filter((one) => one?.width));
  place.dataset.drawn = "true";
  return viewer;
}

// What it is about, large enough to be read, where all of it fits; else the whole diagram.
function begin(canvas, shapes) {
  if (!shapes.length || canvas.zoom() >= LEGIBLE) return;
  const { inner, outer } = canvas.viewbox();
  const [x, width] = span(shapes, inner, "x", "width", outer.width / LEGIBLE);
  const [y, height] = span(shapes, inner, "y", "height", outer.height / LEGIBLE);
  if (x !== undefined && y !== undefined) canvas.viewbox({ x, y, width, height });
}

// Along one axis: where to begin so that the shapes stand in the middle, and no more is empty at an edge than need be.
function span(shapes, inner, axis, side, seen) {
  const first = Math.min(...shapes.map((one) => one[axis]));
  const last = Math.max(...shapes.map((one) => one[axis] + one[side]));
  if (last - first > seen) return [];
  const room = [inner[axis] - 20, inner[axis] + inner[side] + 20 - seen].sort((a, b) => a - b);
  return [Math.min(Math.max((first + last - seen) / 2, room[0]), room[1]), seen];
}

// For whoever does not know the keys, or has none.
function tools(viewer) {
  const bar = Object.assign(document.createElement("div"), { className: "tools" });
  const words = WORDS[document.documentElement.lang] || WORDS.vi;
  const zoom = viewer.get("zoomScroll");
  const acts = [["−", () => zoom.stepZoom(-1)], ["+", () => zoom.stepZoom(1)], ["⛶", () => viewer.get("canvas").zoom("fit-viewport", "auto")]];
  acts.forEach(([sign, act], which) => {
    const button = Object.assign(document.createElement("button"), { type: "button", title: words[which], textContent: sign });
    button.setAttribute("aria-label", words[which]);
    button.addEventListener("click", act);
    bar.append(button);
  });
  return bar;
}

function choosing(drawn) {
  const viewers = drawn.filter(Boolean);
  for (const button of document.querySelectorAll("[data-choose]")) {
    const wanted = JSON.parse(button.dataset.choose);
    const found = viewers.map((viewer) => wanted.map((id) => viewer.get("elementRegistry").get(id)).filter(Boolean));
    const first = found.findIndex((elements) => elements.length);
    button.hidden = first < 0;
    button.addEventListener("click", () => {
      viewers.forEach((viewer, which) => choose(viewer, found[which]));
      viewers[first].get("canvas").getContainer().scrollIntoView({ block: "nearest" });
    });
  }
}

function choose(viewer, elements) {
  viewer.get("selection").select(elements);
  if (!elements.length) return;
  const canvas = viewer.get("canvas");
  if (canvas.zoom() < LEGIBLE) canvas.zoom(LEGIBLE);
  canvas.scrollToElement(elements[0], 60);
}
