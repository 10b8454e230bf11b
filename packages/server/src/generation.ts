import type { Call } from "./http/admission.ts";
import type { ServedModels } from "./served-models.ts";

/** A request that has been let in. */
export interface Generation {
  /** Who asks. */
  readonly key: string;
  /** Its JSON. */
  readonly body: unknown;
  readonly models: ServedModels;
  readonly call: Call;
  readonly limits: { readonly maxTokens: number | undefined };
  /** To tell of what ends a stream that has begun. */
  readonly onError: (error: unknown) => void;
}
