// A process diagram where it is worth drawing:
//   <div class="diagram" data-diagram="/address/of/the.bpmn" data-at='["element", …]'></div>
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
  for (const element of JSON.parse(place.dataset.at || "[]")) {
    if (viewer.get("elementRegistry").get(element)) canvas.addMarker(element, "is-here");
  }
  place.dataset.drawn = "true";
}
