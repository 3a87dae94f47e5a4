// What a little JavaScript adds; every page works without it.
"use strict";

const token = () => document.querySelector('meta[name="csrf-token"]').content;

// htmx: the form token goes along with every request
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = token();
});

// A form whose questions come and go: the server says which ones are hidden for these answers.
const asking = new WeakMap();
document.addEventListener("change", async (event) => {
  const form = event.target.closest("form[data-hides]");
  if (!form) return;
  asking.get(form)?.abort();
  const asked = new AbortController();
  asking.set(form, asked);
  const answers = new FormData(form);
  for (const [name, value] of [...answers]) if (value instanceof File) answers.delete(name);
  try {
    const answer = await fetch(form.dataset.hides, {
      method: "POST", body: answers, signal: asked.signal, headers: { "X-CSRFToken": token() },
    });
    if (!answer.ok) return;
    const hidden = new Set(await answer.json());
    for (const part of form.querySelectorAll("[data-part]")) part.hidden = hidden.has(part.dataset.part);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
});

// Without JavaScript a button asks the server anew; here it is not needed.
document.querySelectorAll("[data-without-script]").forEach((button) => { button.hidden = true; });

// Sent twice by impatience: the button says that it is under way. (The server would do it once anyway.)
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  setTimeout(() => form.querySelectorAll("button:not([type=button])").forEach((button) => { button.disabled = true; }));
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("button[disabled]").forEach((button) => { button.disabled = false; });
});

// The communes of the district that was chosen.
document.addEventListener("change", async (event) => {
  const district = event.target.closest("select[data-communes]");
  if (!district) return;
  const communes = document.getElementById(district.dataset.fills);
  const chosen = district.value;
  const answer = chosen ? await fetch(`${district.dataset.communes}?district=${encodeURIComponent(chosen)}`) : null;
  const found = answer?.ok ? await answer.json() : [];
  if (district.value !== chosen) return;
  communes.replaceChildren(communes.options[0], ...found.map((one) => new Option(one.name, one.code)));
  communes.closest(".question").hidden = found.length === 0;
});

document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});

document.getElementById("faults")?.focus();
