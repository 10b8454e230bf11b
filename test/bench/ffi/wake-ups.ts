import { readSync } from "node:fs";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import koffi from "koffi";

/** Calls `onWake` each time a byte has arrived on the pipe `fd`. What it returns is called once the pipe has ended. */
type WakeUp = (fd: number, onWake: () => void) => () => void;

/** As packages/core does it: the event loop itself waits on the pipe. */
function pipe(fd: number, onWake: () => void): () => void {
  const callback = () => {
    onWake();
    return true;
  };
  const onread = { buffer: Buffer.alloc(64), callback };
  const socket = new Socket({ fd, readable: true, writable: false, ...{ onread } });
  return () => socket.destroy();
}

/** A thread of libuv's pool waits, in an asynchronous call of koffi. */
function asyncCall(fd: number, onWake: () => void): () => void {
  const poll = koffi.load("libc.so.6").func("int poll(void *fds, uint64_t count, int timeout)");
  const pollIn = 1;
  const poller = Buffer.alloc(8);
  poller.writeInt32LE(fd, 0);
  poller.writeInt16LE(pollIn, 4);
  const bytes = Buffer.alloc(64);
  const wait = () =>
    poll.async(poller, 1, -1, () => {
      if (readSync(fd, bytes) === 0) return;
      onWake();
      wait();
    });
  wait();
  return () => {};
}

/** A native thread waits, and calls back into JavaScript. */
function callback(fd: number, onWake: () => void): () => void {
  const path = fileURLToPath(
    new URL("../../../native-shim/build/release/bin/libwake_callback.so", import.meta.url),
  );
  const library = koffi.load(path);
  const type = koffi.pointer(koffi.proto("void wake()"));
  const registered = koffi.register(onWake, type);
  library.func("wake_callback_start", "void", ["int", type])(fd, registered);
  const alive = setInterval(() => {}, 1000); // a callback to come does not keep the process alive
  return () => {
    clearInterval(alive);
    library.func("void wake_callback_join()")();
    koffi.unregister(registered);
  };
}

export const wakeUps = { pipe, "koffi async call": asyncCall, "koffi callback": callback } satisfies Record<
  string,
  WakeUp
>;

export type WakeUpName = keyof typeof wakeUps;
