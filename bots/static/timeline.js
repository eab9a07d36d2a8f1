// The timeline's script: posts through the same JSON API everybody can use, and
// patches in what the server renders. It knows nothing of jobs or pictures.

const body = document.body;
const bot = body.dataset.bot;
const tag = `@${bot} `;
const gently = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// ---------------------------------------------------------------- who posts

const KEPT = "muralist.as";

function me() {
  return $("input[name=as]:checked").value;
}

function chooseKept() {
  const kept = localStorage.getItem(KEPT);
  const radio = $$("input[name=as]").find((one) => one.value === kept);
  if (radio) radio.checked = true;
}

$(".people").addEventListener("change", () => {
  localStorage.setItem(KEPT, me());
  showWhatIsMine(document);
});

function showWhatIsMine(root) {
  for (const element of $$("[data-only-for]", root)) {
    element.hidden = element.dataset.onlyFor !== me();
    element.dataset.judged = "";
  }
}

// --------------------------------------------------------------------- time

const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function ago(moment) {
  const seconds = (moment - Date.now()) / 1000;
  if (seconds > -45) return "just now";
  if (seconds > -3600) return relative.format(Math.round(seconds / 60), "minute");
  if (seconds > -86400) return relative.format(Math.round(seconds / 3600), "hour");
  return exact.format(moment);
}

function tellTimes(root) {
  for (const element of $$("time", root)) {
    const moment = Date.parse(element.dateTime);
    const told = ago(moment);
    if (element.textContent !== told) element.textContent = told;
    element.title = exact.format(moment);
  }
}

setInterval(() => tellTimes(document), 30_000);

// ------------------------------------------------------------------ patching

// Makes `old` look like `fresh` and leaves alone what is the same, so that focus,
// open menus, running animations and half-written replies survive.
function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType === Node.TEXT_NODE) {
    old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open" && name !== "disabled") old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  patchChildren(old, fresh);
}

function patchChildren(old, fresh) {
  const known = new Map(
    [...old.children].filter((child) => child.id).map((child) => [child.id, child]),
  );
  let place = old.firstChild;
  const pass = () => {
    while (place?.dataset?.mine !== undefined) place = place.nextSibling;
  };
  for (const wanted of [...fresh.childNodes]) {
    pass();
    const match = wanted.id ? known.get(wanted.id) : alike(place, wanted) ? place : null;
    if (!match) {
      old.insertBefore(wanted, place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else old.insertBefore(match, place);
    patch(match, wanted);
  }
  for (pass(); place; pass()) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

function alike(one, other) {
  return one && !one.id && one.nodeType === other.nodeType && one.nodeName === other.nodeName;
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  showWhatIsMine(template.content);
  tellTimes(template.content);
  return template.content;
}

// ------------------------------------------------------------- what is shown

const wall = $("#threads");

function oldest() {
  return Math.min(...$$(".thread", wall).map((thread) => Number(thread.dataset.thread)));
}

function showThreads(html) {
  const arrivals = [];
  for (const fresh of $$(".thread", parsed(html)).reverse()) {
    arrivals.push(...$$(".post, .easel", fresh).filter((one) => !document.getElementById(one.id)));
    const old = document.getElementById(fresh.id);
    if (old) patch(old, fresh);
    else placeThread(fresh);
  }
  $("#empty")?.remove();
  for (const one of arrivals) greet(one);
}

function placeThread(fresh) {
  const number = Number(fresh.dataset.thread);
  const below = $$(".thread", wall).find((thread) => Number(thread.dataset.thread) < number);
  wall.insertBefore(fresh, below ?? $("#older"));
}

function greet(arrival) {
  arrival.classList.add("arriving");
  arrival.addEventListener("animationend", () => arrival.classList.remove("arriving"), { once: true });
  if (arrival.dataset.answers === undefined) return;
  const words = $(".text", arrival)?.textContent ?? "";
  const picture = $(".picture img", arrival);
  $("#announcer").textContent =
    `Muralist answered ${arrival.dataset.answers}. ${picture ? picture.alt : words}`;
}

async function refresh() {
  const answer = await fetch("/threads");
  if (answer.ok) showThreads(await answer.text());
}

// ---------------------------------------------------------------- connection

let source = null;
let patience = 1000;
let doubt = null;

function connect() {
  source?.close();
  const from = Number.isFinite(oldest()) ? oldest() : 0;
  source = new EventSource(`/events?from=${from}`);
  source.addEventListener("open", () => {
    patience = 1000;
    clearTimeout(doubt);
    doubt = null;
    $("#lost").hidden = true;
  });
  source.addEventListener("threads", (event) => showThreads(event.data));
  source.addEventListener("state", (event) => {
    $("#state").replaceChildren(parsed(event.data));
  });
  source.addEventListener("error", () => {
    doubt ??= setTimeout(() => { $("#lost").hidden = false; }, 1500);
    // After a refusal the browser gives up for good; after a lost line it tries itself.
    if (source.readyState === EventSource.CLOSED) {
      setTimeout(connect, patience);
      patience = Math.min(patience * 2, 30_000);
    }
  });
}

const live = () => source?.readyState === EventSource.OPEN;

addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => { if (event.persisted && source) connect(); });

// Browsers allow a site few connections over all tabs: one that nobody has looked
// at for a while gives its own back. Connecting again brings everything up to date.
const UNSEEN = 120_000;
let unseen = null;

document.addEventListener("visibilitychange", () => {
  clearTimeout(unseen);
  if (!source) return;
  if (document.hidden) unseen = setTimeout(() => source.close(), UNSEEN);
  else if (source.readyState === EventSource.CLOSED) connect();
});

// ------------------------------------------------------------------- posting

async function post(fields) {
  let answer;
  try {
    answer = await fetch("/api/posts", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: me(), ...fields }),
    });
  } catch {
    throw new Error("The server cannot be reached. Your words are still here; try again.");
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error ?? `The server answered ${answer.status}. Try again.`);
  if (!live()) await refresh();
  return told.id;
}

