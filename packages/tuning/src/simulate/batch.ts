import { LatencyCounts } from "../statistics/latency-counts.ts";
import { PrefixCache } from "./prefix-cache.ts";
import type { RequestTable } from "./request-table.ts";
import type { SimulatedEngine } from "./simulated-engine.ts";
import type { Simulation } from "./simulation.ts";
import { StepHeap } from "./step-heap.ts";
import { attentionPairs, noWork, type StepTime } from "./step-time.ts";

/**
 * The requests that run. A step costs no time for each of them: answers in progress are counts, and a request is
 * touched when it begins, joins, pauses or ends.
 */
export class Batch {
  now = 0;
  active = 0;
  readonly #table: RequestTable;
  readonly #engine: SimulatedEngine;
  readonly #stepTime: StepTime;
  readonly #work = noWork();
  readonly #part = noWork();

  /** Steps so far. An answer that joined before step s gets a token in each step from s on. */
  #step = 0;
  /** Prompts to compute, in order of admission. */
  #context: number[] = [];
  /** Under MAX_UTILIZATION: in order of admission, with some that have ended. */
  #admitted: number[] = [];
  readonly #ending = new StepHeap();
  #generating = 0;
  #kvTokens = 0;
  /** Whose first token came before the end of the last step. */
  #early: number[] = [];

  readonly #cache = new PrefixCache();
  /** Blocks of active requests, those shared counted for each. */
  #blocks = 0;
  /** Of which so many are counted more than once. */
  #sharedBlocks = 0;
  #promised = 0;
  #open = true;
  /** Answers by the steps in which they need another block: those s where s % tokensPerBlock is the index. */
  readonly #phases: Int32Array;

  readonly #stored: Int32Array; // tokens with KV, at the last touch
  readonly #given: Int32Array; // tokens of the answer, at the last touch
  readonly #joined: Int32Array; // the first step of which it gets a token; -1: not generating
  readonly #begun: Uint8Array;
  readonly #lastToken: Float64Array;

  readonly #queueMs: Float64Array;
  readonly #firstMs: Float64Array;
  readonly #interMs: Float64Array;
  readonly #totalMs: Float64Array;
  readonly #cached: Int32Array;
  readonly #latencies = new LatencyCounts();
  #pauses = 0;
  #busyMs = 0;
  #generated = 0;
  #generatingSteps = 0;
  #peakBlocks = 0;

  constructor(table: RequestTable, engine: SimulatedEngine, stepTime: StepTime) {
    const { count } = table;
    this.#table = table;
    this.#engine = engine;
    this.#stepTime = stepTime;
    this.#phases = new Int32Array(engine.tokensPerBlock);
    this.#stored = new Int32Array(count);
    this.#given = new Int32Array(count);
    this.#joined = new Int32Array(count).fill(-1);
    this.#begun = new Uint8Array(count);
    this.#lastToken = new Float64Array(count);
    this.#queueMs = new Float64Array(count).fill(Number.NaN);
    this.#firstMs = new Float64Array(count).fill(Number.NaN);
    this.#interMs = new Float64Array(count).fill(Number.NaN);
    this.#totalMs = new Float64Array(count).fill(Number.NaN);
    this.#cached = new Int32Array(count);
  }

