// Keeps the regions of a page fresh, says how old they are, and lets the reader pause.
(() => {
  const region = document.getElementById("live");
  const line = document.getElementById("freshness");
  if (!region || !line) return;
  const [state, button] = [line.querySelector("span"), line.querySelector("button")];
  const words = line.dataset;
  let paused = false, tag = null, answered = new Date();

  const say = (text, isProblem) => {
    state.textContent = text;
    state.classList.toggle("problem", isProblem);
  };
  const fresh = () => say(`${words.updated} ${answered.toLocaleTimeString()}`, false);

  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? words.resume : words.pause;
    button.setAttribute("aria-pressed", paused);
  });
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (paused || document.hidden || !getSelection().isCollapsed) event.preventDefault();
  });
  document.body.addEventListener("htmx:configRequest", (event) => {
    if (tag) event.detail.headers["If-None-Match"] = tag;
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 200 || xhr.status === 304) {
      tag = xhr.getResponseHeader("ETag") || tag;
      answered = new Date();
      fresh();
    } else if (xhr.status === 401) {
      say(words.ended, true);
    } else {
      say(`${words.silent} ${answered.toLocaleTimeString()}`, true);
    }
  });
  line.hidden = false;
  fresh();
})();
