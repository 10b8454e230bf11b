import type { ExecutorOptions } from "../config.ts";
import type { EngineRanks } from "./engine-ranks.ts";

/** Environment variables that the ranks on other machines need too. */
const forwarded = ["TRTLLM_HOST_CONFIG", "TRTLLM_HOST_SOCKET"];

/**
 * Arguments of trtllm-host: one process, or as many as the engine has ranks, started by mpirun. Rank 0 runs on this
 * machine, since it takes over the connection.
 */
export function hostArguments(
  { hostPath, libraryPath }: { readonly hostPath: string; readonly libraryPath: string },
  ranks: EngineRanks | undefined,
  { parallel, host }: Pick<ExecutorOptions, "parallel" | "host">,
): string[] {
  if (ranks === undefined || ranks.total === 1 || parallel?.mode === "orchestrator") return [libraryPath];
  const mpirun = host?.mpirun ?? ["mpirun"];
  const elsewhere = (parallel?.numNodes ?? 1) > 1 ? forwarded.flatMap((name) => ["-x", name]) : [];
  return ["launch", ...mpirun, "-n", String(ranks.total), ...elsewhere, hostPath, "rank", libraryPath];
}