  tryAdmit(request: number): boolean {
    const { maxBatchSize, schedulerPolicy, kvBlocks } = this.#engine;
    this.#open ||= this.active === 0;
    if (this.active >= maxBatchSize || (schedulerPolicy === "STATIC_BATCH" && !this.#open)) return false;
    const whole = this.#table.wholeBlocks[request]!;
    const room = kvBlocks + this.#sharedBlocks - this.#promised;
    if (schedulerPolicy !== "MAX_UTILIZATION" && whole > room) return false;
    this.#promised += whole;
    this.active += 1;
    this.#context.push(request);
    if (schedulerPolicy === "MAX_UTILIZATION") this.#admitted.push(request);
    return true;
  }

  /** Computes steps until a request arrives, ends or may come in. */
  run(nextArrival: number): void {
    this.#open = false;
    if (this.#context.length > 0) {
      this.#mixedStep();
      return;
    }
    const work = this.#work;
    work.contextParts = work.contextTokens = work.contextPairs = 0;
    do {
      if (this.#engine.schedulerPolicy === "MAX_UTILIZATION" && this.#makeRoom()) return;
      work.generating = this.#generating;
      work.kvTokens = this.#kvTokens;
      this.#advance(this.#stepTime.ms(work));
    } while (!this.#endFinished() && this.now < nextArrival);
  }

  #mixedStep(): void {
    if (this.#engine.schedulerPolicy === "MAX_UTILIZATION") this.#makeRoom();
    const parts = this.#schedule();
    const [work, part] = [this.#work, this.#part];
    work.contextParts = work.contextTokens = work.contextPairs = 0;
    part.generating = part.kvTokens = 0;
    const begin = this.now;
    const done: [request: number, at: number | undefined][] = [];
    for (const [request, tokens] of parts) {
      const past = this.#stored[request]!;
      work.contextParts += 1;
      work.contextTokens += tokens;
      work.contextPairs += attentionPairs(tokens, past);
      this.#stored[request] = past + tokens;
      if (past + tokens < this.#length(request)) continue;
      part.contextParts = work.contextParts;
      part.contextTokens = work.contextTokens;
      part.contextPairs = work.contextPairs;
      done.push([request, this.#stepTime.deliversPartsInTurn ? begin + this.#stepTime.ms(part) : undefined]);
    }
    work.generating = this.#generating;
    work.kvTokens = this.#kvTokens;
    if (parts.length === 0 && work.generating === 0) throw new Error("The simulated batch cannot go on.");
    this.#advance(this.#stepTime.ms(work));
    this.#endFinished();
    if (done.length > 0) {
      const computed = new Set(done.map(([request]) => request));
      this.#context = this.#context.filter((request) => !computed.has(request));
    }
    for (const [request, at] of done) this.#join(request, at ?? this.now);
  }

  /** Which prompts are computed, and how many tokens of each. */
  #schedule(): [request: number, tokens: number][] {
    const { maxNumTokens, contextChunkingPolicy, tokensPerBlock } = this.#engine;
    let budget = maxNumTokens - this.#generating;
    const missing = (request: number) => this.#length(request) - this.#stored[request]!;
    const parts: [number, number][] = [];
    const inOrder = contextChunkingPolicy === "FIRST_COME_FIRST_SERVED";
    for (const request of this.#context) {
      if (inOrder && budget <= 0) break;
      const begin = this.#tryBegin(request);
      if (begin === "no room") break;
      if (begin === "wait") continue;
      const tokens = inOrder ? Math.min(budget, missing(request)) : 0;
      budget -= tokens;
      parts.push([request, tokens]);
    }
    for (let progress = !inOrder; progress && budget > 0; ) {
      progress = false;
      for (const part of parts) {
        const more = Math.min(budget, missing(part[0]) - part[1], tokensPerBlock);
        part[1] += more;
        budget -= more;
        progress ||= more > 0;
      }
    }
    return parts.filter(([, tokens]) => tokens > 0);
  }

  /** Begins the prompt's computation, unless it is better to wait for another one's. */
  #tryBegin(request: number): "begun" | "wait" | "no room" {
    if (this.#begun[request] === 1) return "begun";
    const { prefix, prefixTokens } = this.#table;
    const blocks = prefix[request]!;
    const found = this.#cache.match(blocks);
    if (this.#isBeingComputed(blocks, found)) return "wait";
    const perPrefix = prefixTokens / this.#engine.tokensPerBlock;
    const shared = this.#cache.shared(blocks) * perPrefix;
    const needed = this.#blocksOf(this.#length(request));
    if (this.#nextBlocks + needed - shared > this.#engine.kvBlocks) return "no room";
    this.#cache.use(blocks, request);
    this.#sharedBlocks += shared;
    this.#blocks += needed;
    this.#noteUse();
    this.#begun[request] = 1;
    this.#stored[request] = found * prefixTokens;
    if (Number.isNaN(this.#queueMs[request])) {
      this.#queueMs[request] = this.now - this.#table.arrival[request]!;
      this.#cached[request] = found * prefixTokens;
    }
    return "begun";
  }

  /** Whether another prompt that is being computed will store some of these blocks. */
  #isBeingComputed(blocks: readonly number[], found: number): boolean {
    for (let index = 0; index < found; index += 1) {
      const owner = this.#cache.owner(blocks[index]!);
      if (owner === undefined || this.#joined[owner] !== -1) continue;
      if (this.#stored[owner]! < (index + 1) * this.#table.prefixTokens) return true;
    }
    return false;
  }

  #advance(ms: number): void {
    this.now += ms;
    this.#busyMs += ms;
    this.#latencies.add(ms, this.#generating - this.#early.length);
    for (const request of this.#early) this.#latencies.add(this.now - this.#lastToken[request]!);
    this.#early = [];
    const more = this.#phases[this.#step % this.#phases.length]!;
    if (more > 0) {
      this.#blocks += more;
      this.#noteUse();
    }
    this.#kvTokens += this.#generating;
    this.#generated += this.#generating;
    this.#generatingSteps += this.#generating;
    this.#step += 1;
  }

  /** A prompt is computed: its next token is there. */
  #join(request: number, at: number): void {
    const first = this.#table.arrival[request]!;
    if (this.#given[request] === 0) this.#firstMs[request] = at - first;
    else this.#latencies.add(at - this.#lastToken[request]!);
    this.#given[request]! += 1;
    this.#generated += 1;
    this.#lastToken[request] = at;
    this.#joined[request] = this.#step;
    const left = this.#table.answer[request]! - this.#given[request]!;
    const stored = this.#stored[request]!;
    this.#generating += 1;
    this.#kvTokens += stored + 1;
    this.#phases[this.#phase(request)]! += 1;
    if (left === 0) {
      this.#leave(request, at);
      return;
    }
    if (at < this.now) this.#early.push(request);
    this.#ending.push(this.#step + left, request);
  }

  #endFinished(): boolean {
    let ended = false;
    while (this.#ending.firstStep <= this.#step) {
      const step = this.#ending.firstStep;
      const request = this.#ending.pop();
      // One that was paused, and has another end now.
      if (this.#joined[request] === -1 || this.#endStep(request) !== step) continue;
      this.#leave(request, this.now);
      ended = true;
    }
    return ended;
  }

  #endStep(request: number): number {
    return this.#joined[request]! + this.#table.answer[request]! - this.#given[request]!;
  }

  #leave(request: number, at: number): void {
    const [arrival, answer] = [this.#table.arrival[request]!, this.#table.answer[request]!];
    this.#dropKv(request);
    this.#totalMs[request] = at - arrival;
    if (answer > 1) this.#interMs[request] = (at - arrival - this.#firstMs[request]!) / (answer - 1);
    this.#promised -= this.#table.wholeBlocks[request]!;
    this.active -= 1;
  }

  /** Of an answer in progress: its tokens so far are written down, its blocks become idle. */
  #dropKv(request: number): void {
    this.#phases[this.#phase(request)]! -= 1;
    const tokens = this.#step - this.#joined[request]!;
    const stored = this.#stored[request]! + tokens;
    this.#given[request]! += tokens;
    this.#generating -= 1;
    this.#kvTokens -= stored + 1;
    this.#joined[request] = -1;
    this.#release(request, stored, this.#blocksOf(stored));
  }

  #release(request: number, stored: number, heldBlocks: number): void {
    const { prefix, prefixTokens } = this.#table;
    this.#blocks -= heldBlocks;
    this.#begun[request] = 0;
    this.#stored[request] = 0;
    if (prefixTokens === 0) return;
    const blocks = prefix[request]!;
    const answerBlocks = Math.floor(stored / prefixTokens) - blocks.length;
    this.#cache.release(blocks, Math.floor(stored / prefixTokens), Math.max(answerBlocks, 0));
    this.#sharedBlocks -= this.#cache.shared(blocks) * (prefixTokens / this.#engine.tokensPerBlock);
    this.#noteUse();
  }

  /** Under MAX_UTILIZATION: pauses the last requests until the next step's blocks are there. Whether it paused any. */
  #makeRoom(): boolean {
    let paused = false;
    while (this.#nextBlocks > this.#engine.kvBlocks && this.#pauseLast()) paused = true;
    return paused;
  }

  #pauseLast(): boolean {
    for (let index = this.#admitted.length - 1; index >= 0; index -= 1) {
      const request = this.#admitted[index]!;
      if (this.#joined[request] === -1 && this.#begun[request] === 0) {
        if (!Number.isNaN(this.#totalMs[request])) this.#admitted.splice(index, 1);
        continue;
      }
      this.#pauses += 1;
      if (this.#joined[request] === -1) {
        this.#release(request, this.#stored[request]!, this.#blocksOf(this.#length(request)));
      } else {
        this.#lastToken[request] = this.now;
        this.#early = this.#early.filter((each) => each !== request);
        this.#dropKv(request);
        this.#context.push(request);
        this.#context.sort((a, b) => a - b);
      }
      return true;
    }
    return false;
  }

  #noteUse(): void {
    this.#peakBlocks = Math.max(this.#peakBlocks, this.#usedBlocks);
    if (this.#table.prefixTokens === 0) return;
    const perPrefix = this.#table.prefixTokens / this.#engine.tokensPerBlock;
    this.#cache.trim(Math.max(Math.floor((this.#engine.kvBlocks - this.#usedBlocks) / perPrefix), 0));
  }

  get #usedBlocks(): number {
    return this.#blocks - this.#sharedBlocks;
  }

  /** With those that answers in progress take in the next step. */
  get #nextBlocks(): number {
    return this.#usedBlocks + this.#phases[this.#step % this.#phases.length]!;
  }

  /** Tokens to compute before the next one: the prompt, and what the answer had when it was paused. */
  #length(request: number): number {
    return this.#table.prompt[request]! + this.#given[request]!;
  }

  #blocksOf(tokens: number): number {
    return Math.ceil(tokens / this.#engine.tokensPerBlock);
  }

  /** In which steps, by their remainder, an answer needs another block: where its stored tokens fill the last one. */
  #phase(request: number): number {
    const size = this.#phases.length;
    return (((this.#joined[request]! - this.#stored[request]!) % size) + size) % size;
  }

  result(refused: number, durationMs: number): Simulation {
    return {
      queueMs: this.#queueMs,
      timeToFirstTokenMs: this.#firstMs,
      interTokenMs: this.#interMs,
      totalMs: this.#totalMs,
      cachedPromptTokens: this.#cached,
      interTokenLatencies: this.#latencies,
      refused,
      pauses: this.#pauses,
      steps: this.#step,
      durationMs,
      busyMs: this.#busyMs,
      generatedTokens: this.#generated,
      meanBatch: this.#step > 0 ? this.#generatingSteps / this.#step : 0,
      peakKvBlocks: this.#peakBlocks,
    };
  }
}
