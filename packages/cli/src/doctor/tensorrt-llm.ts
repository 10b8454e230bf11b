import { checkPackage } from "../tensorrt-llm/checks.ts";
import { findPackage, type WhereToLook } from "../tensorrt-llm/python-package.ts";
import type { Check } from "./check.ts";

/** What an installed TensorRT-LLM has and lacks. None of it is required: the embedded executor needs none. */
export async function checkTensorrtLlm(where: WhereToLook): Promise<Check[]> {
  const found = await findPackage(where);
  if (found !== undefined) return (await checkPackage(found)).map((check) => ({ ...check, required: false }));
  return [
    {
      name: "TensorRT-LLM",
      ok: false,
      required: false,
      detail: "no tensorrt_llm package found; the embedded executor needs none",
      fix: "python3 -m pip install tensorrt_llm==1.2.1",
    },
  ];
}
