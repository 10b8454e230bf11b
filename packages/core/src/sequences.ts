import { InvalidRequestError, UnsupportedError } from "./errors.ts";
import type { EngineInfo, ExecutorRequest, SamplingOptions } from "./executor-like.ts";

/** What says how beams are searched. */
const ofBeams = ["lengthPenalty", "beamSearchDiversityRate", "earlyStopping"] as const;
/** What says how tokens are drawn. */
const ofDraws = ["topK", "topP", "topPDecay", "minP", "seed"] as const;

/** Sequences that a request computes side by side. */
export function computedSequences({ beamWidth = 1, numReturnSequences = 1 }: SamplingOptions = {}): number {
  return beamWidth > 1 ? beamWidth : numReturnSequences;
}

/** Sequences that a request is answered with; `undefined` where it asks for one as if there were no others. */
export function returnedSequences({
  beamWidth = 1,
  numReturnSequences,
}: SamplingOptions = {}): number | undefined {
  if (beamWidth > 1) return numReturnSequences ?? beamWidth;
  return (numReturnSequences ?? 1) > 1 ? numReturnSequences : undefined;
}

/**
 * Of a request whose numbers are in range.
 * @throws InvalidRequestError, UnsupportedError
 */
export function checkSequences(request: ExecutorRequest, engine: EngineInfo): void {
  const { sampling = {}, guided, logProbs = false, topLogProbs = 0 } = request;
  const { beamWidth = 1, numReturnSequences = 1 } = sampling;
  if (beamWidth === 1) {
    refuse(sampling, ofBeams, "belongs to beam search: set beamWidth above 1, or leave it out.");
    return;
  }
  if (beamWidth > engine.maxBeamWidth) {
    throw new InvalidRequestError(
      `sampling.beamWidth is ${beamWidth}; the engine was loaded with maxBeamWidth ${engine.maxBeamWidth}. Raise that when loading it, or lower beamWidth.`,
    );
  }
  if (numReturnSequences > beamWidth) {
    throw new InvalidRequestError(
      `sampling.numReturnSequences is ${numReturnSequences} and beamWidth ${beamWidth}. A beam search returns its beams at most.`,
    );
  }
  refuse(sampling, ofDraws, "has no meaning in beam search, which draws nothing: leave it out.");
  if (guided !== undefined)
    throw new UnsupportedError("Guided decoding is not possible with beam search. Leave one of the two out.");
  if (logProbs && topLogProbs > 0)
    throw new UnsupportedError(
      "topLogProbs of an answer are not kept in beam search. Ask for logProbs alone.",
    );
}

function refuse(sampling: SamplingOptions, keys: readonly (keyof SamplingOptions)[], reason: string): void {
  const given = keys.find((key) => sampling[key] !== undefined);
  if (given !== undefined) throw new InvalidRequestError(`sampling.${given} ${reason}`);
}
