import type { Line } from "../traffic/read-lines.ts";
import type { TrafficRequest } from "../traffic/traffic-request.ts";

/** A kind of file that traffic comes in. */
export interface ImportFormat {
  /** Such as "mooncake". */
  readonly name: string;
  /** Whether a file that begins with this line is of this kind. */
  matches(first: string): boolean;
  /**
   * Reads the lines of one file.
   * @throws TrafficError: names the line and what was expected there
   */
  read(lines: AsyncIterable<Line>, path: string): AsyncIterable<TrafficRequest>;
}
