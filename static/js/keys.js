// Keys: / search, j k move in a table[data-rows], Enter opens (the focus is on the row's link), x selects,
// p promotes ([data-key="p"]), ? lists them. Single letters can be switched off (WCAG 2.1.4).
const off = "keys-off";
const list = document.getElementById("keys");
const choice = list.querySelector("[data-keys-switch]");

function stored() {
  try { return localStorage.getItem(off) !== null; } catch { return false; }
}

choice.checked = !stored();
choice.addEventListener("change", () => {
  try { choice.checked ? localStorage.removeItem(off) : localStorage.setItem(off, "1"); } catch { /* private mode */ }
});

function typing(target) {
  return target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=submit], [type=button])");
}

function rows() {
  const tables = [...document.querySelectorAll("table[data-rows]")].filter((table) => table.offsetParent);
  return tables.flatMap((table) => [...table.tBodies].flatMap((body) => [...body.rows])).filter((row) => linkOf(row));
}

const linkOf = (row) => row.querySelector("a.name, a.open, a[href]");
const current = () => document.activeElement?.closest("table[data-rows] > tbody > tr");

function move(step) {
  const all = rows(), here = all.indexOf(current());
  const row = all[here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + step, 0), all.length - 1)];
  if (!row) return;
  linkOf(row).focus();
  row.scrollIntoView({ block: "nearest" });
}

const actions = {
  "/": () => document.querySelector('[data-key="/"]')?.focus(),
  "?": () => list.showModal(),
  j: () => move(1),
  k: () => move(-1),
  x: () => current()?.querySelector('input[type="checkbox"]:not(:disabled)')?.click(),
  p: () => [...document.querySelectorAll('[data-key="p"]')].filter((each) => each.offsetParent && !each.disabled).at(-1)?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const action = actions[event.key];
  if (!action || document.querySelector("dialog[open]")) return;
  if (stored() && event.key !== "?") return;
  event.preventDefault();
  action();
});
