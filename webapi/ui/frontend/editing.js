// What every editor of a file has in common. The page works without it: a text area, a button, what the gate says.
//   const form = document.getElementById("editor");
//   const page = editing(form, { text: async () => …, marks: (faults) => …, select: (element) => … });
//   page.changed() whenever something was changed
// `text` gives the file as it is now: the very text that was there, where nothing was changed.
export function editing(form, editor) {
  const field = form.elements.text;
  let kept = field.value; // as it was saved last
  let sent;
  let writing = false;
  const unsaved = () => form.toggleAttribute("data-unsaved", field.value !== kept);
  const look = () => document.getElementById("verdict").scrollIntoView({ block: "nearest" });

  document.addEventListener("submit", async (event) => { // before htmx hears of it
    if (event.target !== form || writing) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    field.value = await editor.text();
    await new Promise((done) => setTimeout(done)); // a form that is just telling of a click on its button sends nothing
    writing = true;
    sent = field.value;
    if (!window.htmx) kept = sent;
    form.requestSubmit();
    writing = false;
  }, true);
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    form.requestSubmit();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "verdict") return;
    if (document.querySelector("#verdict .refusal")) look();
    else kept = sent;
    unsaved();
    editor.marks?.(faults(form));
  });
  for (const failed of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failed, () => {
      const words = Object.assign(document.createElement("p"), { className: "refusal", textContent: form.dataset.failed });
      words.setAttribute("role", "alert");
      document.querySelectorAll("#verdict > .refusal").forEach((one) => one.remove());
      document.getElementById("verdict").prepend(words);
      look();
    });
  }
  document.addEventListener("click", (event) => {
    const fault = event.target.closest("#verdict li a")?.closest("li");
    if (!fault || fault.dataset.file !== form.dataset.file || !fault.dataset.element) return;
    if (editor.select?.(fault.dataset.element)) event.preventDefault();
  });
  window.addEventListener("beforeunload", (event) => {
    if (field.value !== kept) event.preventDefault();
  });
  editor.marks?.(faults(form));
  const asked = new URLSearchParams(location.search).get("chon");
  if (asked) editor.select?.(asked);
  return {
    async changed() { // so that leaving the page asks first
      field.value = await editor.text();
      unsaved();
    },
  };
}

// What the gate says of this file: { element, severity, words } each.
function faults(form) {
  const lines = [...document.querySelectorAll("#verdict li[data-file]")].filter((one) => one.dataset.file === form.dataset.file);
  return lines.map((one) => ({ ...one.dataset, words: one.querySelector("span[lang]").textContent }));
}

// In place of the text: the board is shown, the text area hidden.
export function board(form) {
  const place = form.querySelector("[data-board]");
  place.hidden = false;
  form.querySelector("[data-source]").hidden = true;
  return place;
}

// Where there is nothing that an editor could open: the text itself.
export function asText(form) {
  form.querySelector("[data-board]").hidden = true;
  form.querySelector("[data-source]").hidden = false;
  const page = editing(form, { text: async () => form.elements.text.value });
  form.elements.text.addEventListener("input", () => page.changed());
  form.dataset.opened = "true";
  return page;
}

// What was there, as long as what would be written is what would have been written without a change.
export async function unchangedOr(field, write) {
  const original = field.value;
  const first = await write();
  return async () => {
    const now = await write();
    return now === first ? original : now;
  };
}
