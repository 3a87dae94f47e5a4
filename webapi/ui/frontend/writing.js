// Files that are written as text; a form also has a list of its questions, and is shown as handlers will see it.
import { asText } from "./editing.js";
import { questions } from "./questions.js";

const form = document.getElementById("editor");
const page = asText(form);
form.elements.text.addEventListener("input", show);
if (form.dataset.editor === "form") questions(form, () => { page.changed(); show(); });

let showing;
function show() {
  if (!form.dataset.preview) return;
  clearTimeout(showing);
  showing = setTimeout(async () => {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form) });
    if (answer.ok) document.getElementById("preview").innerHTML = await answer.text();
  }, 250);
}
