import * as huggingFace from "@huggingface/jinja";

/** What is used of @huggingface/jinja, whose own declarations do not resolve under "nodenext". */
interface Library {
  readonly tokenize: (source: string, options: { lstrip_blocks: true; trim_blocks: true }) => object[];
  readonly parse: (tokens: object[]) => Program;
  readonly Environment: new () => Environment;
  readonly Interpreter: new (globals: Environment) => Interpreter;
}

export interface Interpreter {
  run(program: Program): Value;
  evaluate(node: Node | undefined, environment: Environment): Value;
}

/** The variables of a scope. */
export interface Environment {
  set(name: string, value: unknown): Value;
}

export type Program = Node;

export interface Node {
  readonly type: string;
  readonly body?: Node[];
  readonly alternate?: Node[];
  readonly defaultBlock?: Node[];
  readonly expression?: Node;
  readonly operand?: Node;
  readonly filter?: { readonly value?: string };
  readonly operator?: { readonly value: string };
  readonly left?: Node;
  readonly right?: Node;
}

export type Value =
  | { readonly type: "StringValue"; readonly value: string }
  | { readonly type: "IntegerValue" | "FloatValue"; readonly value: number }
  | { readonly type: "BooleanValue"; readonly value: boolean }
  | { readonly type: "NullValue" | "UndefinedValue" | "FunctionValue"; readonly value: unknown }
  | { readonly type: "ArrayValue" | "TupleValue"; readonly value: readonly Value[] }
  | {
      readonly type: "ObjectValue" | "KeywordArgumentsValue" | "NamespaceValue";
      readonly value: ReadonlyMap<string, Value>;
    };

export const { tokenize, parse, Environment, Interpreter } = huggingFace as unknown as Library;
