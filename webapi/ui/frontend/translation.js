// The words of the editors in Vietnamese; what has none stays English.
import { VIETNAMESE } from "./vietnamese.js";

export function translation(language) {
  const words = (template) => (language === "vi" && VIETNAMESE[template]) || template;
  const translate = (template, values = {}) => words(template).replace(/{([^}]+)}/g, (_, key) => values[key] ?? `{${key}}`);
  return { words, translate: { translate: ["value", translate] } };
}
