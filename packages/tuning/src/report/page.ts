import { escapeHtml } from "./charts.ts";

const style = `
:root { color-scheme: light dark; --ink: light-dark(#1a1f24, #e6e9ec); --soft: light-dark(#66707a, #98a2ac); --paper: light-dark(#fff, #14181c);
  --card: light-dark(#f5f7f8, #1d2328); --grid: light-dark(#e2e6e9, #2c343b); --mark: light-dark(#4a8a00, #8ed11f); }
body { margin: 0 auto; max-width: 1180px; padding: 24px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0 0 16px; } h2 { font-size: 19px; margin: 28px 0 10px; }
.tiles, .charts { display: grid; gap: 14px; }
.tiles { grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); }
.charts { grid-template-columns: repeat(auto-fill, minmax(min(360px, 100%), 1fr)); margin-top: 14px; }
.tile, figure { background: var(--card); border-radius: 10px; padding: 12px 14px; margin: 0; }
.tile b { display: block; font-size: 24px; } .tile span { display: block; } small { color: var(--soft); font-size: 12px; }
figcaption { font-weight: 600; margin-bottom: 4px; } svg { width: 100%; height: auto; display: block; }
.mark { fill: var(--mark); } .line { fill: none; stroke: var(--mark); stroke-width: 2; stroke-linejoin: round; }
.grid { stroke: var(--grid); } .tick { fill: var(--soft); font-size: 12px; } .axis { fill: var(--soft); font-size: 12px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 8px; border-bottom: 1px solid var(--grid); white-space: nowrap; } th:first-child { text-align: left; }
thead th { color: var(--soft); font-weight: 500; } .none { color: var(--soft); }
section { overflow-x: auto; }
`;

/** A page that loads nothing: neither scripts nor fonts nor images. */
export function page(title: string, body: string): string {
  const name = escapeHtml(title);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${name}</title><style>${style}</style></head><body><h1>${name}</h1>${body}</body></html>
`;
}
