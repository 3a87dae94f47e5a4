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

// What is heavy comes when the page is there and can be used: a script of the type "later", and a sheet for it.
window.addEventListener("load", () => {
  document.querySelectorAll("link[data-later]").forEach((sheet) => { sheet.media = "all"; });
  document.querySelectorAll('script[type="later"]').forEach((later) => {
    document.head.append(Object.assign(document.createElement("script"), { src: later.src }));
  });
});

// Without JavaScript a button asks the server anew; here it is not needed, unless what went by itself has failed.
const scripted = (is = true) => {
  document.querySelectorAll("[data-without-script]").forEach((button) => { button.hidden = is; });
  document.querySelectorAll("[data-with-script]").forEach((part) => { part.hidden = !is; });
};
scripted();
document.addEventListener("htmx:afterSwap", () => scripted());
for (const failed of ["htmx:responseError", "htmx:sendError"]) document.addEventListener(failed, () => scripted(false));

// One box for all boxes of its form that can be chosen.
document.addEventListener("change", (event) => {
  const { all } = event.target.dataset;
  if (all) event.target.form.querySelectorAll(`[name="${all}"]`).forEach((box) => { box.checked = event.target.checked; });
});

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

// What is wrong is looked at first: where somebody types without looking up, the field itself.
const first = (where) => document.querySelector(`form[data-keyboard] ${where} :is(input:not([type=hidden]), select, textarea)`);
const faults = document.getElementById("faults");
const refused = document.querySelector("form[data-refused] :is(textarea, select, input:not([type=hidden]))");
((faults && first(".wrong")) ?? faults ?? refused ?? first("[data-begins]"))?.focus();

// Files that are too large together are not chosen: better now than after minutes of sending them.
document.querySelectorAll("input[type=file][data-max]").forEach((input) => {
  input.addEventListener("change", () => {
    const large = [...input.files].reduce((sum, file) => sum + file.size, 0) > Number(input.dataset.max);
    document.getElementById(input.getAttribute("aria-describedby")).classList.toggle("fault", large);
    if (large) input.value = "";
  });
});

// What somebody has begun to write stays in this browser until it has been sent, or they log out.
const DRAFT = "draft:";
const SENT = "draft-sent";
document.querySelectorAll("form[data-draft]").forEach((form) => {
  const key = DRAFT + form.dataset.draft;
  const kept = "askedAgain" in form.dataset ? null : localStorage.getItem(key);
  if (kept) restore(form, JSON.parse(kept));
  const keep = () => localStorage.setItem(key, JSON.stringify([...new FormData(form)].filter(isWritten)));
  form.addEventListener("input", keep);
  form.addEventListener("submit", () => { keep(); sessionStorage.setItem(SENT, key); });
  form.querySelector("[data-draft-drop]").addEventListener("click", () => { localStorage.removeItem(key); location.reload(); });
});

function isWritten([name, value]) {
  return name.startsWith("a.") && typeof value === "string";
}

function restore(form, written) {
  for (const field of form.elements) {
    if (!field.name.startsWith("a.")) continue;
    const values = written.filter(([name]) => name === field.name).map(([, value]) => value);
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else if (values.length) field.value = values[0];
  }
  form.querySelector("[data-draft-note]").hidden = false;
  form.elements[0].dispatchEvent(new Event("change", { bubbles: true })); // questions come and go
}

// It has been sent when the page after it says so; an answer that was refused is still a draft.
if (sessionStorage.getItem(SENT)) {
  if (document.querySelector(".flash")) localStorage.removeItem(sessionStorage.getItem(SENT));
  sessionStorage.removeItem(SENT);
}
document.querySelectorAll('form[action="/dang-xuat"]').forEach((form) => {
  form.addEventListener("submit", () => {
    Object.keys(localStorage).filter((key) => key.startsWith(DRAFT)).forEach((key) => localStorage.removeItem(key));
  });
});

// Keys lead to places: data-shortcut="F2". In a form made for the keyboard Enter goes on, a digit chooses that answer and
// goes on, and Ctrl+Enter sends.
document.addEventListener("keydown", (event) => {
  const place = /^F\d+$/.test(event.key) && document.querySelector(`[data-shortcut="${event.key}"]`);
  if (place) {
    event.preventDefault();
    place.focus();
    place.select?.();
    return;
  }
  const form = event.target.closest("form[data-keyboard]");
  if (form && event.target.type === "radio" && /^[1-9]$/.test(event.key)) {
    const answer = form.querySelectorAll(`[name="${event.target.name}"]`)[event.key - 1];
    answer?.click();
    if (answer) goOn(form, answer);
  }
  if (!form || event.key !== "Enter") return;
  if (event.ctrlKey) {
    event.preventDefault();
    event.target.blur(); // what was typed last counts as changed
    form.querySelector("[data-sends]").click();
  } else if (event.target.matches("input, select")) {
    event.preventDefault();
    goOn(form, event.target);
  }
});

// The answers of one question are one stop.
function goOn(form, from) {
  const stops = [...form.querySelectorAll("input:not([type=hidden]), select, textarea, [data-sends], summary")];
  const seen = stops.filter((stop) => stop.offsetParent !== null && !stop.disabled);
  const next = seen.slice(seen.indexOf(from) + 1).find((stop) => stop.type !== "radio" || stop.name !== from.name);
  const chosen = next?.type === "radio" && form.querySelector(`[name="${next.name}"]:checked`);
  (chosen || next)?.focus();
}

// A field that shows what another one says, until something is written into it.
document.addEventListener("input", (event) => {
  document.querySelectorAll("[data-follows]").forEach((field) => {
    if (event.target === field) delete field.dataset.follows;
    else if (event.target.matches(field.dataset.follows)) field.value = event.target.value;
  });
});

// A clock that counts seconds: between two looks at the server it goes on by itself.
const counts = () => document.querySelectorAll("[data-counts]").forEach((clock) => {
  const left = Math.round((new Date(clock.dataset.counts) - Date.now()) / 1000);
  const said = `${Math.floor(Math.abs(left) / 60)}:${String(Math.abs(left) % 60).padStart(2, "0")}`;
  clock.textContent = (left < 0 ? clock.dataset.over : clock.dataset.left).replace("#", said);
});
counts();
setInterval(counts, 1000);
document.addEventListener("htmx:afterSwap", counts); // what comes from the server has no seconds, and would flicker

// A small form beside another takes over what both ask for.
document.querySelectorAll("form[data-borrows]").forEach((form) => {
  form.addEventListener("submit", () => {
    const other = document.querySelector(form.dataset.borrows);
    for (const field of form.querySelectorAll("input[type=hidden]")) {
      if (field.name !== "csrf_token" && other.elements[field.name]) field.value = other.elements[field.name].value;
    }
  });
});

// Names of places, while somebody types.
let suggesting;
document.addEventListener("input", (event) => {
  const field = event.target.closest("[data-suggests]");
  if (!field || field.value.includes("[") || field.value.trim().length < 2) return;
  clearTimeout(suggesting);
  suggesting = setTimeout(async () => {
    const answer = await fetch(`${field.dataset.suggests}?q=${encodeURIComponent(field.value)}`);
    if (answer.ok) field.list.replaceChildren(...(await answer.json()).map((name) => new Option(name, name)));
  }, 150);
});
