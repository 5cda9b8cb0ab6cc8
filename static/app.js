// Loads the small modules. Everything works without them; they make it quicker.
// The version in this file's own address is passed on, so that an upgrade never mixes old and new modules.
const version = new URL(import.meta.url).search;
const names = ["theme", "copy", "times", "menus", "dialogs", "toasts", "tables", "keys", "upload"];
await Promise.all(names.map((name) => import(`./js/${name}.js${version}`)));
document.documentElement.dataset.ready = "";
