export { createHandler, type Handler } from "./create-handler.ts";
export type { HandlerOptions } from "./handler-options.ts";