let toasting = null;

function complain(sentence) {
  const toast = $("#toast");
  toast.textContent = sentence;
  toast.hidden = false;
  clearTimeout(toasting);
  toasting = setTimeout(() => { toast.hidden = true; }, 7000);
}

async function say(button) {
  if (button.dataset.confirm && !confirm(button.dataset.confirm)) return;
  button.closest("details.menu")?.removeAttribute("open");
  button.disabled = true;
  try {
    await post({ text: tag + button.dataset.say, in_reply_to: Number(button.dataset.to) });
  } catch (error) {
    complain(error.message);
  } finally {
    button.disabled = false;
  }
}

// A form to write in: at the desk, or under a post as a reply to it.
class Composer {
  constructor(form, inReplyTo = null) {
    this.form = form;
    this.inReplyTo = inReplyTo;
    this.text = form.elements.text;
    this.file = form.elements.photo;
    this.photo = null;
    $(".keys", form).textContent = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter";
    form.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) this.send();
    });
    this.text.addEventListener("paste", (event) => this.take(event.clipboardData, event));
    form.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      form.classList.add("dropping");
    });
    form.addEventListener("dragleave", () => form.classList.remove("dropping"));
    form.addEventListener("drop", (event) => {
      form.classList.remove("dropping");
      this.take(event.dataTransfer, event);
    });
    this.file.addEventListener("change", () => { if (this.file.files[0]) this.attach(this.file.files[0]); });
    $("[data-act=detach]", form).addEventListener("click", () => { this.detach(); this.text.focus(); });
  }

  take(transfer, event) {
    const file = transfer.files[0];
    if (!file) return;
    event.preventDefault();
    this.attach(file);
  }

  attach(file) {
    this.detach();
    const most = Number(body.dataset.photoBytes);
    if (file.size > most) {
      this.trouble(`This photo is too large: ${Math.floor(most / 1e6)} MB is the most a post can carry.`);
      return;
    }
    this.trouble("");
    this.photo = file;
    const shown = $(".attached", this.form);
    const image = $("img", shown);
    image.hidden = false;
    image.onerror = () => { image.hidden = true; };
    image.src = URL.createObjectURL(file);
    $("figcaption", shown).textContent = file.name || "Pasted picture";
    shown.hidden = false;
  }

  detach() {
    this.photo = null;
    this.file.value = "";
    const image = $(".attached img", this.form);
    if (image.src) URL.revokeObjectURL(image.src);
    image.removeAttribute("src");
    $(".attached", this.form).hidden = true;
  }

  trouble(sentence) {
    const place = $(".trouble", this.form);
    place.textContent = sentence;
    place.hidden = !sentence;
  }

  write(text) {
    this.text.focus();
    this.text.select();
    // Keeps what was there one Ctrl+Z away, where the browser still can.
    if (!document.execCommand("insertText", false, text)) this.text.value = text;
  }

  async send() {
    const button = $("[type=submit]", this.form);
    if (button.disabled) return;
    if (!this.photo && this.text.value.trim() === tag.trim()) {
      this.trouble("Say what you would like to see, or attach a photo.");
      this.text.focus();
      return;
    }
    button.disabled = true;
    this.text.readOnly = true; // what is typed now would be wiped with what was sent
    this.trouble("");
    try {
      const photo = this.photo ? await inBase64(this.photo) : null;
      const id = await post({ text: this.text.value, in_reply_to: this.inReplyTo, photo });
      this.sent(id);
    } catch (error) {
      this.trouble(error.message);
    } finally {
      button.disabled = false;
      this.text.readOnly = false;
    }
  }

  sent(id) {
    this.detach();
    this.text.value = tag;
    // On a phone the keyboard would cover what is coming.
    if (matchMedia("(pointer: coarse)").matches) this.text.blur();
    if (this.inReplyTo === null) bringIntoView(`thread-${id}`);
    else this.form.closest("[data-mine]").remove();
  }
}

function inBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("This file cannot be read any more. Attach it again."));
    reader.readAsDataURL(file);
  });
}

// The new thread comes with the next event: look for it for a moment.
function bringIntoView(id, tries = 20) {
  const thread = document.getElementById(id);
  if (thread) thread.scrollIntoView({ block: "nearest", behavior: gently });
  else if (tries) setTimeout(() => bringIntoView(id, tries - 1), 100);
}

const desk = new Composer($(".desk .composer"));

function reply(button) {
  $("[data-mine]")?.remove();
  const form = $("#reply-form").content.cloneNode(true).firstElementChild;
  const composer = new Composer($("form", form), Number(button.dataset.to));
  button.closest(".post").after(form);
  composer.text.placeholder = `Reply to ${button.dataset.name}`;
  composer.text.focus();
  composer.text.setSelectionRange(tag.length, tag.length);
  form.scrollIntoView({ block: "nearest", behavior: gently });
  $("[data-act=never-mind]", form).addEventListener("click", () => {
    form.remove();
    button.focus();
  });
}

// ------------------------------------------------------------- looking closer

async function details(button) {
  const answer = await fetch(`/posts/${button.dataset.of}/details`).catch(() => null);
  if (!answer?.ok) {
    complain("The details cannot be had just now. Try again.");
    return;
  }
  const sheet = $("#details");
  $(".body", sheet).replaceChildren(parsed(await answer.text()));
  sheet.showModal();
  sheet.scrollTop = 0;
}

function enlarge(link) {
  const shown = $("img", link);
  const large = $("#enlarged");
  $("img", large).src = link.href;
  $("img", large).alt = shown.alt;
  $("p", large).textContent = shown.alt;
  large.showModal();
}

async function older(link) {
  const answer = await fetch(`/threads?before=${link.dataset.before}`).catch(() => null);
  if (!answer?.ok) {
    complain("Older threads cannot be had just now. Try again.");
    return;
  }
  const first = parsed(await answer.text());
  const next = first.firstElementChild;
  link.replaceWith(first);
  next?.setAttribute("tabindex", "-1");
  next?.focus({ preventScroll: true });
  if (source) connect();
}

document.addEventListener("click", (event) => {
  for (const menu of $$("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const dialog = event.target.closest("dialog");
  if (dialog && (event.target === dialog || event.target.dataset.act === "close")) dialog.close();
  const link = event.target.closest("a");
  const plain = !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (plain && link?.dataset.act === "enlarge") { event.preventDefault(); enlarge(link); }
  if (plain && link?.id === "older") { event.preventDefault(); older(link); }
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.say) say(button);
  else if (button.dataset.act === "reply") reply(button);
  else if (button.dataset.act === "details") details(button);
  else if (button.dataset.act === "suggest") { desk.write(tag + button.dataset.wish); }
  else if (button.dataset.act === "paint") { desk.write(tag + button.dataset.wish); desk.send(); }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of $$("details.menu[open]")) {
    menu.open = false;
    $("summary", menu).focus();
  }
});

// --------------------------------------------------------------------- begin

chooseKept();
showWhatIsMine(document);
tellTimes(document);
desk.text.setSelectionRange(tag.length, tag.length);
if (body.dataset.live === "yes") connect();
