// A process diagram that can be changed: bpmn-js with its properties panel and our fields in it.
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";
import "bpmn-js/dist/assets/bpmn-font/css/bpmn-embedded.css";
import "@bpmn-io/properties-panel/assets/properties-panel.css";
import "bpmn-js-token-simulation/assets/css/bpmn-js-token-simulation.css";
import "./modeler.css";
import Modeler from "bpmn-js/lib/Modeler";
import {
  BpmnPropertiesPanelModule, BpmnPropertiesProviderModule, CamundaPlatformPropertiesProviderModule,
} from "bpmn-js-properties-panel";
import TokenSimulation from "bpmn-js-token-simulation";
import CamundaBehaviors from "camunda-bpmn-js-behaviors/lib/camunda-platform";
import camunda from "camunda-bpmn-moddle/resources/camunda.json";
import { asText, board, editing, unchangedOr } from "./editing.js";
import { offering } from "./offering.js";
import { ourFields } from "./properties.js";
import { simulating } from "./simulating.js";
import { translation } from "./translation.js";

open(document.getElementById("editor"));

async function open(form) {
  const place = board(form);
  const canvas = place.appendChild(Object.assign(document.createElement("div"), { className: "canvas" }));
  const panel = place.appendChild(Object.assign(document.createElement("div"), { className: "panel" }));
  const { translate, words } = translation(form.dataset.language);
  const modeler = new Modeler({
    container: canvas,
    propertiesPanel: { parent: panel },
    additionalModules: [
      BpmnPropertiesPanelModule, BpmnPropertiesProviderModule, CamundaPlatformPropertiesProviderModule, CamundaBehaviors,
      TokenSimulation, offering, ourFields(JSON.parse(form.dataset.offers), words), translate,
    ],
    moddleExtensions: { camunda },
  });
  try {
    await modeler.importXML(form.elements.text.value);
  } catch { return asText(form); } // the gate says what is wrong with it
  legible(modeler.get("canvas"));
  canvas.append(tools(modeler, words));
  undoing(modeler);
  simulating(modeler, words, canvas);
  await shown();
  const opened = form.elements.text.value;
  const written = await unchangedOr(form.elements.text, async () => (await modeler.saveXML({ format: true })).xml);
  const text = async () => (modeler.get("commandStack").canUndo() ? written() : opened); // undoing may leave another order
  const page = editing(form, { text, marks: marking(modeler), select: selecting(modeler) });
  modeler.on("commandStack.changed", () => page.changed());
  form.dataset.opened = "true";
}

// A large diagram begins at its beginning, large enough to be read; a small one is shown whole.
const SMALL = 0.7;
const LEGIBLE = 0.8;
const PALETTE = 130; // pixels that the palette covers
const EDGE = 20; // and what is left free around a diagram

function legible(canvas) {
  if (fitting(canvas) >= SMALL) return whole(canvas);
  const { inner, outer } = canvas.viewbox();
  const [width, height] = [outer.width / LEGIBLE, outer.height / LEGIBLE];
  canvas.viewbox({ x: inner.x - PALETTE / LEGIBLE, y: inner.y - 30, width, height });
}

function whole(canvas) { // beside the palette
  const scale = fitting(canvas);
  const { inner, outer } = canvas.viewbox();
  const [width, height] = [outer.width / scale, outer.height / scale];
  canvas.viewbox({ x: inner.x - (PALETTE + EDGE) / scale, y: inner.y - (height - inner.height) / 2, width, height });
}

function fitting(canvas) {
  const { inner, outer } = canvas.viewbox();
  return Math.min((outer.width - PALETTE - 2 * EDGE) / inner.width, (outer.height - 2 * EDGE) / inner.height, 1);
}

// For whoever does not know the keys, or has none.
function tools(modeler, words) {
  const bar = Object.assign(document.createElement("div"), { className: "tools" });
  const canvas = modeler.get("canvas");
  const actions = modeler.get("editorActions"); // which does nothing while a diagram is simulated
  const add = (label, sign, act) => {
    const button = Object.assign(document.createElement("button"), { type: "button", title: words(label), textContent: sign });
    button.setAttribute("aria-label", words(label));
    button.addEventListener("click", act);
    bar.append(button);
  };
  add("Undo", "↶", () => actions.trigger("undo"));
  add("Redo", "↷", () => actions.trigger("redo"));
  add("Smaller", "−", () => modeler.get("zoomScroll").stepZoom(-1));
  add("Larger", "+", () => modeler.get("zoomScroll").stepZoom(1));
  add("Show all", "⛶", () => whole(canvas));
  return bar;
}

// The keys that undo work beside the diagram, too: after something was chosen in the panel, or in what the gate says.
function undoing(modeler) {
  document.addEventListener("keydown", (event) => {
    const writes = event.target.closest("input, textarea, [contenteditable]"); // has an undo of its own
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || !"zy".includes(key) || event.defaultPrevented || writes) return;
    event.preventDefault();
    modeler.get("editorActions").trigger(key === "y" || event.shiftKey ? "redo" : "undo");
  });
}

// The panel hears of what is selected once it has been drawn, which it does after the browser has.
function shown() {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return frame().then(frame);
}

// What the gate says stands on the element it is about.
function marking(modeler) {
  const canvas = modeler.get("canvas");
  const drawn = modeler.get("elementRegistry");
  let marked = [];
  return (faults) => {
    modeler.get("overlays").remove({ type: "fault" });
    for (const [element, marker] of marked) if (drawn.get(element)) canvas.removeMarker(element, marker);
    marked = [];
    const here = new Map();
    for (const fault of faults) if (drawn.get(fault.element)) here.set(fault.element, [...(here.get(fault.element) || []), fault]);
    for (const [element, found] of here) {
      const worst = found.some((one) => one.severity === "error") ? "error" : "warning";
      const note = Object.assign(document.createElement("div"), {
        className: `fault-note is-${worst}`, textContent: String(found.length), title: found.map((one) => one.words).join("\n"),
      });
      const corner = drawn.get(element).waypoints ? { top: -8, left: -8 } : { top: -12, right: 12 };
      modeler.get("overlays").add(element, "fault", { position: corner, html: note });
      canvas.addMarker(element, `has-${worst}`);
      marked.push([element, `has-${worst}`]);
    }
  };
}

function selecting(modeler) {
  return (id) => {
    const element = modeler.get("elementRegistry").get(id);
    if (!element) return false;
    modeler.get("selection").select(element);
    modeler.get("canvas").scrollToElement(element, 120);
    modeler.get("canvas").getContainer().scrollIntoView({ block: "nearest" });
    return true;
  };
}
