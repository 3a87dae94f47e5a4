// A form as a list of its questions, which writes into the same text: what it does not know stays as it is.
import { translation } from "./translation.js";

const KINDS = {
  textfield: "Line of text", textarea: "Text", number: "Number", datetime: "Date or time", checkbox: "Yes or no",
  radio: "One of several", select: "One of a list", checklist: "Several of several", taglist: "Several of a list",
  filepicker: "Files", text: "Words", separator: "Line",
};
const OFFERING = ["radio", "select", "checklist", "taglist"];
const TEXTS = ["textfield", "textarea"];
const SHOWN = ["text", "separator"];

export function questions(form, changed) {
  const source = form.querySelector("[data-source]");
  const field = form.elements.text;
  const { words } = translation(form.dataset.language);
  const place = make("div", { className: "questions" });
  const toggle = make("button", { type: "button", className: "second" });
  source.before(make("div", { className: "bar" }, [toggle]), place);
  let content;
  let open; // the component whose fields are shown

  toggle.addEventListener("click", () => (place.hidden ? begin() : asText()));
  begin();

  function begin() {
    try {
      content = JSON.parse(field.value);
      content.components ??= [];
    } catch { return asText(); }
    place.hidden = false;
    source.hidden = true;
    toggle.textContent = words("As text");
    draw();
  }

  function asText() {
    place.hidden = true;
    source.hidden = false;
    toggle.textContent = words("As questions");
  }

  function write() {
    field.value = JSON.stringify(content, null, 2) + (field.defaultValue.endsWith("\n") ? "\n" : "");
    changed();
  }

  function draw() {
    place.replaceChildren(...rows(content.components), adding());
  }

  function rows(components) {
    return components.map((one, at) => row(one, components, at));
  }

  function row(one, components, at) {
    const title = make("summary", {}, [named(one), make("span", { className: "quiet", textContent: ` ${words(KINDS[one.type] || one.type)}` })]);
    const details = make("details", { className: "asked", open: one === open }, [title, ...fields(one, title), buttons(components, at)]);
    if (one.components) details.append(make("div", { className: "inside" }, rows(one.components)));
    details.addEventListener("toggle", (event) => { if (event.target === details && details.open) open = one; });
    return details;
  }

  function named(one) {
    return make("strong", { textContent: one.label || one.text || one.key || one.id || "–" });
  }

  function fields(one, title) {
    const renew = () => { title.firstChild.replaceWith(named(one)); write(); };
    const add = (label, path, more = {}) => input(words(label), read(one, path), (value) => { put(one, path, value); renew(); }, more);
    if (SHOWN.includes(one.type)) return one.type === "text" ? [add("Words", ["text"], { many: true }), hidden()] : [hidden()];
    const shown = [
      add("Question", ["label"]), add("Key", ["key"], { pattern: "[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)*" }),
      kind(one), required(one), add("Hint", ["description"]),
    ];
    if (OFFERING.includes(one.type) && !one.valuesKey && !one.valuesExpression) shown.push(options(one));
    if (TEXTS.includes(one.type)) shown.push(add("Longest", ["validate", "maxLength"], { number: true }));
    if (one.type === "number") shown.push(add("Least", ["validate", "min"], { number: true }), add("Most", ["validate", "max"], { number: true }));
    return [...shown, hidden()];
    function hidden() { return add("Hidden when", ["conditional", "hide"], { placeholder: '=ket_qua != "khac"' }); }
  }

  function input(label, value, keep, { many, number, ...more }) {
    const control = make(many ? "textarea" : "input", { value: value ?? "", ...more, ...(number && { type: "number", step: "any" }) });
    control.addEventListener("input", () => keep(control.value === "" ? undefined : number ? Number(control.value) : control.value));
    return make("label", {}, [label, control]);
  }

  function kind(one) {
    const offered = Object.entries(KINDS).filter(([type]) => !SHOWN.includes(type));
    const choice = make("select", {}, offered.map(([type, label]) => new Option(words(label), type, false, type === one.type)));
    if (!KINDS[one.type]) choice.append(new Option(one.type, one.type, false, true));
    choice.addEventListener("change", () => {
      one.type = choice.value;
      if (OFFERING.includes(one.type)) one.values ??= [{ label: words("Yes"), value: "co" }];
      else delete one.values;
      write();
      draw();
    });
    return make("label", {}, [words("Kind"), choice]);
  }

  function required(one) {
    const tick = make("input", { type: "checkbox", checked: Boolean(one.validate?.required) });
    tick.addEventListener("change", () => { put(one, ["validate", "required"], tick.checked || undefined); write(); });
    return make("label", { className: "tick" }, [tick, make("span", { textContent: words("Has to be answered") })]);
  }

  // one in each line: value = words
  function options(one) {
    const lines = (one.values || []).map((option) => `${option.value} = ${option.label}`).join("\n");
    const before = new Map((one.values || []).map((option) => [String(option.value), option]));
    return input(words("Options: value = words, one in each line"), lines, (text) => {
      one.values = (text || "").split("\n").filter((line) => line.trim()).map((line) => {
        const [value, ...label] = line.split("=");
        const known = before.get(value.trim());
        return { ...known, label: label.join("=").trim() || value.trim(), value: known ? known.value : value.trim() };
      });
      write();
    }, { many: true, rows: 5 });
  }

  function buttons(components, at) {
    const move = (by) => () => {
      const [one] = components.splice(at, 1);
      components.splice(at + by, 0, one);
      write();
      draw();
    };
    const leave = () => { components.splice(at, 1); write(); draw(); };
    return make("div", { className: "bar" }, [
      button("Up", move(-1), at === 0), button("Down", move(1), at === components.length - 1), button("Leave out", leave),
    ]);
  }

  function adding() {
    const choice = make("select", {}, Object.entries(KINDS).map(([type, label]) => new Option(words(label), type)));
    choice.setAttribute("aria-label", words("Kind"));
    const add = () => {
      const key = fresh(content.components);
      open = { label: words("New question"), type: choice.value, key, id: `Truong_${key}` };
      if (choice.value === "text") open = { text: words("Words"), type: "text", id: `Loi_${key}` };
      if (choice.value === "separator") open = { type: "separator", id: `Ke_${key}` };
      if (choice.value === "datetime") open.subtype = "date";
      if (OFFERING.includes(choice.value)) open.values = [{ label: words("Yes"), value: "co" }];
      content.components.push(open);
      write();
      draw();
    };
    return make("div", { className: "bar" }, [choice, button("Add a question", add)]);
  }

  function button(label, act, disabled = false) {
    const made = make("button", { type: "button", className: "second", textContent: words(label), disabled });
    made.addEventListener("click", act);
    return made;
  }
}

function make(tag, values, inside = []) {
  const made = Object.assign(document.createElement(tag), values);
  made.append(...inside);
  return made;
}

const read = (one, path) => path.reduce((value, name) => value?.[name], one);

function put(one, path, value) {
  const [last, ...above] = [...path].reverse();
  const inside = above.reverse().reduce((place, name) => (place[name] ??= {}), one);
  if (value === undefined) delete inside[last];
  else inside[last] = value;
  if (above.length && !Object.keys(inside).length) delete one[above[0]];
}

function fresh(components) {
  const taken = new Set(components.flatMap((one) => [one.key, one.id]));
  let number = components.length + 1;
  while (taken.has(`cau_${number}`) || taken.has(`Truong_cau_${number}`)) number += 1;
  return `cau_${number}`;
}
