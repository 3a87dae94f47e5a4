// The token simulation writes its words into elements without having them translated, and its switch takes only a mouse.
const PART = "[class*=bts-]";
const FOCUS = "Focus process instance";

export function simulating(modeler, words, canvas) {
  const translated = (root) => {
    const parts = root.closest(PART) ? [root, ...root.querySelectorAll("*")] : root.querySelectorAll(`${PART}, ${PART} *`);
    for (const part of parts) {
      if (part.title) part.title = sentence(part.title, words);
      for (const node of part.childNodes) {
        const text = node.nodeType === Node.TEXT_NODE ? node.data.trim() : "";
        if (text && sentence(text, words) !== text) node.data = ` ${sentence(text, words)} `;
      }
    }
  };
  translated(canvas);
  new MutationObserver((changes) => { // what it writes later: the switch, its log, a button on a step
    for (const { target, addedNodes } of changes) {
      if (target.closest(PART)) translated(target);
      else for (const node of addedNodes) if (node.nodeType === Node.ELEMENT_NODE) translated(node);
    }
  }).observe(canvas, { childList: true, subtree: true });
  switched(modeler, canvas.querySelector(".bts-toggle-mode"));
}

// "Process started", "Focus process instance 1f2a": a part of it is a name or a number.
function sentence(text, words) {
  if (text.startsWith(FOCUS)) return words(FOCUS) + text.slice(FOCUS.length);
  const [, who, what] = /^(.*) (started|finished|canceled)$/.exec(text) || [];
  return who && words(what) !== what ? `${words(who)}: ${words(what)}` : words(text);
}

function switched(modeler, toggle) {
  const says = (active) => toggle.setAttribute("aria-checked", String(active));
  toggle.tabIndex = 0;
  toggle.setAttribute("role", "switch");
  says(false);
  modeler.on("tokenSimulation.toggleMode", ({ active }) => says(active));
  toggle.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    toggle.click();
  });
}
