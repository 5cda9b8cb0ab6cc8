// Upload: <form data-upload> becomes a drop zone that sends one file at a time and shows how far it is.
// Each file is its own POST with "Accept: application/json"; a refusal's "detail" is shown beside the file.

function send(form, file, bar) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(), input = form.querySelector('input[type="file"]');
    const body = new FormData();
    for (const field of form.querySelectorAll('input[type="hidden"], select, textarea')) body.append(field.name, field.value);
    body.append(input.name, file, file.name);
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => event.lengthComputable && (bar.value = event.loaded / event.total);
    request.onerror = () => reject(new Error("The server does not answer; try again."));
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* not JSON: the status must do */ }
      if (request.status < 400) resolve(answer);
      else reject(new Error(answer.detail ?? answer.message ?? `The server answered ${request.status}.`));
    };
    request.send(body);
  });
}

function line(form, file) {
  const item = document.createElement("li");
  const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  bar.setAttribute("aria-label", file.name);
  item.append(Object.assign(document.createElement("span"), { className: "mono any", textContent: file.name }), bar);
  form.querySelector("[data-uploads]").append(item);
  return { item, bar };
}

function verdict(item, bar, words, hue) {
  bar.replaceWith(Object.assign(document.createElement("span"), { className: `${hue} small`, textContent: hue === "ok" ? words : "Refused" }));
  if (hue !== "ok") item.append(Object.assign(document.createElement("span"), { className: "bad small", textContent: words }));
}

async function run(form, files) {
  if (form.dataset.busy || !files.length) return;
  form.dataset.busy = "1";
  const lines = [...files].map((file) => ({ file, ...line(form, file) }));
  let refused = 0;
  for (const { file, item, bar } of lines) {
    try {
      const answer = await send(form, file, bar);
      verdict(item, bar, answer.message ?? "Added", "ok");
    } catch (error) {
      refused += 1;
      verdict(item, bar, error.message, "bad");
    }
  }
  delete form.dataset.busy;
  form.reset();
  if (!refused && form.dataset.done) location.assign(form.dataset.done);
}

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (event.target.type === "file" && form?.hasAttribute("data-upload")) run(form, event.target.files);
});

// Files may be dropped anywhere on a page that has an upload dialog: it opens, and takes them.
function zoneOf(event) {
  if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return null;
  return event.target.closest?.(".drop") ?? document.querySelector("dialog .drop") ?? document.querySelector(".drop");
}

// A dropped folder counts as the files below it.
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return transfer.files;
  const found = [];
  const walk = async (entry) => {
    if (entry.isFile) found.push(await new Promise((done, fail) => entry.file(done, fail)));
    else {
      const reader = entry.createReader();
      for (let part; (part = await new Promise((done, fail) => reader.readEntries(done, fail))).length;) for (const each of part) await walk(each);
    }
  };
  for (const entry of entries) await walk(entry);
  return found;
}

for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    const zone = zoneOf(event);
    if (!zone) return;
    event.preventDefault();
    zone.classList.toggle("over", type === "dragover");
    if (type !== "drop") return;
    const dialog = zone.closest("dialog");
    if (dialog && !dialog.open) dialog.showModal();
    filesOf(event.dataTransfer).then((files) => run(zone.closest("form"), files));
  });
}
