// Toasts: can be dismissed; plain good news goes by itself, what carries a link, a button or an error stays.
const box = document.getElementById("toasts");

function settle(toast) {
  if (toast.classList.contains("bad") || toast.querySelector("a, form, button:not([data-dismiss])")) return;
  let left = 8;
  const timer = setInterval(() => {
    if (document.hidden || toast.matches(":hover, :focus-within")) return;
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    toast.remove();
  }, 1000);
}

// While a dialog is open everything else is inert, so the words go into it.
function toast(text, hue = "bad") {
  const line = document.createElement("div");
  line.className = `toast-line ${hue}`;
  const words = Object.assign(document.createElement("div"), { className: "grow", textContent: text });
  const button = Object.assign(document.createElement("button"), { className: "btn btn-sm quiet", type: "button", textContent: "Dismiss" });
  button.dataset.dismiss = "";
  line.append(words, button);
  const inside = document.querySelector("dialog[open] .pad");
  if (inside) inside.prepend(line);
  else box.append(line);
  settle(line);
}

document.addEventListener("click", (event) => {
  event.target.closest?.("[data-dismiss]")?.closest(".toast-line")?.remove();
});
box.querySelectorAll(".toast-line").forEach(settle);

document.addEventListener("htmx:responseError", (event) => {
  let words = `The server answered ${event.detail.xhr.status}; reload the page and try again.`;
  try {
    words = JSON.parse(event.detail.xhr.responseText).detail ?? words;
  } catch { /* A page, not problem+json: the status must do. */ }
  toast(words);
});
document.addEventListener("htmx:sendError", () => toast("The server does not answer; check the connection and try again."));
