/** Whether a TensorRT-LLM of this version runs engines in-process here, and what to do where not. */
export type Release = { readonly supported: true } | { readonly supported: false; readonly fix: string };

const install = "python3 -m pip install tensorrt_llm==1.2.1";

/** @param version such as "1.2.0rc4" */
export function judgeRelease(version: string): Release {
  const [major = Number.NaN, minor = Number.NaN] = version.split(".").map(Number.parseFloat);
  if (major === 1 && minor >= 0 && minor <= 2) return { supported: true };
  const newer = major > 1 || (major === 1 && minor > 2);
  return {
    supported: false,
    fix: newer
      ? `trtllm-serve (it has no engines any more; or install the last release that has: ${install})`
      : install,
  };
}
