// Keeps a page up to date: on news it is fetched again, and its content put in place of the old one.
"use strict";

const address = document.body.dataset.events;
const AGAIN = 3000;  // milliseconds until what failed is tried again
let waiting = null, lost = false, last = null;

async function renew() {
  waiting = null;
  const answer = await fetch(location.href, {headers: {Accept: "text/html"}, redirect: "manual"});
  if (answer.status >= 500) throw new Error("the service or its database is away");
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

function later(milliseconds) {
  waiting ??= setTimeout(() => renew().catch(() => { waiting = null; later(AGAIN); }), milliseconds);
}

function follow() {
  const source = new EventSource(last === null ? address : `${address.split("?")[0]}?after=${last}`);
  source.addEventListener("message", (event) => { last = event.lastEventId || last; later(400); });
  source.addEventListener("open", () => { if (lost) { lost = false; note(""); later(0); } });
  source.addEventListener("error", () => {
    lost = true;
    note("Not connected; this page may be out of date. Trying again …");
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN);  // refused: the browser gives up by itself
  });
}

if (address && window.EventSource) {
  document.querySelector("main").dataset.source = document.querySelector("main").innerHTML;
  follow();
}
