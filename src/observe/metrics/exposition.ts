/** Labels of one series, in order. */
export type Labels = readonly (readonly [name: string, value: string])[];

/** Writes metrics in the text format of Prometheus, version 0.0.4. */
export class Exposition {
  readonly #lines: string[] = [];

  /** Starts a metric: what it is called, what it is, and what it is for. */
  family(name: string, type: "counter" | "gauge" | "histogram", help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  /** One series of the metric that was started last. */
  sample(name: string, labels: Labels, value: number): void {
    const text = labels.length === 0 ? "" : `{${labels.map(([key, value]) => `${key}="${escape(value)}"`).join(",")}}`;
    this.#lines.push(`${name}${text} ${Number.isFinite(value) ? value : 0}`);
  }

  /** All of it. */
  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}

function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
