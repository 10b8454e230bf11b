export { ChatTrtllm, type ChatTrtllmCallOptions, type ChatTrtllmFields } from "./chat-trtllm.ts";
