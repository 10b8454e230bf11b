/** Charts as SVG, which a page needs no script for. Colours come from the page's style sheet. */

const width = 560;
const height = 200;
const margin = { left: 52, right: 12, top: 10, bottom: 34 };
const plotWidth = width - margin.left - margin.right;
const plotHeight = height - margin.top - margin.bottom;

/** Text as it may stand in HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Three digits, and a unit of thousands. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (size >= 10_000) return `${Number((value / 1000).toPrecision(3))} k`;
  return size >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

interface Axes {
  readonly title: string;
  readonly x: string;
  readonly y: string;
}

export interface Bar {
  readonly label: string;
  readonly value: number;
}

export function barChart(axes: Axes, bars: readonly Bar[]): string {
  const top = niceTop(highest(bars.map(({ value }) => value)));
  const step = plotWidth / Math.max(bars.length, 1);
  const every = Math.ceil(bars.length / 10);
  const shapes = bars.map(({ label, value }, index) => {
    const size = (value / top) * plotHeight;
    const x = margin.left + index * step;
    const tick = index % every === 0 ? text(x + step / 2, height - margin.bottom + 14, label, "middle") : "";
    return `<rect class="mark" x="${round(x + step * 0.08)}" y="${round(margin.top + plotHeight - size)}" width="${round(step * 0.84)}" height="${round(size)}"><title>${escapeHtml(label)}: ${formatNumber(value)}</title></rect>${tick}`;
  });
  return frame(axes, yAxis(top) + shapes.join(""));
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** @param logarithmic of the x axis, whose values are then above 0 */
export function lineChart(
  axes: Axes,
  points: readonly Point[],
  { logarithmic = false, top }: { readonly logarithmic?: boolean; readonly top?: number } = {},
): string {
  const scaled = logarithmic ? Math.log2 : (value: number) => value;
  const [from, to] = [scaled(points[0]?.x ?? 0), scaled(points.at(-1)?.x ?? 1)];
  const most = top ?? niceTop(highest(points.map(({ y }) => y)));
  const place = ({ x, y }: Point) => {
    const across = to > from ? (scaled(x) - from) / (to - from) : 0.5;
    return `${round(margin.left + across * plotWidth)},${round(margin.top + (1 - y / most) * plotHeight)}`;
  };
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const value = from + share * (to - from);
    const label = formatNumber(logarithmic ? 2 ** value : value);
    return text(margin.left + share * plotWidth, height - margin.bottom + 14, label, "middle");
  });
  return frame(
    axes,
    `${yAxis(most)}<polyline class="line" points="${points.map(place).join(" ")}"/>${ticks.join("")}`,
  );
}

/** @param cells [row][column]; row 0 is at the bottom */
export function heatMap(
  axes: Axes,
  cells: readonly (readonly number[])[],
  label: (index: number) => string,
): string {
  const columns = cells[0]?.length ?? 0;
  const [stepX, stepY] = [plotWidth / Math.max(columns, 1), plotHeight / Math.max(cells.length, 1)];
  const most = highest(cells.flat());
  const shapes = cells.flatMap((row, y) =>
    row.map((count, x) => {
      if (count === 0) return "";
      const opacity = round(0.12 + 0.88 * Math.sqrt(count / most));
      return `<rect class="mark" opacity="${opacity}" x="${round(margin.left + x * stepX)}" y="${round(margin.top + plotHeight - (y + 1) * stepY)}" width="${round(stepX - 1)}" height="${round(stepY - 1)}"><title>${label(y)} × ${label(x)}: ${count}</title></rect>`;
    }),
  );
  const xTicks = Array.from({ length: columns }, (_, x) =>
    text(margin.left + (x + 0.5) * stepX, height - margin.bottom + 14, label(x), "middle"),
  );
  const yTicks = cells.map((_, y) =>
    text(margin.left - 6, margin.top + plotHeight - (y + 0.5) * stepY + 3, label(y), "end"),
  );
  return frame(axes, [...shapes, ...xTicks, ...yTicks].join(""));
}

function frame({ title, x, y }: Axes, content: string): string {
  return `<figure><figcaption>${escapeHtml(title)}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">${content}${text(margin.left + plotWidth / 2, height - 4, x, "middle", "axis")}<text class="axis" text-anchor="middle" transform="translate(11 ${margin.top + plotHeight / 2}) rotate(-90)">${escapeHtml(y)}</text></svg></figure>`;
}

function yAxis(top: number): string {
  return [0, 0.5, 1]
    .map((share) => {
      const y = round(margin.top + (1 - share) * plotHeight);
      return `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y}" y2="${y}"/>${text(margin.left - 6, y + 3, formatNumber(share * top), "end")}`;
    })
    .join("");
}

function text(x: number, y: number, content: string, anchor: string, kind = "tick"): string {
  return `<text class="${kind}" text-anchor="${anchor}" x="${round(x)}" y="${round(y)}">${escapeHtml(content)}</text>`;
}

function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** 1, 2 or 5 times a power of ten, at least `value`. */
function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= value)!;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
