// Keeps <time data-relative> true while a page stays open. The same rule as relative_time() in app/web/rendering.py.
const MINUTE = 60, HOUR = 3600, DAY = 86400, WEEK = 604800;

function relativeTime(moment, now) {
  const seconds = Math.trunc((now - moment) / 1000);
  const ahead = seconds < 0, age = Math.abs(seconds);
  if (age < MINUTE) return ahead ? "in a moment" : "just now";
  if (age >= 5 * WEEK) return moment.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).replace("Sept", "Sep");
  const span = spanOf(age);
  return ahead ? `in ${span}` : `${span} ago`;
}

function spanOf(age) {
  if (age < HOUR) return `${Math.trunc(age / MINUTE)} min`;
  if (age < DAY) return `${Math.trunc(age / HOUR)} h`;
  const [unit, word] = age < WEEK ? [DAY, "day"] : [WEEK, "week"];
  const count = Math.trunc(age / unit);
  return `${count} ${word}${count > 1 ? "s" : ""}`;
}

function update() {
  const now = new Date();
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const text = relativeTime(new Date(time.dateTime), now);
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(() => document.hidden || update(), 30_000);
document.addEventListener("visibilitychange", () => document.hidden || update());
