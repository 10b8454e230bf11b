import { HubApiError, listFiles, modelInfo } from "@huggingface/hub";
import { namesProblem } from "../bundle/entry-name.ts";
import { DownloadError, ModelError } from "../errors.ts";
import type { HubModel } from "./hub-model.ts";

/** How a hub is spoken to. */
export interface HubAccess {
  readonly hubUrl: string;
  readonly accessToken: string | undefined;
  readonly fetch: typeof fetch;
}

export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the content, or SHA-1 of git's blob of it, in hexadecimal digits. */
  readonly digest: { readonly algorithm: "sha256" | "git"; readonly value: string };
}

/** What a build and the runtime read. Weights in pickles may run code, and those of other frameworks are not read. */
const wanted = /^[^/]*\.(safetensors|safetensors\.index\.json|json|jinja|txt|model|tiktoken)$/;
/** Licences are small, and belong to the weights. */
const licence = /^(LICEN[CS]E|NOTICE|README|USE_POLICY)[^/]*$/i;

/**
 * The commit that a revision names now.
 * @throws ModelError (ERR_MODEL_NOT_FOUND), DownloadError
 */
export async function resolveCommit({ name, revision }: HubModel, access: HubAccess): Promise<string> {
  const info = await described(name, modelInfo({ name, revision, additionalFields: ["sha"], ...access }));
  if (typeof info.sha === "string" && /^[0-9a-f]{40,64}$/.test(info.sha)) return info.sha;
  throw new DownloadError(`The hub does not say which commit ${name}@${revision} is.`);
}

/**
 * The files of a commit that are of use here.
 * @throws ModelError (ERR_MODEL_NOT_FOUND, ERR_MODEL_UNSUPPORTED), DownloadError
 */
export async function hubFiles(name: string, commit: string, access: HubAccess): Promise<HubFile[]> {
  const listed = await described(name, collect(listFiles({ repo: name, revision: commit, ...access })));
  const files = listed
    .filter(({ type, path }) => type === "file" && (wanted.test(path) || licence.test(path)))
    .map(({ path, size, oid, lfs }): HubFile => {
      if (lfs) return { path, bytes: lfs.size, digest: { algorithm: "sha256", value: lfs.oid } };
      if (oid) return { path, bytes: size, digest: { algorithm: "git", value: oid } };
      throw new DownloadError(`The hub gives no digest of ${path} of ${name}, so it could not be checked.`);
    });
  const problem = namesProblem(files.map(({ path }) => path));
  if (problem !== undefined) throw new DownloadError(`The files of ${name}: ${problem}.`);
  if (files.some(({ path }) => path.endsWith(".safetensors"))) return files;
  throw new ModelError(
    "ERR_MODEL_UNSUPPORTED",
    `${name} has no safetensors, which are what engines are built of. Take another model, or convert it.`,
    name,
  );
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The hub's answer, or an error that says what to do. */
async function described<T>(name: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (!(cause instanceof HubApiError)) {
      throw new DownloadError(`The hub cannot be reached: ${reason(cause)}.`, { cause });
    }
    const { statusCode } = cause;
    if (statusCode !== 401 && statusCode !== 403 && statusCode !== 404) {
      throw new DownloadError(`The hub answered ${statusCode} about ${name}: ${cause.message}`, { cause });
    }
    const hint =
      statusCode === 404
        ? "Is its name spelled right, and its revision? "
        : "Accept its terms on its page where it has some. ";
    throw new ModelError(
      "ERR_MODEL_NOT_FOUND",
      `The hub does not give ${name} (${statusCode}). ${hint}Private and gated models need an access token: HF_TOKEN.`,
      name,
      { cause },
    );
  }
}

/** fetch hides the reason in the cause. */
export function reason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : String(message ?? error);
}
