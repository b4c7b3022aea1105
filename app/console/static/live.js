// Keeps the region of a page fresh, says how old it is, and lets the reader pause. New rows are announced, not inserted.
(() => {
  const region = document.getElementById("live");
  const line = document.getElementById("freshness");
  if (!region || !line) return;
  const [age, alarm, news] = line.querySelectorAll("span");
  const [show, button] = line.querySelectorAll("button");
  const words = line.dataset;
  let paused = false, tag = null, answered = new Date(), fresh = null;

  // What is kept is its script's or its writer's own, and what was unfolded stays so.
  Object.assign(Idiomorph.defaults.callbacks, {
    beforeNodeMorphed: (node) => !(node.dataset && "kept" in node.dataset),
    beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
  });

  const put = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const say = (text, problem = "") => {
    put(age, text);
    put(alarm, problem);
    alarm.hidden = !problem;
  };
  const time = () => answered.toLocaleTimeString({ en: "en-GB" }[document.documentElement.lang] || document.documentElement.lang);
  const isHeld = () =>
    region.querySelector("input:checked") || [...region.querySelectorAll("select")].some((each) => each.selectedIndex > 0) ||
    document.querySelector("dialog[open]") || !getSelection().isCollapsed ||
    (region.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"));

  const announce = (text) => {
    put(news, text);
    news.hidden = show.hidden = !text;
  };
  const keyed = (root) => new Map([...root.querySelectorAll("tbody tr[id]")].map((row) => [row.id, row]));
  // Whether no row came or went. The others are brought up to date where they are.
  const isSteady = (html) => {
    const next = document.createElement("template");
    next.innerHTML = html;
    const [here, there] = [keyed(region), keyed(next.content)];
    const added = [...there.keys()].filter((id) => !here.has(id)).length;
    const gone = [...here.keys()].filter((id) => !there.has(id)).length;
    if (!added && !gone) return true;
    for (const [id, row] of there) if (here.has(id)) Idiomorph.morph(here.get(id), row);
    announce(added ? `${added} ${words.added}` : `${gone} ${words.gone}`);
    return false;
  };
  const changed = () => document.dispatchEvent(new Event("fresh"));

  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? words.resume : words.pause;
    document.documentElement.toggleAttribute("data-paused", paused);
    if (!paused) htmx.trigger(region, "refresh");
  });
  show.addEventListener("click", () => {
    Idiomorph.morph(region, fresh, { morphStyle: "innerHTML" });
    announce("");
    changed();
    region.focus();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) htmx.trigger(region, "refresh");
  });
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (!paused && !document.hidden && !isHeld()) return;
    event.preventDefault();
    say(`${paused ? words.paused : words.held} · ${words.updated} ${time()}`);
  });
  document.body.addEventListener("htmx:configRequest", (event) => {
    if (tag) event.detail.headers["If-None-Match"] = tag;
  });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status !== 200) return;
    fresh = event.detail.serverResponse;
    if ("steady" in region.dataset && !isSteady(fresh)) event.detail.shouldSwap = false;
    else announce("");
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 200 || xhr.status === 304) {
      tag = xhr.getResponseHeader("ETag") || tag;
      answered = new Date();
      say(`${words.updated} ${time()}`);
      changed();
    } else if (xhr.status === 401) {
      say("", words.ended);
    } else {
      say("", `${words.silent} ${time()}`);
    }
  });
  line.hidden = false;
  say(`${words.updated} ${time()}`);
})();
