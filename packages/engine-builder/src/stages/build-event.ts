import type { MeasureName } from "../drivers/build-log.ts";

export type BuildStage = "download" | "source" | "checkpoint" | "engine" | "output";

/** What happens during a build. */
export type BuildEvent =
  | {
      readonly kind: "stage";
      readonly stage: BuildStage;
      /** `"reused"`: an earlier run had finished it with the same inputs. */
      readonly state: "started" | "reused" | "finished";
    }
  /** The exact command, as a line for a POSIX shell. */
  | { readonly kind: "command"; readonly stage: BuildStage; readonly line: string }
  /** `fraction` of the stage, 0 to 1; an estimate for the stages that run a tool. */
  | {
      readonly kind: "progress";
      readonly stage: BuildStage;
      readonly message: string;
      readonly fraction: number;
    }
  | {
      readonly kind: "measure";
      readonly stage: BuildStage;
      readonly rank: number;
      readonly name: MeasureName;
      readonly value: number;
    }
  /** `"error"`: the tool reports one; it may still go on. */
  | { readonly kind: "warning" | "error"; readonly stage: BuildStage; readonly message: string }
  /** A line of a tool's output. */
  | { readonly kind: "output"; readonly stage: BuildStage; readonly line: string };
