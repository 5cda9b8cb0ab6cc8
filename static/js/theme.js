// The theme menu: takes effect at once and is remembered in a cookie, which the server renders from then on.
const root = document.documentElement;
const buttons = document.querySelectorAll("[data-set-theme]");

function mark() {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.setTheme === root.dataset.theme));
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    root.dataset.theme = button.dataset.setTheme;
    document.cookie = `theme=${button.dataset.setTheme}; path=/; max-age=31536000; SameSite=Lax`;
    document.dispatchEvent(new Event("themechosen"));
    mark();
    button.closest("details")?.removeAttribute("open");
  });
}
