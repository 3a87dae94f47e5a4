// What the drawing board offers to add: what our engine runs, and a step for people where BPMN would draw a bare "task";
// and room for a step that is dropped between two others. What is refused is in docs/elements.md.
import { getMid } from "diagram-js/lib/layout/LayoutUtil";

const REFUSED = /^replace-with-(task|manual-task|complex-gateway|transaction|.*ad-hoc.*|compensation-.*|cancel-.*|.*data-.*)$|^toggle-participant/;
const BEGINNINGS = /^replace-with-(timer|conditional|signal)-start$/; // they begin an event subprocess, never a case
const NO_EFFECT = ["create.data-object", "create.data-store"];
const GAP = 50; // between two steps, as bpmn-js places them itself

class Offering {
  constructor(palette, contextPad, popupMenu, create, autoPlace, elementFactory, translate) {
    const step = () => elementFactory.createShape({ type: "bpmn:UserTask" });
    const drag = (event, element) => create.start(event, step(), element && { source: element });
    const person = (entry, title, actions) => ({ ...entry, className: "bpmn-icon-user-task", title: translate(title), action: actions });
    palette.registerProvider(500, { // after bpmn-js's own
      getPaletteEntries: () => (entries) => {
        for (const name of NO_EFFECT) delete entries[name];
        return { ...entries, "create.task": person(entries["create.task"], "Create task", { click: drag, dragstart: drag }) };
      },
    });
    contextPad.registerProvider(500, {
      getContextPadEntries: () => (entries) => {
        const append = entries["append.append-task"];
        if (!append) return entries;
        const at = { click: (_, element) => autoPlace.append(element, step()), dragstart: drag };
        return { ...entries, "append.append-task": person(append, "Append task", at) };
      },
    });
    popupMenu.registerProvider("bpmn-replace", 500, {
      getPopupMenuEntries: (element) => (entries) => offered(entries, element),
      getPopupMenuHeaderEntries: (element) => (entries) => offered(entries, element),
    });
  }
}
Offering.$inject = ["palette", "contextPad", "popupMenu", "create", "autoPlace", "elementFactory", "translate"];

function offered(entries, element) {
  const inside = element.parent?.businessObject.triggeredByEvent;
  const names = Object.keys(entries).filter((name) => !REFUSED.test(name) && (inside || !BEGINNINGS.test(name)));
  return Object.fromEntries(names.map((name) => [name, entries[name]]));
}

// A step dropped on a flow between two that stand close together: what is to the right moves on.
class Room {
  constructor(eventBus, canvas, spaceTool, modeling) {
    eventBus.on("commandStack.shape.create.postExecuted", 100, ({ context }) => { // once bpmn-js has put it into the flow
      const { shape } = context.context || context;
      const before = shape.incoming[0]?.source;
      const after = shape.outgoing[0]?.target;
      if (!before || !after) return;
      const end = before.x + before.width;
      const lacking = end + shape.width + 2 * GAP - after.x;
      if (after.x < end || lacking <= 0) return; // not from left to right, or wide enough
      const all = [canvas.getRootElement(), ...everything(canvas.getRootElement())];
      const { movingShapes, resizingShapes } = spaceTool.calculateAdjustments(all, "x", lacking, end + 1);
      const others = movingShapes.filter((one) => one !== shape && one !== shape.label);
      spaceTool.makeSpace(others, resizingShapes, { x: lacking, y: 0 }, "e", end + 1);
      modeling.moveShape(shape, { x: end + GAP - shape.x, y: 0 });
      for (const flow of [shape.incoming[0], shape.outgoing[0]]) {
        const [start, end] = [getMid(flow.source), getMid(flow.target)];
        modeling.layoutConnection(flow, { waypoints: [start, end], connectionStart: start, connectionEnd: end });
      }
    });
  }
}
Room.$inject = ["eventBus", "canvas", "spaceTool", "modeling"];

function everything(element) {
  return (element.children || []).flatMap((one) => [one, ...everything(one)]);
}

export const offering = { __init__: ["offering", "room"], offering: ["type", Offering], room: ["type", Room] };
