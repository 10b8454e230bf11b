import { expect, test } from "vitest";
import { CrashHistory } from "./crash-history.ts";

const policy = { maxCrashes: 4, crashWindowMs: 1000, backoffMs: 100, maxBackoffMs: 300 };

test("Each further crash in the window doubles the wait, up to the longest; one too many ends it.", () => {
  const history = new CrashHistory(policy);
  expect([0, 10, 20, 30, 40].map((now) => history.crashed(now))).toEqual([100, 200, 300, 300, undefined]);
});

test("Crashes older than the window are forgotten.", () => {
  const history = new CrashHistory(policy);
  for (const now of [0, 10, 20, 30]) history.crashed(now);
  expect(history.crashed(1015)).toBe(300);
  expect(history.crashed(5000)).toBe(100);
});

test("A limit of 0 never restarts.", () => {
  expect(new CrashHistory({ ...policy, maxCrashes: 0 }).crashed(0)).toBeUndefined();
});
