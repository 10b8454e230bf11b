import type { AnswerLengths, TrafficAnalysis } from "../analyze/traffic-analysis.ts";
import type { Distribution, Estimate } from "../statistics/quantile.ts";
import { barChart, escapeHtml, formatNumber, heatMap, lineChart } from "./charts.ts";
import { page } from "./page.ts";

/** The analysis as a web page: one file that loads nothing. */
export function trafficReport(analysis: TrafficAnalysis, title = "Traffic"): string {
  const sections = [summary(analysis), lengths(analysis), times(analysis), reuse(analysis)];
  return page(title, sections.join(""));
}

function summary({ requests, arrivals, outcomes, concurrency, serviceLevel }: TrafficAnalysis): string {
  const tiles: [string, string, string?][] = [["requests", formatNumber(requests)]];
  if (arrivals !== undefined) {
    tiles.push(
      [
        "requests/s",
        formatNumber(arrivals.rate),
        `at most ${formatNumber(arrivals.peakRate.second)} within a second`,
      ],
      [
        "burstiness (CV²)",
        formatNumber(arrivals.squaredVariation),
        arrivals.squaredVariation > 1.5 ? "burstier than random arrivals (1)" : "random arrivals have 1",
      ],
    );
  }
  if (concurrency !== undefined) {
    tiles.push([
      "at once",
      formatNumber(concurrency.mean),
      `p99 ${concurrency.p99}, at most ${concurrency.max}`,
    ]);
  }
  if (serviceLevel !== undefined && serviceLevel.judged > 0) {
    const { good, judged, goodput } = serviceLevel;
    tiles.push([
      "good",
      `${formatNumber((100 * good) / judged)} %`,
      `${formatNumber(goodput)} good requests/s`,
    ]);
  }
  const cards = tiles
    .map(
      ([name, value, note = ""]) =>
        `<div class="tile"><b>${escapeHtml(value)}</b><span>${escapeHtml(name)}</span><small>${escapeHtml(note)}</small></div>`,
    )
    .join("");
  const ends = Object.entries(outcomes).map(([label, value]) => ({ label, value }));
  const charts: string[] = [];
  if (arrivals !== undefined) {
    const part = arrivals.seconds / arrivals.rates.length;
    charts.push(
      lineChart(
        { title: "Arrivals over time", x: "seconds from the first", y: "requests/s" },
        arrivals.rates.map((y, index) => ({ x: (index + 0.5) * part, y })),
      ),
    );
  }
  if (concurrency !== undefined) {
    charts.push(
      barChart(
        { title: "Requests at once", x: "requests", y: "% of the time" },
        concurrency.shares.map((share, count) => ({ label: String(count), value: 100 * share })),
      ),
    );
  }
  if (ends.length > 1) charts.push(barChart({ title: "How they ended", x: "", y: "requests" }, ends));
  return `<section><div class="tiles">${cards}</div><div class="charts">${charts.join("")}</div></section>`;
}

const octave = (index: number) => formatNumber(2 ** index);

function lengths(analysis: TrafficAnalysis): string {
  const { promptTokens, completionTokens, sequenceTokens, maxTokens, lengths: joint } = analysis;
  const rows: Row[] = [];
  if (promptTokens !== undefined) rows.push(["prompt", promptTokens]);
  if (completionTokens !== undefined) rows.push(["answer", completionTokens]);
  if (sequenceTokens !== undefined) rows.push(["both together", sequenceTokens]);
  if (maxTokens !== undefined) rows.push(["allowed (maxTokens)", maxTokens]);
  if (rows.length === 0) return "";
  const notes: string[] = [];
  if (completionTokens !== undefined && completionTokens.censored > 0) {
    notes.push(
      `${formatNumber(completionTokens.censored)} of ${formatNumber(completionTokens.count)} answers were cut off; lengths are estimated as if none had been.`,
    );
  }
  if (maxTokens?.reservation !== undefined && maxTokens.reservation > 1.2) {
    notes.push(
      `Requests allow ${formatNumber(maxTokens.reservation)} times the tokens they come to use, and GUARANTEED_NO_EVICT reserves what they allow.`,
    );
  }
  const charts: string[] = [];
  if (joint !== undefined) {
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    const bars = (counts: readonly number[]) =>
      counts.map((value, index) => ({ label: octave(index), value }));
    const answers = joint.counts[0]!.map((_, column) => sum(joint.counts.map((row) => row[column]!)));
    charts.push(
      barChart({ title: "Prompts", x: "tokens, from", y: "requests" }, bars(joint.counts.map(sum))),
      barChart({ title: "Answers", x: "tokens, from", y: "requests" }, bars(answers)),
      heatMap({ title: "Both", x: "answer, tokens from", y: "prompt, tokens from" }, joint.counts, octave),
    );
  }
  return `<section><h2>Lengths</h2>${table("tokens", rows)}${paragraphs(notes)}<div class="charts">${charts.join("")}</div></section>`;
}

function times({ queueMs, timeToFirstTokenMs, interTokenMs, totalMs }: TrafficAnalysis): string {
  const rows: Row[] = [];
  if (queueMs !== undefined) rows.push(["queued", queueMs]);
  if (timeToFirstTokenMs !== undefined) rows.push(["to the first token", timeToFirstTokenMs]);
  if (interTokenMs !== undefined) rows.push(["between tokens, mean of a request", interTokenMs]);
  if (totalMs !== undefined) rows.push(["in all", totalMs]);
  return rows.length === 0 ? "" : `<section><h2>Times</h2>${table("milliseconds", rows)}</section>`;
}

function reuse({ prefixes }: TrafficAnalysis): string {
  if (prefixes === undefined) return "";
  const { endless, points, recordedHitRate } = prefixes;
  const notes = [
    `An endless cache would find ${formatNumber(100 * endless)} % of the prompts' tokens` +
      (recordedHitRate === undefined ? "." : `; the engine found ${formatNumber(100 * recordedHitRate)} %.`),
  ];
  const chart =
    points.length < 2
      ? ""
      : lineChart(
          { title: "What a cache finds", x: "KV cache, tokens", y: "% of prompts' tokens" },
          points.map(({ tokens, hitRate }) => ({ x: tokens, y: 100 * hitRate })),
          { logarithmic: true, top: 100 },
        );
  return `<section><h2>Shared beginnings</h2>${paragraphs(notes)}<div class="charts">${chart}</div></section>`;
}

type Row = readonly [name: string, values: Distribution | AnswerLengths];

function table(unit: string, rows: readonly Row[]): string {
  const cell = (estimate: Estimate | undefined) =>
    estimate === undefined
      ? '<td class="none">too few</td>'
      : `<td>${formatNumber(estimate.value)} <small>${formatNumber(estimate.low)} – ${formatNumber(estimate.high)}</small></td>`;
  const body = rows.map(
    ([name, { count, mean, p50, p90, p99, p999, max }]) =>
      `<tr><th>${escapeHtml(name)}</th><td>${formatNumber(count)}</td><td>${formatNumber(mean)}</td>${[p50, p90, p99, p999].map(cell).join("")}<td>${formatNumber(max)}</td></tr>`,
  );
  return `<table><thead><tr><th>${escapeHtml(unit)}</th><th>requests</th><th>mean</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>most</th></tr></thead><tbody>${body.join("")}</tbody></table>`;
}

function paragraphs(sentences: readonly string[]): string {
  return sentences.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join("");
}
