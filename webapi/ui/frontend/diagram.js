// A process diagram where it is worth drawing:
//   <div class="diagram" data-diagram="/address/of/the.bpmn" data-at='["element", …]'></div>
// or, for a heat map, data-heat='{"element": 1 to 4}' and data-notes='{"element": "words"}',
// with, in the page's head, <link rel="stylesheet" href="{{ asset('dist/diagram.css') }}"> and this script, deferred.
// The page says the same in words beside it: a diagram is never the only place where something stands.
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";
import Viewer from "bpmn-js/lib/NavigatedViewer";

for (const place of document.querySelectorAll("[data-diagram]")) draw(place);

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
  for (const [element, words] of Object.entries(JSON.parse(place.dataset.notes || "{}"))) {
    if (!drawn(element)) continue;
    const note = Object.assign(document.createElement("div"), { className: "note", textContent: words });
    viewer.get("overlays").add(element, { position: { top: -12, right: 20 }, html: note });
  }
  place.dataset.drawn = "true";
}
