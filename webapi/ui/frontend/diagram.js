// A process diagram where it is worth drawing:
//   <div class="diagram" data-diagram="/address/of/the.bpmn" data-at='["element", …]'></div>
// with buttons to come nearer, if it says what they are called: data-zooms='{"nearer": …, "farther": …, "whole": …}';
// or, for a heat map, data-heat='{"element": 1 to 4}' and data-notes='{"element": "words"}',
// or, between two versions, data-marks='{"element": "added", "changed" or "removed"}' and data-notes,
// with, in the page's head, <link rel="stylesheet" href="{{ asset('dist/diagram.css') }}"> and this script, deferred.
// The page says the same in words beside it: a diagram is never the only place where something stands.
// A button with data-choose='["element", …]' chooses them wherever they are drawn; it stays hidden where they are not.
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";
import Viewer from "bpmn-js/lib/NavigatedViewer";

const LEGIBLE = 0.65;

Promise.all([...document.querySelectorAll("[data-diagram]")].map(draw)).then(choosing);

async function draw(place) {
  const answer = await fetch(place.dataset.diagram);
  if (!answer.ok) return place.remove();
  const viewer = new Viewer({ container: place });
  await viewer.importXML(await answer.text());
  const canvas = viewer.get("canvas");
  canvas.zoom("fit-viewport", "auto");
  const drawn = (element) => viewer.get("elementRegistry").get(element);
  for (const element of JSON.parse(place.dataset.at || "[]").filter(drawn)) canvas.addMarker(element, "is-here");
  for (const [element, level] of Object.entries(JSON.parse(place.dataset.heat || "{}"))) {
    if (drawn(element)) canvas.addMarker(element, `is-heat-${level}`);
  }
  for (const [element, how] of Object.entries(JSON.parse(place.dataset.marks || "{}"))) {
    if (drawn(element)) canvas.addMarker(element, `is-${how}`);
  }
  for (const [element, words] of Object.entries(JSON.parse(place.dataset.notes || "{}"))) {
    if (!drawn(element)) continue;
    const note = Object.assign(document.createElement("div"), { className: "note", textContent: words });
    viewer.get("overlays").add(element, { position: { top: -12, right: 20 }, html: note });
  }
  if (place.dataset.zooms) place.append(zooms(place, viewer));
  place.dataset.drawn = "true";
  return viewer;
}

// A whole process is too small to read, and not everybody has a wheel to turn: what is here stays in sight.
function zooms(place, viewer) {
  const words = JSON.parse(place.dataset.zooms), canvas = viewer.get("canvas"), bar = document.createElement("div");
  const here = JSON.parse(place.dataset.at || "[]").map((id) => viewer.get("elementRegistry").get(id)).find(Boolean);
  const near = (factor) => {
    canvas.zoom(canvas.zoom() * factor, "auto");
    if (here && factor > 1) canvas.scrollToElement(here, 60);
  };
  bar.className = "zooms";
  for (const [word, sign, act] of [
    [words.nearer, "+", () => near(1.5)],
    [words.farther, "−", () => near(1 / 1.5)],
    [words.whole, "⛶", () => canvas.zoom("fit-viewport", "auto")],
  ]) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: sign, title: word });
    button.setAttribute("aria-label", word);
    button.addEventListener("click", act);
    bar.append(button);
  }
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
