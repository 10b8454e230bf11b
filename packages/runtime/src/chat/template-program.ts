import { withinTimeLimit } from "../time-limit.ts";
import { Environment, Interpreter, type Node, type Program, parse, tokenize, type Value } from "./jinja.ts";
import { pythonEqual } from "./python-equality.ts";
import { pythonString } from "./python-string.ts";
import { strftime } from "./strftime.ts";

/** Characters of a template; the longest published ones have about 20,000. */
const longestSource = 1 << 20;
/** Characters of any text while a template runs, and of what it gives. */
const longestText = 1 << 23;
/** Items of all lists, and characters of all texts made by functions and filters, in one run. */
const most = { items: 1 << 20, characters: 1 << 27 };
/** As in Jinja's own sandbox. */
const longestRange = 100_000;

/**
 * A Jinja template as transformers runs it: `trim_blocks`, `lstrip_blocks`, loop controls, `raise_exception`,
 * `strftime_now`. It ends in time and within bounded memory, whatever it says.
 */
export class TemplateProgram {
  readonly #program: Program;

  /** @throws Error: the source is no template */
  constructor(source: string) {
    if (source.length > longestSource) {
      throw new Error(`it has ${source.length} characters, more than ${longestSource}`);
    }
    this.#program = withinTimeLimit(() => {
      const program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
      markOutputs(program);
      return program;
    });
  }

  /** @throws Error: what the template raised, or that it took too much time or memory */
  run(variables: Readonly<Record<string, unknown>>): string {
    return withinTimeLimit(() => {
      const globals = new Environment();
      for (const [name, value] of Object.entries({ ...constants, ...variables })) globals.set(name, value);
      return String(new BoundedInterpreter(globals).run(this.#program).value);
    });
  }
}

const constants = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  raise_exception: (message: unknown) => {
    throw new Error(String(message));
  },
  strftime_now: (format: unknown) => strftime(new Date(), String(format)),
  range,
};

function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(Math.ceil((stop - start) / step), 0);
  if (!(length <= longestRange))
    throw new Error(`range() of more than ${longestRange} items, or with step 0`);
  return Array.from({ length }, (_, index) => start + index * step);
}

const statements = new Set(
  "Set If For Macro CallStatement FilterStatement Break Continue Comment StringLiteral".split(" "),
);

/** Puts what is written out into nodes of its own type. */
function markOutputs(node: Node): void {
  for (const key of ["body", "alternate", "defaultBlock"] as const) {
    node[key]?.forEach((child, index, list) => {
      if (statements.has(child.type)) markOutputs(child);
      else list[index] = { type: "Output", expression: child };
    });
  }
}

/** Where the library does otherwise. */
const pythonOperators = new Map<string, (left: Value, right: Value) => unknown>([
  ["~", (left, right) => pythonString(left) + pythonString(right)],
  ["==", pythonEqual],
  ["!=", (left, right) => !pythonEqual(left, right)],
]);

/** Writes values as Python does, and keeps within bounds. */
class BoundedInterpreter extends Interpreter {
  #items = 0;
  #characters = 0;

  override evaluate(node: Node | undefined, environment: Environment): Value {
    const value = this.#evaluate(node, environment);
    if (typeof value.value === "string") {
      if (value.value.length > longestText)
        throw new Error(`it makes a text of more than ${longestText} characters`);
      // Joining texts copies nothing; functions and filters do.
      if (node?.type !== "CallExpression" && node?.type !== "FilterExpression") return value;
      this.#characters += value.value.length;
      if (this.#characters > most.characters) throw new Error("it makes too much text");
    } else if (Array.isArray(value.value) && node?.type !== "Identifier") {
      this.#items += value.value.length;
      if (this.#items > most.items) throw new Error("it makes too many lists");
    }
    return value;
  }

  #evaluate(node: Node | undefined, environment: Environment): Value {
    switch (node?.type) {
      case "Output":
        return toValue(pythonString(this.evaluate(node.expression, environment)));
      case "FilterExpression":
        if (node.filter?.value !== "string") break;
        return toValue(pythonString(this.evaluate(node.operand, environment)));
      case "BinaryExpression": {
        const operate = node.operator && pythonOperators.get(node.operator.value);
        if (operate === undefined) break;
        return toValue(
          operate(this.evaluate(node.left, environment), this.evaluate(node.right, environment)),
        );
      }
    }
    return super.evaluate(node, environment);
  }
}

function toValue(value: unknown): Value {
  return new Environment().set("value", value);
}
