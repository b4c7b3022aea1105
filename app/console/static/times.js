// Adds to each time, which the server writes in UTC, how long ago it is, and what the reader's own clock said.
(() => {
  const language = { en: "en-GB" }[document.documentElement.lang] || document.documentElement.lang;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
  const length = new Intl.RelativeTimeFormat(language, { style: "short" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  const since = (seconds) => {
    const [unit, size] = units.find(([, each]) => Math.abs(seconds) >= each) || units[3];
    return length.format(Math.trunc(seconds / size), unit);
  };
  const local = (at) => {
    if (!at.getTimezoneOffset()) return "";
    return `${at.getDate() === at.getUTCDate() ? "" : `${day.format(at)} `}${clock.format(at)}`;
  };
  const complete = () => {
    for (const time of document.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const text = ["plain" in time.dataset ? "" : since((at - Date.now()) / 1000), local(at)].filter(Boolean).join(" · ");
      let small = time.querySelector("small");
      if (!small) time.append((small = document.createElement("small")));
      if (small.textContent !== text) small.textContent = text;
    }
  };
  document.addEventListener("fresh", complete);
  setInterval(complete, 10000);
  complete();
  const note = document.getElementById("zone");
  if (note && new Date().getTimezoneOffset()) note.textContent = `, ${zone} ${note.dataset.beside}`;
})();
