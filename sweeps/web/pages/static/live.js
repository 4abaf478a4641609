// Keeps a page up to date: on news it is fetched again, and its content put in place of the old one.
"use strict";

const address = document.body.dataset.events;
const LEAST = 400, BETWEEN = 2000, SETTLED = 2500;  // milliseconds: the service keeps a page for up to two seconds
let waiting = null, settling = null, lost = false, renewed = -BETWEEN;

function soon() {
  if (document.hidden) return;
  waiting ??= setTimeout(() => renew().catch(() => {}), Math.max(LEAST, renewed + BETWEEN - performance.now()));
}

async function renew() {
  waiting = null;
  renewed = performance.now();
  const answer = await fetch(location.href, {headers: {Accept: "text/html"}, redirect: "error"});
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main"), old = document.querySelector("main");
  if (!fresh || fresh.innerHTML === old.dataset.source) return;
  if (old.querySelector("input:focus, textarea:focus")) {  // somebody is typing
    waiting ??= setTimeout(() => renew().catch(() => {}), 2000);
    return;
  }
  const open = Array.from(old.querySelectorAll("details"), (drawer) => drawer.open);
  const focused = document.activeElement?.id;
  const source = fresh.innerHTML;
  old.replaceChildren(...fresh.childNodes);
  old.dataset.source = source;
  document.querySelector("header").replaceChildren(...page.querySelector("header").childNodes);
  old.querySelectorAll("details").forEach((drawer, place) => { drawer.open = open[place] ?? false; });
  if (focused) document.getElementById(focused)?.focus({preventScroll: true});
  dispatchEvent(new Event("renewed"));
}

function note(text) {
  document.querySelector(".stale")?.remove();
  if (!text) return;
  const line = document.createElement("p");
  line.className = "stale";
  line.setAttribute("role", "status");
  line.textContent = text;
  document.body.append(line);
}

if (address && window.EventSource) {
  document.querySelector("main").dataset.source = document.querySelector("main").innerHTML;
  const source = new EventSource(address);
  source.addEventListener("message", () => { soon(); clearTimeout(settling); settling = setTimeout(soon, SETTLED); });
  document.addEventListener("visibilitychange", soon);
  source.addEventListener("open", () => { if (lost) { lost = false; note(""); renew().catch(() => {}); } });
  source.addEventListener("error", () => { lost = true; note("Not connected; this page may be out of date. Trying again …"); });
}
