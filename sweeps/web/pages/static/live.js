// Keeps a page up to date: on news it is fetched again, and its content put in place of the old one.
"use strict";

const address = document.body.dataset.events;
const LEAST = 400, BETWEEN = 2000, SETTLED = 2500;  // milliseconds: the service keeps a page for up to two seconds
const AGAIN = 3000;  // milliseconds until what failed is tried again
let waiting = null, settling = null, lost = false, last = null, renewed = -BETWEEN;

async function renew() {
  waiting = null;
  renewed = performance.now();
  const answer = await fetch(location.href, {headers: {Accept: "text/html"}, redirect: "manual"});
  if (answer.status >= 500) throw new Error("the service or its database is unavailable");
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main"), old = document.querySelector("main");
  if (!fresh || fresh.innerHTML === old.dataset.source) return;
  if (old.querySelector("input:focus, textarea:focus")) {  // somebody is typing
    later(BETWEEN);
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

function later(milliseconds) {
  waiting ??= setTimeout(() => renew().catch(() => { waiting = null; later(AGAIN); }), milliseconds);
}

function soon() {
  if (!document.hidden) later(Math.max(LEAST, renewed + BETWEEN - performance.now()));
}

function settle() {  // once more, for what a kept page did not show yet
  clearTimeout(settling);
  settling = setTimeout(soon, SETTLED);
}

function follow() {
  const source = new EventSource(last === null ? address : `${address.split("?")[0]}?after=${last}`);
  source.addEventListener("message", (event) => { last = event.lastEventId || last; soon(); settle(); });
  source.addEventListener("open", () => { if (lost) { lost = false; note(""); later(0); } });
  source.addEventListener("error", () => {
    lost = true;
    note("Not connected; this page may be out of date. Trying again …");
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN);  // refused: the browser gives up by itself
  });
}

if (address && window.EventSource) {
  document.querySelector("main").dataset.source = document.querySelector("main").innerHTML;
  document.addEventListener("visibilitychange", soon);
  settle();
  follow();
}
