// Runs before the first paint (in the head, not deferred): says that scripts work, and picks the theme.
// The server renders the choice from the cookie; only "system" needs to ask the browser.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const choice = root.dataset.theme;
    root.dataset.bsTheme = choice === "dark" || (choice === "system" && dark.matches) ? "dark" : "light";
  };
  root.classList.add("js");
  show();
  dark.addEventListener("change", show);
  document.addEventListener("themechosen", show);
})();
