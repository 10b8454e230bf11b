/** What a plan needs to know of a GPU. All rates are peaks without sparsity. */
export interface Gpu {
  readonly name: string;
  /** Such as 90 for compute capability 9.0. */
  readonly sm: number;
  readonly memoryBytes: number;
  /** Bytes a second. */
  readonly memoryBandwidth: number;
  /** Operations a second of the tensor cores with FP16 or BF16 inputs and FP32 sums. */
  readonly fp16Flops: number;
  /** With FP8 inputs; `undefined` where the GPU has none. */
  readonly fp8Flops: number | undefined;
  /** With FP4 inputs; `undefined` where the GPU has none. */
  readonly fp4Flops: number | undefined;
  /** With INT8 inputs. */
  readonly int8Ops: number;
  /** Where the figures stand. */
  readonly source: string;
}

const GB = 1e9;
const TB = 1e12;
const tera = 1e12;

/**
 * Memory in decimal gigabytes, as data sheets state it: the driver reports up to 7 % more.
 * Where a data sheet gives rates with sparsity, half of them stands here.
 */
const table = {
  A10: [86, 24 * GB, 600 * GB, 125, undefined, undefined, 250, "NVIDIA A10 datasheet"],
  A30: [80, 24 * GB, 933 * GB, 165, undefined, undefined, 330, "NVIDIA A30 datasheet"],
  A40: [86, 48 * GB, 696 * GB, 149.7, undefined, undefined, 299.3, "NVIDIA A40 datasheet"],
  "A100-40GB": [80, 40 * GB, 1.555 * TB, 312, undefined, undefined, 624, "NVIDIA A100 datasheet, SXM 40 GB"],
  "A100-80GB": [80, 80 * GB, 2.039 * TB, 312, undefined, undefined, 624, "NVIDIA A100 datasheet, SXM 80 GB"],
  "A100-80GB-PCIe": [
    80,
    80 * GB,
    1.935 * TB,
    312,
    undefined,
    undefined,
    624,
    "NVIDIA A100 datasheet, PCIe 80 GB",
  ],
  L4: [89, 24 * GB, 300 * GB, 121, 242.5, undefined, 242.5, "NVIDIA L4 datasheet"],
  L40: [89, 48 * GB, 864 * GB, 181, 362, undefined, 362, "NVIDIA L40 datasheet"],
  L40S: [89, 48 * GB, 864 * GB, 362, 733, undefined, 733, "NVIDIA L40S datasheet"],
  "RTX-4090": [
    89,
    24 * GB,
    1.008 * TB,
    165.2,
    330.3,
    undefined,
    660.6,
    "NVIDIA Ada GPU architecture whitepaper",
  ],
  "RTX-6000-Ada": [89, 48 * GB, 960 * GB, 364.2, 728.5, undefined, 728.5, "NVIDIA RTX 6000 Ada datasheet"],
  H20: [90, 96 * GB, 4 * TB, 148, 296, undefined, 296, "NVIDIA H20 product brief"],
  "H100-SXM": [90, 80 * GB, 3.35 * TB, 989, 1979, undefined, 1979, "NVIDIA H100 datasheet, SXM"],
  "H100-PCIe": [90, 80 * GB, 2 * TB, 756, 1513, undefined, 1513, "NVIDIA H100 datasheet, PCIe"],
  "H100-NVL": [90, 94 * GB, 3.9 * TB, 835, 1671, undefined, 1671, "NVIDIA H100 datasheet, NVL"],
  "GH200-96GB": [90, 96 * GB, 4 * TB, 990, 1979, undefined, 1979, "NVIDIA GH200 datasheet, HBM3"],
  "GH200-144GB": [90, 144 * GB, 4.9 * TB, 990, 1979, undefined, 1979, "NVIDIA GH200 datasheet, HBM3e"],
  "H200-SXM": [90, 141 * GB, 4.8 * TB, 989, 1979, undefined, 1979, "NVIDIA H200 datasheet, SXM"],
  "H200-NVL": [90, 141 * GB, 4.8 * TB, 835, 1671, undefined, 1671, "NVIDIA H200 datasheet, NVL"],
  B200: [100, 180 * GB, 7.7 * TB, 2250, 4500, 9000, 4500, "NVIDIA HGX B200 datasheet, one of eight"],
  GB200: [100, 186 * GB, 8 * TB, 2500, 5000, 10_000, 5000, "NVIDIA GB200 NVL72 datasheet, one of 72"],
  B300: [103, 270 * GB, 7.7 * TB, 2250, 4500, 13_500, 150, "NVIDIA HGX B300 datasheet, one of eight"],
  "RTX-5090": [
    120,
    32 * GB,
    1.792 * TB,
    209.5,
    419,
    1676,
    838,
    "NVIDIA RTX Blackwell GPU architecture whitepaper",
  ],
  "RTX-PRO-6000": [
    ...([120, 96 * GB, 1.792 * TB, 503.8, 1007.6, 2015.2, 1007.6] as const),
    "NVIDIA RTX Blackwell PRO GPU architecture whitepaper, workstation edition",
  ],
  "DGX-Spark": [
    121,
    128 * GB,
    273 * GB,
    125,
    250,
    500,
    250,
    "NVIDIA DGX Spark datasheet (memory shared with the CPU)",
  ],
} as const satisfies Record<
  string,
  readonly [number, number, number, number, number | undefined, number | undefined, number, string]
>;

export type GpuName = keyof typeof table;

export const gpuNames = Object.keys(table) as [GpuName, ...GpuName[]];

/** A GPU of the table. */
export function gpu(name: GpuName): Gpu {
  const [sm, memoryBytes, memoryBandwidth, fp16, fp8, fp4, int8, source] = table[name];
  return {
    name,
    sm,
    memoryBytes,
    memoryBandwidth,
    fp16Flops: fp16 * tera,
    fp8Flops: fp8 && fp8 * tera,
    fp4Flops: fp4 && fp4 * tera,
    int8Ops: int8 * tera,
    source,
  };
}
