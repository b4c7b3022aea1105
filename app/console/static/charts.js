// Draws the charts, and keeps them and their tables fresh. A table's headings name the lines and how they look.
(() => {
  const section = document.getElementById("charts");
  if (!section) return;
  const language = { en: "en-GB" }[document.documentElement.lang] || document.documentElement.lang;
  const format = (options) => {
    const made = new Intl.DateTimeFormat(language, options);
    return (seconds) => made.format(new Date(seconds * 1000));
  };
  const clock = format({ hour: "2-digit", minute: "2-digit" });
  const day = format({ day: "numeric", month: "short" });
  const moment = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const isMidnight = (seconds) => clock(seconds).startsWith("00:00");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = (value) => (value === null ? "–" : String(Number(value.toPrecision(3))));
  const figures = [...section.querySelectorAll("figure")];
  let numbers = null, tag = null;

  const columns = (figure) => numbers[figure.dataset.numbers];
  // What is under way is no end yet: it would look like a fall. A line without any number is left out.
  const lines = (figure) => [...figure.querySelectorAll("th[data-colour]")]
    .map((head, place) => ({ head, numbers: columns(figure)[place].map((value, row) => (row < numbers.at.length - 1 ? value : null)) }))
    .filter((line) => line.numbers.some((value) => value !== null));

  const mark = (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("--ink");
    ctx.setLineDash([2, 4]);
    ctx.textAlign = "left";
    for (const [at, limit] of numbers.limits) {
      const x = Math.round(u.valToPos(at, "x", true));
      if (x < bbox.left) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillText(`${section.dataset.limit} ${limit ?? "–"}`, x + 4, bbox.top + 12 * devicePixelRatio);
    }
    ctx.restore();
  };

  const draw = (figure) => {
    const plot = figure.querySelector(".plot");
    plot.textContent = "";
    const isLog = "log" in figure.dataset;
    const isDecade = (y) => Math.log10(y) % 1 === 0;
    const grid = { stroke: colour("--line"), width: 1, filter: (u, splits) => splits.map((y) => (!isLog || isDecade(y) ? y : null)) };
    const axis = { stroke: colour("--soft"), ticks: { show: false } };
    const shown = lines(figure);
    const series = shown.map(({ head }) => ({
      label: head.textContent,
      stroke: colour(head.dataset.colour),
      width: 2,
      dash: head.dataset.dash ? head.dataset.dash.split(" ").map(Number) : [],
      spanGaps: true,
      points: { show: isLog, size: 5 },
      value: (u, value, line, place) => (place === null ? "" : short(value)),
    }));
    const options = {
      width: plot.clientWidth,
      height: 240,
      series: [{ label: section.dataset.time, value: (u, at) => (at === null ? "" : moment(at)) }, ...series],
      scales: { y: isLog ? { distr: 3 } : { range: (u, least, most) => [0, Math.max(most * 1.1, 4)] } },
      axes: [
        { ...axis, size: 32, grid: { stroke: grid.stroke, width: 1 }, values: (u, splits) => splits.map((at) => (isMidnight(at) ? day(at) : clock(at))) },
        { ...axis, grid, size: 56, values: (u, splits) => splits.map((y) => (y === null ? "" : `${short(y)}${isLog ? " s" : ""}`)),
          ...(isLog ? {} : { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000] }) },
      ],
      legend: { markers: { width: 2, dash: (u, place) => (shown[place - 1]?.head.dataset.dash ? "dashed" : "solid") } },
      cursor: { drag: { x: false, y: false } },
      hooks: { draw: "marks" in figure.dataset ? [mark] : [] },
    };
    figure.chart = new uPlot(options, [numbers.at, ...shown.map((line) => line.numbers)], plot);
  };

  const fill = (figure) => {
    const body = document.createElement("tbody");
    for (let row = numbers.at.length - 1; row >= 0; row -= 1) {
      const line = body.insertRow();
      const head = document.createElement("th");
      head.scope = "row";
      const time = document.createElement("time");
      time.dateTime = new Date(numbers.at[row] * 1000).toISOString();
      time.dataset.plain = "";
      time.textContent = time.dateTime.slice(0, 19).replace("T", " ");
      head.append(time);
      line.append(head);
      for (const column of columns(figure)) {
        const cell = line.insertCell();
        cell.className = "number";
        cell.textContent = short(column[row]);
      }
    }
    figure.querySelector("tbody").replaceWith(body);
  };

  const load = async () => {
    const answer = await fetch(section.dataset.source, { headers: tag ? { "If-None-Match": tag } : {} }).catch(() => null);
    if (!answer || answer.status !== 200) return;
    tag = answer.headers.get("ETag");
    const isFirst = !numbers;
    numbers = await answer.json();
    for (const figure of figures) {
      if (!isFirst) fill(figure);
      draw(figure);
    }
    document.dispatchEvent(new Event("fresh"));
  };

  const redraw = () => numbers && figures.forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new ResizeObserver(() => {
    for (const { chart, firstElementChild } of figures) {
      const width = section.querySelector(".plot").clientWidth;
      if (chart && chart.width !== width) chart.setSize({ width, height: chart.height });
    }
  }).observe(section);
  setInterval(() => {
    if (!document.hidden && !document.documentElement.hasAttribute("data-paused")) load();
  }, 30000);
  load();
})();
