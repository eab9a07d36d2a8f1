// What htmx does not do: keys, pictures on demand, dialogs, and what happens elsewhere.
// Everything here is a convenience; each act is a form that works without it.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const page = () => $("#page");

// ------------------------------------------------------------------ pictures

const DWELL = 180; // a pointer that only passes by is not looking

function look(link) {
  if ($(".real", link)) return;
  const real = new Image();
  real.className = "real";
  real.alt = "";
  real.addEventListener("error", () => real.remove());
  real.src = link.dataset.real;
  link.append(real);
}

let dwelling;
document.addEventListener("pointerover", (event) => {
  clearTimeout(dwelling);
  const link = event.target.closest?.(".picture");
  if (link && event.pointerType !== "touch") dwelling = setTimeout(() => look(link), DWELL);
});
document.addEventListener("focusin", (event) => {
  const link = event.target.closest?.(".picture");
  if (link?.matches(":focus-visible")) look(link);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".picture");
  if (!link) return;
  event.preventDefault();
  look(link);
  link.classList.toggle("open");
});

// ------------------------------------------------------------- the row at hand

let at = null; // the id of the row the keys speak of

const rows = () => $$("li.wish[data-wish]");
const current = () => rows().find((row) => row.dataset.wish === at);
const subject = () => current() ?? (page().dataset.wish || page().dataset.account ? page() : null);

function go(step) {
  const all = rows();
  if (!all.length) return;
  const place = all.findIndex((row) => row.dataset.wish === at);
  const next = all[Math.min(all.length - 1, Math.max(0, place < 0 ? 0 : place + step))];
  mark(next);
  $(".words", next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function mark(row) {
  for (const other of rows()) other.classList.toggle("at", other === row);
  at = row?.dataset.wish ?? null;
}

// ------------------------------------------------------------------- dialogs

function open(name, about) {
  const dialog = $(`dialog#${name}`);
  if (!dialog || dialog.open) return;
  const form = $("form", dialog);
  if (form && about) {
    const root = page().dataset.root;
    const wish = about.dataset.wish;
    if (name === "ban" && !about.dataset.account) return;
    if (name === "reject" && !wish) return;
    form.action = name === "ban" ? `${root}/accounts/${about.dataset.account}/ban` : `${root}/wishes/${wish}/reject`;
    const words = $(".words", about)?.textContent ?? $("h1")?.textContent ?? "";
    $(".about", dialog).textContent = name === "ban" ? `@${about.dataset.handle}` : words;
  }
  dialog.showModal();
  const fitting = $$("input[name=reason]", dialog).find((radio) => radio.value === about?.dataset.suggest);
  if (fitting) fitting.checked = true;
  $(name === "ban" ? "input[name=length]:checked" : "input[type=radio]:checked", dialog)?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  if (!button) return;
  if ("close" in button.dataset) button.closest("dialog").close();
  else if (button.dataset.open) open(button.dataset.open);
  else if (button.type === "button" && button.dataset.act) {
    open(button.dataset.act, button.closest("li.wish") ?? page());
  }
});

// ----------------------------------------------------------------------- keys

const KEYS = {
  j: () => go(1),
  k: () => go(-1),
  a: () => $("[data-act=approve]", subject() ?? undefined)?.click(),
  r: () => mayReject() && open("reject", subject()),
  b: () => $(".decide, input[name=wish]") && open("ban", subject()),
  v: () => {
    for (const link of $$(".picture", current() ?? $(".gallery") ?? document.createElement("p"))) link.click();
  },
  x: () => $("input[name=wish]", current() ?? document.createElement("p"))?.click(),
  "/": () => $("#q")?.focus(),
  "?": () => open("keys"),
};

function mayReject() {
  const about = subject();
  return about && ($("[data-act=reject]", about) || $("form[action$='/reject']", about));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  if (event.target.matches("input:not([type=checkbox]), textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// Enter in a list of reasons says the one that is chosen.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("dialog input[type=radio]")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

// ----------------------------------------------------------------------- many

function choose() {
  const bulk = $("#bulk");
  if (!bulk) return;
  const chosen = $$("input[name=wish]:checked").length;
  $("#chosen").textContent = chosen;
  bulk.hidden = !chosen && !$("input[name=whole]").checked;
}
document.addEventListener("change", (event) => {
  if (event.target.matches("input[name=wish], input[name=whole]")) choose();
  if (event.target.matches(".filters select, .filters input[type=date]")) event.target.form.requestSubmit();
});

setInterval(() => {
  for (const left of $$("[data-until]")) {
    const seconds = Math.round(left.dataset.until - Date.now() / 1000);
    if (seconds < 0) left.closest("form").remove();
    else left.textContent = seconds;
  }
}, 500);

// ------------------------------------------------------------------ elsewhere

let source;
function listen() {
  source?.close();
  const facts = page()?.dataset;
  if (!facts?.view && !facts?.csrf) return;
  const query = new URLSearchParams({ view: facts.view, query: facts.query ?? "", newest: facts.newest ?? "", wish: facts.wish ?? "" });
  source = new EventSource(`${facts.root}/events?${query}`);
  source.addEventListener("open", () => ($("#lost").hidden = true));
  source.addEventListener("error", () => ($("#lost").hidden = false));
  source.addEventListener("views", (event) => ($("#views").innerHTML = event.data));
  source.addEventListener("line", (event) => ($("#line").innerHTML = event.data));
  source.addEventListener("over", () => location.reload());
  source.addEventListener("new", (event) => {
    const pill = $("#new");
    if (!pill) return;
    pill.hidden = event.data === "0";
    pill.textContent = `${event.data}${event.data === "99" ? "+" : ""} new`;
  });
}
addEventListener("pagehide", () => source?.close());

function arrived() {
  if (at && !current()) at = null;
  if (at) mark(current());
  choose();
  listen();
}
document.addEventListener("htmx:after:swap", arrived);
arrived();
