/** Draws what dashboard/live tells, once a second. Plain JavaScript: it is served as it is. */
const element = (id) => document.getElementById(id);
const { uPlot } = globalThis;

const intervalMs = 1000;
const chartHeight = 200;

/** Columns of the series by chart. */
const charts = [
  { title: "Requests", unit: "", lines: { running: "running", waiting: "waiting", batch: "batch" } },
  { title: "KV blocks", unit: "", lines: { "in use": "kvUsedBlocks", reusable: "kvCachedBlocks" } },
  { title: "Time to first token, ms (median)", unit: " ms", lines: { "first token": "timeToFirstTokenMs" } },
  { title: "Time between tokens, ms (median)", unit: " ms", lines: { "between tokens": "interTokenMs" } },
  { title: "Generated tokens a second", unit: "", lines: { "tokens/s": "tokensPerSecond" } },
  { title: "Prefix hit rate, last 10 s", unit: "", lines: { "hit rate": "hitRate" } },
];
const colors = ["#3b82f6", "#f59e0b", "#10b981"];

let plots = [];
let key = sessionStorage.getItem("key");

element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key = element("key").value;
  sessionStorage.setItem("key", key ?? "");
  update();
});
element("model").addEventListener("change", () => update());

async function update() {
  try {
    const response = await fetch(
      "dashboard/live",
      key ? { headers: { authorization: `Bearer ${key}` } } : {},
    );
    element("key-form").hidden = response.status !== 401;
    if (!response.ok)
      throw new Error(response.status === 401 ? "An API key is needed." : `Status ${response.status}`);
    show(await response.json());
    element("status").textContent = "live";
  } catch (error) {
    element("status").textContent = `No data: ${error instanceof Error ? error.message : error}`;
  }
}

function show({ models }) {
  const select = element("model");
  if (select.options.length !== models.length) {
    select.replaceChildren(...models.map(({ name }) => new Option(name)));
    select.hidden = models.length < 2;
  }
  const model = models.find(({ name }) => name === select.value);
  element("content").hidden = false;
  const { engine, load } = model;
  element("engine").textContent =
    `${model.name} on ${engine.device}, up to ${engine.maxBatchSize} requests at once`;
  showTiles(model);
  showCharts(model.series);
  showRows(model.rows, load);
}

function showTiles({ load, engine, kvCache, pressure, requests, tokens, latencies }) {
  const { blocks, cached, hitRate } = kvCache;
  const percent = (part) => `${(part * 100).toFixed(1)} %`;
  const ms = ({ count, p50, p99 }) =>
    count > 0 ? [`${p50.toFixed(1)} ms`, `p99 ${p99.toFixed(1)} ms`] : ["–", ""];
  const failed = requests.ended.failed + requests.refused;

  const tiles = [
    ["Running", String(load.running), `of ${load.maxBatch}`],
    ["Waiting", String(load.waiting), `of ${engine.maxQueueSize}`],
    ["Batch", String(load.batch), `${load.context} prompts, ${load.generation} answers`],
    ["KV cache", percent(blocks.used / blocks.total), `${blocks.used} of ${blocks.total} blocks`],
    [
      "KV cache full in",
      pressure.secondsToExhaustion === null ? "–" : `${pressure.secondsToExhaustion.toFixed(0)} s`,
      `${pressure.evictedPerSecond.toFixed(1)} evicted/s`,
    ],
    ["Prefix hit rate", percent(hitRate), cached ? `${cached.device} + ${cached.host} blocks reusable` : ""],
    ["First token", ...ms(latencies.timeToFirstTokenMs)],
    ["Between tokens", ...ms(latencies.interTokenMs)],
    ["Tokens in", tokens.prompt.toLocaleString("en"), `${tokens.cachedPrompt.toLocaleString("en")} cached`],
    ["Tokens out", tokens.completion.toLocaleString("en"), ""],
    ["Failed or refused", String(failed), ""],
  ];
  element("tiles").replaceChildren(
    ...tiles.map(([title, value, more]) => {
      const [tile, term, data, small] = ["div", "dt", "dd", "small"].map((name) =>
        document.createElement(name),
      );
      term.textContent = title;
      small.textContent = more;
      data.append(`${value} `, small);
      tile.className = "panel";
      tile.append(term, data);
      return tile;
    }),
  );
}

function showCharts(series) {
  if (plots.length === 0) plots = charts.map(createChart);
  for (const { plot, columns } of plots) {
    plot.setSize({ width: plot.root.parentElement.clientWidth - 24, height: chartHeight });
    plot.setData([series.time, ...columns.map((name) => series[name])]);
  }
}

function createChart({ title, unit, lines }) {
  const panel = document.createElement("div");
  panel.className = "panel";
  element("charts").append(panel);
  const faint = getComputedStyle(document.body).getPropertyValue("color");
  const axis = { stroke: faint, grid: { stroke: "#8884", width: 1 }, ticks: { stroke: "#8884" } };
  const value = (_, shown) => (shown === null ? "–" : `${Number(shown.toPrecision(4))}${unit}`);
  const plot = new uPlot(
    {
      title,
      width: panel.clientWidth - 24,
      height: chartHeight,
      series: [
        {},
        ...Object.keys(lines).map((label, index) => ({
          label,
          value,
          stroke: colors[index],
          width: 1.5,
          spanGaps: true,
        })),
      ],
      axes: [axis, { ...axis, size: 56 }],
      scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    },
    [[]],
    panel,
  );
  return { plot, columns: Object.values(lines) };
}

function showRows(rows, load) {
  const stages = {
    QUEUED: "waiting",
    CONTEXT_IN_PROGRESS: "prompt",
    GENERATION_IN_PROGRESS: "answer",
    GENERATION_COMPLETE: "done",
  };
  element("rows").replaceChildren(
    ...(rows ?? []).map((row) => {
      const line = document.createElement("tr");
      const cells = [
        row.id,
        row.paused ? "paused" : stages[row.stage],
        row.contextPrefillPosition,
        row.reusedBlocksPerRequest,
        row.numGeneratedTokens,
        `${(row.ageMs / 1000).toFixed(1)} s`,
      ];
      line.append(
        ...cells.map((text) => {
          const cell = document.createElement("td");
          cell.textContent = String(text);
          return cell;
        }),
      );
      return line;
    }),
  );
  element("no-rows").textContent =
    rows === undefined
      ? "Rows need requestStatsMaxIterations of at least 1."
      : load.running + load.waiting === 0
        ? "None."
        : "";
}

await update();
setInterval(update, intervalMs);
