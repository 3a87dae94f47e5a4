// Decision tables that can be changed: dmn-js.
import "dmn-js/dist/assets/diagram-js.css";
import "dmn-js/dist/assets/dmn-js-shared.css";
import "dmn-js/dist/assets/dmn-js-drd.css";
import "dmn-js/dist/assets/dmn-js-decision-table.css";
import "dmn-js/dist/assets/dmn-js-decision-table-controls.css";
import "dmn-js/dist/assets/dmn-js-literal-expression.css";
import "dmn-js/dist/assets/dmn-font/css/dmn-embedded.css";
import "./tables.css";
import Modeler from "dmn-js/lib/Modeler";
import { asText, board, editing, unchangedOr } from "./editing.js";
import { translation } from "./translation.js";

open(document.getElementById("editor"));

async function open(form) {
  const place = board(form);
  const own = { additionalModules: [translation(form.dataset.language).translate] };
  const tables = new Modeler({ container: place, drd: own, decisionTable: own, literalExpression: own });
  try {
    await tables.importXML(form.elements.text.value);
  } catch { return asText(form); } // the gate says what is wrong with it
  const decisions = tables.getViews().filter((view) => view.type === "decisionTable");
  if (decisions.length === 1) await tables.open(decisions[0]); // else the drawing of how they hang together
  const text = await unchangedOr(form.elements.text, async () => (await tables.saveXML({ format: true })).xml);
  const page = editing(form, { text });
  let watched;
  const watch = () => {
    const viewer = tables.getActiveViewer();
    if (viewer && viewer !== watched) viewer.on("commandStack.changed", () => page.changed());
    if (viewer && tables.getActiveView().type === "drd") beside(viewer.get("canvas"));
    watched = viewer;
    for (const corner of place.querySelectorAll("th.index-column")) corner.setAttribute("role", "cell"); // it heads nothing
  };
  tables.on("views.changed", watch);
  watch();
  form.dataset.opened = "true";
}

// The drawing of how tables hang together begins beside the palette and below its name.
function beside(canvas) {
  const { inner, outer } = canvas.viewbox();
  canvas.viewbox({ x: inner.x - 110, y: inner.y - 120, width: outer.width, height: outer.height });
}
