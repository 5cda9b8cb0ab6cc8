// Copy buttons: <button data-copy="text">. Says so to screen readers, shows a tick for a moment.
async function copy(text) {
  if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text);
  // Plain HTTP on a host of the network: the clipboard API is not there, the old command is.
  const area = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser refused to copy");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const said = document.getElementById("said");
  try {
    await copy(button.dataset.copy);
    button.focus();
    button.classList.add("copied");
    said.textContent = "Copied";
    setTimeout(() => button.classList.remove("copied"), 1500);
  } catch {
    said.textContent = "Copying failed; select the text and copy it yourself";
    button.title = said.textContent;
  }
});
