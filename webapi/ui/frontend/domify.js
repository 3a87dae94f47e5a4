// Takes the place of the module "domify" in the bundles: style="…" in markup is set by script instead, which is what a
// page's policy allows.
import make from "./node_modules/domify/index.js";

export default function domify(markup, document) {
  const made = make(markup.replace(/(<[^<>]*?) style="/g, '$1 data-style="'), document);
  const inside = made.querySelectorAll ? [...made.querySelectorAll("[data-style]")] : [];
  for (const one of made.dataset?.style ? [made, ...inside] : inside) {
    one.style.cssText = one.dataset.style;
    delete one.dataset.style;
  }
  return made;
}
