import { libraryInfo } from "@trtllm-node/core";

/** False where the native library was set up without OpenVINO. */
export async function hasOpenVino(): Promise<boolean> {
  const { libraries } = await libraryInfo();
  return libraries.some(({ name }) => name === "openvino");
}
