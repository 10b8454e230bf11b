import { ExecutorError } from "../errors.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

export interface SocketPair {
  readonly fd: number;
  /** The host's end, to be closed once it has been inherited. */
  readonly hostFd: number;
}

/** @throws ExecutorError where no descriptor is left */
export async function openSocketPair(): Promise<SocketPair> {
  const { default: koffi } = await import("koffi");
  const libc = koffi.load(null); // Node itself is linked with it
  const socketpair = libc.func("int socketpair(int domain, int type, int protocol, void * fds)");
  const fds = new Int32Array(2);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) !== 0) {
    throw new ExecutorError("ERR_EXECUTOR", "No socket can be opened. Raise the limit of open files.");
  }
  const [fd, hostFd] = fds as unknown as [number, number];
  return { fd, hostFd };
}
