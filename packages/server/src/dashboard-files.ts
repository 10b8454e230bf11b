import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { ApiError } from "./api-error.ts";

const require = createRequire(import.meta.url);

/** This file lies as deep as the bundle does. */
const own = (name: string) => () => fileURLToPath(new URL(`../dashboard/${name}`, import.meta.url));
const uPlot = (name: string) => () => require.resolve(`uplot/dist/${name}`);

/** What a browser loads, by its path below /dashboard. It tells nothing about the models, so nobody needs a key for it. */
const files = new Map<string, [type: string, path: () => string]>([
  ["", ["text/html; charset=utf-8", own("page.html")]],
  ["page.js", ["text/javascript; charset=utf-8", own("page.js")]],
  ["page.css", ["text/css; charset=utf-8", own("page.css")]],
  ["uPlot.iife.min.js", ["text/javascript; charset=utf-8", uPlot("uPlot.iife.min.js")]],
  ["uPlot.min.css", ["text/css; charset=utf-8", uPlot("uPlot.min.css")]],
]);

const headers = {
  "cache-control": "no-cache",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

export function isDashboardFile(name: string): boolean {
  return files.has(name);
}

/** @throws ApiError: 404 */
export async function dashboardFile(name: string): Promise<Response> {
  const file = files.get(name);
  if (file === undefined)
    throw new ApiError(404, `The dashboard has no file '${name}'.`, { code: "unknown_url" });
  const [type, path] = file;
  return new Response(await readFile(path()), { headers: { ...headers, "content-type": type } });
}
