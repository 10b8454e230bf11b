import type { ExecutorOptions } from "../config.ts";
import { ConfigError } from "../errors.ts";
import type { EngineRanks } from "./engine-ranks.ts";

/**
 * Holds what the options say of GPUs and processes against the engine's mapping.
 * @throws ConfigError
 */
export function checkRanks(
  { tensor, pipeline, context, total }: EngineRanks,
  { parallel = {}, isolation, host }: Pick<ExecutorOptions, "parallel" | "isolation" | "host">,
): void {
  const { mode = "leader", deviceIds, participantIds, numNodes = 1 } = parallel;
  const mapping = `the engine has ${total} ranks (tensor parallel ${tensor} x pipeline parallel ${pipeline} x context parallel ${context})`;
  const refuse = (problem: string): never => {
    throw new ConfigError(`${problem}, but ${mapping}.`);
  };
  if (deviceIds !== undefined && deviceIds.length * numNodes !== total) {
    refuse(`parallel.deviceIds names ${deviceIds.length} GPUs of each of ${numNodes} machines`);
  }
  if (participantIds !== undefined && participantIds.length !== total) {
    refuse(`parallel.participantIds names ${participantIds.length} ranks`);
  }
  if (numNodes > total) refuse(`parallel.numNodes is ${numNodes}`);
  if (mode === "leader" && total > 1 && isolation === "none") {
    refuse(
      'isolation is "none", which is one process. Leave it out: each rank then gets a process of its own',
    );
  }
  const count = host?.mpirun?.find((word) => ["-n", "-np", "-c", "--n", "--np"].includes(word));
  if (count !== undefined)
    refuse(`host.mpirun has ${count}, and the number of processes follows from the engine`);
}
