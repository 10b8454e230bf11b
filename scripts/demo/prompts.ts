const story =
  "Every morning the lighthouse keeper climbed the stairs, wiped the salt from the glass and wrote the " +
  "weather into a thick green book. Ships passed far away, and she knew each of them by its lights. ";

/** From a few tokens to a few hundred. */
export const prompts: readonly string[] = [
  "The capital of France is",
  "Water boils at a temperature of",
  "The three primary colors are red, yellow and blue. Mixing two of them gives",
  "A short list of things to pack for a week in the mountains: boots, a warm jacket,",
  `Continue the story. ${story}One day`,
  `Continue the story. ${story.repeat(2)}One evening`,
  `Continue the story. ${story.repeat(4)}One night`,
  `Continue the story. ${story.repeat(8)}At last`,
];
