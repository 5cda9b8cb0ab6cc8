// Selecting rows: <form data-selection> around a table and its bar.
function boxes(form) {
  return [...form.querySelectorAll('tbody input[type="checkbox"]:not(:disabled)')];
}

function refresh(form) {
  const all = boxes(form), count = all.filter((box) => box.checked).length;
  const head = form.querySelector("[data-select-all]"), bar = form.querySelector("[data-selection-bar]");
  if (head) {
    head.checked = count > 0 && count === all.length;
    head.indeterminate = count > 0 && count < all.length;
  }
  if (!bar) return;
  bar.classList.toggle("none", count === 0);
  for (const number of bar.querySelectorAll("[data-selected]")) number.textContent = String(count);
}

let last = null;

document.addEventListener("click", (event) => {
  const form = event.target.closest?.("form[data-selection]");
  if (!form) return;
  if (event.target.matches("[data-select-all]")) for (const box of boxes(form)) box.checked = event.target.checked;
  else if (event.target.closest("[data-clear]")) for (const box of boxes(form)) box.checked = false;
  else if (event.target.matches('tbody input[type="checkbox"]')) range(form, event);
  else return;
  refresh(form);
});

// With Shift everything between this row and the last one follows.
function range(form, event) {
  const all = boxes(form), here = all.indexOf(event.target), there = all.indexOf(last);
  if (event.shiftKey && there >= 0) {
    for (const box of all.slice(Math.min(here, there), Math.max(here, there) + 1)) box.checked = event.target.checked;
  }
  last = event.target;
}

document.querySelectorAll("form[data-selection]").forEach(refresh);
addEventListener("pageshow", () => document.querySelectorAll("form[data-selection]").forEach(refresh));
document.addEventListener("htmx:afterSettle", () => document.querySelectorAll("form[data-selection]").forEach(refresh));
