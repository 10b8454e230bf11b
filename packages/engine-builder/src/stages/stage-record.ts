import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** Lies in the folder of a finished stage, and is no part of what the stage made. */
export const stageRecordFile = ".stage.json";

const schema = z.object({
  /** The command that made it. */
  command: z.string(),
  /** What the tool measured, by name and rank. */
  measures: z.record(z.string(), z.array(z.number().nullable())),
});

export type StageRecord = z.infer<typeof schema>;

export async function writeStageRecord(folder: string, record: StageRecord): Promise<void> {
  await writeFile(join(folder, stageRecordFile), JSON.stringify(record));
}

export async function readStageRecord(folder: string): Promise<StageRecord> {
  return schema.parse(JSON.parse(await readFile(join(folder, stageRecordFile), "utf8")));
}
