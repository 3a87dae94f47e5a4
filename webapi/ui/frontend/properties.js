// Our fields in the properties panel: whose task it is, its form, its deadline, its table, what a citizen is told.
// What they offer comes from the rest of the package (data-offers); they write plain camunda: attributes and properties.
import { h } from "@bpmn-io/properties-panel/preact";
import { SelectEntry, TextFieldEntry } from "@bpmn-io/properties-panel";
import { useService } from "bpmn-js-properties-panel";

// What our engine does not read, or our own fields write.
const HIDDEN = /UserAssignment|Asynchronous|JobExecution|CandidateStarter|FieldInjection|HistoryCleanup|Tasklist|ProcessVariables|FormData|BusinessKey|CamundaPlatform__Form$|Listener|Connector|StartInitiator|Implementation|ExternalTask/;

const OPEN = /Condition|Script$|timer$/;
const BY_CONVENTION = new Set(["ours-group", "ours-form", "ours-term"]); // the lane's, the one named like the task

export function ourFields(offers, words) {
  class OurFields {
    constructor(propertiesPanel, bpmnFactory, modeling) {
      this.write = { bpmnFactory, modeling };
      propertiesPanel.registerProvider(500, this); // after the others: what the engine does not read is taken out
    }

    getGroups(element) {
      return (groups) => {
        const seen = groups.filter((group) => !HIDDEN.test(group.id));
        for (const group of seen) if (OPEN.test(group.id)) group.shouldOpen = true;
        const fields = fieldsOf(element, offers, this.write);
        if (fields.length) {
          const at = seen.findIndex((group) => group.id !== "general");
          seen.splice(at < 0 ? seen.length : at, 0, { id: "ours", label: words("Our fields"), entries: fields, shouldOpen: true });
        }
        return seen;
      };
    }
  }
  OurFields.$inject = ["propertiesPanel", "bpmnFactory", "modeling"];
  return { __init__: ["ourFields"], ourFields: ["type", OurFields] };
}

// Which fields an element has: [id, label, what it offers (or how it is written), how it is read and kept]
function fieldsOf(element, offers, write) {
  const object = element.businessObject;
  const is = (...types) => types.some((type) => object.$instanceOf(`bpmn:${type}`));
  const fields = [];
  const add = (id, label, options, place) => fields.push(field(element, id, label, options, place, write));
  if (is("UserTask")) {
    add("group", "Agency", offers.groups, attribute("camunda:candidateGroups"));
    add("form", "Form", offers.forms, attribute("camunda:formKey"));
    add("term", "Deadline", offers.terms, property("term"));
  }
  if (is("BusinessRuleTask")) {
    add("decision", "Decision table", offers.decisions, attribute("camunda:decisionRef"));
    add("result", "Result", [["singleResult", "singleResult"], ["singleEntry", "singleEntry"], ["collectEntries", "collectEntries"], ["resultList", "resultList"]], attribute("camunda:mapDecisionResult"));
    add("variable", "Result variable", "line", attribute("camunda:resultVariable"));
  }
  if (is("CallActivity")) add("called", "Called process", offers.processes, attribute("calledElement"));
  if (is("SendTask", "ServiceTask")) add("topic", "Service", "line", service);
  if (is("SendTask")) {
    add("text", "Text sent", offers.texts, property("text"));
    add("to", "Recipient", "line", property("to"));
  }
  if (is("FlowNode")) {
    add("status", "Status", offers.statuses, property("status"));
    add("outcome", "Outcome", offers.outcomes, property("outcome"));
  }
  return fields;
}

function field(element, id, label, options, place, write) {
  const component = options === "line" ? Line : Choice;
  const value = place.read(element.businessObject);
  return { id: `ours-${id}`, component, label, options, place, write, isEdited: () => Boolean(value) };
}

function common({ element, id, label, place, write }) {
  const translate = useService("translate");
  return {
    element, id, label: translate(label), debounce: useService("debounceInput"),
    getValue: () => place.read(element.businessObject) || "",
    setValue: (value) => place.keep(element, value || undefined, write),
  };
}

function Choice(props) {
  const translate = useService("translate");
  const { element, id, options, place } = props;
  const now = place.read(element.businessObject);
  const known = options.map(([value, words]) => ({ value, label: words === value ? value : `${words} (${value})` }));
  const other = now && !options.some(([value]) => value === now) ? [{ value: now, label: now }] : [];
  return h(SelectEntry, { ...common(props), getOptions: () => [{ value: "", label: translate(BY_CONVENTION.has(id) ? "(by convention)" : "(none)") }, ...other, ...known] });
}

function Line(props) { return h(TextFieldEntry, common(props)); }

// -- where a field is kept

const attribute = (name) => ({
  read: (object) => object.get(name),
  keep: (element, value, { modeling }) => modeling.updateProperties(element, { [name]: value }),
});

const service = {
  read: (object) => object.get("camunda:topic"),
  keep: (element, value, { modeling }) =>
    modeling.updateProperties(element, { "camunda:type": value && "external", "camunda:topic": value }),
};

// one of the camunda:properties of an element
const property = (name) => ({
  read: (object) => list(object).find((one) => one.name === name)?.value,
  keep(element, value, { modeling, bpmnFactory }) {
    const object = element.businessObject;
    const others = list(object).filter((one) => one.name !== name).map((one) => ["camunda:Property", { name: one.name, value: one.value }]);
    const at = list(object).findIndex((one) => one.name === name);
    if (value) others.splice(at < 0 ? others.length : at, 0, ["camunda:Property", { name, value }]);
    const kept = (object.extensionElements?.values || []).filter((one) => one.$type !== "camunda:Properties");
    const extension = bpmnFactory.create("bpmn:ExtensionElements", { values: [] });
    if (others.length) {
      const properties = bpmnFactory.create("camunda:Properties", { values: [] });
      properties.values = others.map(([type, values]) => Object.assign(bpmnFactory.create(type, values), { $parent: properties }));
      properties.$parent = extension;
      extension.values.push(properties);
    }
    for (const one of kept) extension.values.push(Object.assign(one, { $parent: extension }));
    extension.$parent = object;
    modeling.updateProperties(element, { extensionElements: extension.values.length ? extension : undefined });
  },
});

function list(object) {
  const found = (object.extensionElements?.values || []).find((one) => one.$type === "camunda:Properties");
  return found?.values || [];
}
