// Dialogs. <a href="/full/page" hx-get="/full/page" hx-target="#dialog"> opens the answer as a dialog;
// [data-opens="id"] opens a <dialog> of the page; [data-close] closes, also a link (which leads back on a full page).
const main = document.getElementById("dialog");

function name(dialog) {
  const title = dialog.querySelector("h1, h2");
  if (!title) return;
  title.id ||= `${dialog.id}-title`;
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.removeAttribute("aria-label");
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== main || main.open || !main.childElementCount) return;
  name(main);
  main.showModal();
  main.querySelector("[autofocus]")?.focus();
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.opens)?.showModal();
    return;
  }
  const closer = event.target.closest?.("dialog[open] [data-close]");
  const dialog = closer?.closest("dialog") ?? (event.target.matches?.("dialog[open]") && outside(event) ? event.target : null);
  if (!dialog) return;
  event.preventDefault();
  dialog.close();
});

function outside(event) {
  const box = event.target.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

main.addEventListener("close", () => main.replaceChildren());

// What cannot be undone: the button waits until the name is typed.
function guard(form) {
  const field = form.elements.confirm, button = form.querySelector("[type=submit]");
  button.disabled = field.value !== form.dataset.confirm;
}

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.dataset.confirm) guard(form);
});
document.querySelectorAll("form[data-confirm]").forEach(guard);
document.addEventListener("htmx:load", (event) => event.detail.elt.querySelectorAll?.("form[data-confirm]").forEach(guard));
