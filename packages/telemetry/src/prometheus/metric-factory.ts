import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** A model under the name that it is to have in metrics. */
export interface NamedModel<Model> {
  readonly name: string;
  readonly llm: Model;
}

/** Makes metrics of one registry that all have a prefix and the label `model_name`. */
export class MetricFactory {
  readonly registry: Registry;
  readonly #prefix: string;

  constructor(registry: Registry, prefix: string) {
    this.registry = registry;
    this.#prefix = prefix;
  }

  /** @param more labels beside `model_name` */
  counter<Label extends string = never>(
    name: string,
    help: string,
    ...more: Label[]
  ): Counter<"model_name" | Label> {
    return new Counter({ ...this.#named(name, help), labelNames: ["model_name", ...more] });
  }

  histogram(name: string, help: string, buckets: readonly number[]): Histogram<"model_name"> {
    return new Histogram({ ...this.#named(name, help), labelNames: ["model_name"], buckets: [...buckets] });
  }

  /** @param value asked at each scrape; never falls */
  countOf<Model>(
    name: string,
    help: string,
    models: readonly NamedModel<Model>[],
    value: (llm: Model) => number,
  ): void {
    const told = new Map<string, number>();
    new Counter({
      ...this.#named(name, help),
      labelNames: ["model_name"],
      collect() {
        for (const { name: model_name, llm } of models) {
          const now = value(llm);
          this.inc({ model_name }, now - (told.get(model_name) ?? 0));
          told.set(model_name, now);
        }
      },
    });
  }

  /** @param value asked at each scrape */
  gauge<Model>(
    name: string,
    help: string,
    models: readonly NamedModel<Model>[],
    value: (llm: Model) => number,
  ): void {
    new Gauge({
      ...this.#named(name, help),
      labelNames: ["model_name"],
      collect() {
        for (const { name: model_name, llm } of models) this.set({ model_name }, value(llm));
      },
    });
  }

  #named(name: string, help: string) {
    return { name: this.#prefix + name, help, registers: [this.registry] };
  }
}
