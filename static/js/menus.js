// Menus (<details data-menu>): one open at a time, closed by Escape or a click elsewhere. Switchers (<div data-switcher>).
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details[data-menu][open]");
  if (event.key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-switcher] button[data-choice]");
  if (!button) return;
  const switcher = button.closest("[data-switcher]");
  for (const other of switcher.querySelectorAll("button[data-choice]")) other.setAttribute("aria-pressed", String(other === button));
  for (const part of switcher.querySelectorAll("div[data-choice]")) part.toggleAttribute("data-later", part.dataset.choice !== button.dataset.choice);
});

// A filter's choice sends its form; without scripts there is a button for that.
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-submits]")) event.target.form.requestSubmit();
});

// What is left empty in a filter does not clutter the address.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches?.("form.filters")) return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});
