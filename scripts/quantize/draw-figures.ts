import type { Evaluation } from "@trtllm-node/runtime";

export interface Figure extends Evaluation {
  readonly name: string;
  readonly bitsPerWeight: number;
}

const width = 720;
const rowHeight = 30;
const top = 52;
const columns = { name: 150, panel: 235, gap: 50 };

/** Two panels of bars, one row for each format. */
export function drawFigures(figures: readonly Figure[]): string {
  const height = top + figures.length * rowHeight + 16;
  const change = figures.map(({ perplexity, referencePerplexity }) => perplexity / referencePerplexity - 1);
  const other = figures.map(({ topAgreement }) => 1 - topAgreement);
  const percent = (value: number) => `${(value * 100).toFixed(1)} %`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    "<title>What quantizing SmolLM2-135M costs: perplexity, and how often another token is the likeliest</title>",
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...figures.map(({ name }, row) => label(name, columns.name - 12, row)),
    ...panel("Perplexity above unquantized", columns.name, change, percent),
    ...panel("Another token is the likeliest", columns.name + columns.panel + columns.gap, other, percent),
    "</svg>\n",
  ].join("\n");
}

function label(text: string, right: number, row: number): string {
  return `<text x="${right}" y="${middle(row)}" text-anchor="end" dominant-baseline="central" fill="#1f2328">${text}</text>`;
}

function panel(
  title: string,
  left: number,
  values: readonly number[],
  format: (value: number) => string,
): string[] {
  const room = columns.panel - 55;
  const most = Math.max(...values);
  return [
    `<text x="${left}" y="28" font-weight="600" fill="#1f2328">${title}</text>`,
    `<line x1="${left}" x2="${left}" y1="${top - 6}" y2="${top + values.length * rowHeight}" stroke="#8c959f"/>`,
    ...values.flatMap((value, row) => {
      const length = Math.max(0, (value / most) * room);
      const y = middle(row);
      return [
        `<rect x="${left}" y="${y - 8}" width="${length.toFixed(1)}" height="16" fill="#3d7d2f"/>`,
        `<text x="${(left + length + 6).toFixed(1)}" y="${y}" dominant-baseline="central" fill="#1f2328">${format(value)}</text>`,
      ];
    }),
  ];
}

function middle(row: number): number {
  return top + row * rowHeight + rowHeight / 2;
}
