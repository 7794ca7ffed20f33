/** What the parts of a process know of each other's beginning and end. */
export class Lifecycle {
  readonly #started = Promise.withResolvers<void>();
  #phase: "starting" | "serving" | "stopping" = "starting";

  get phase(): "starting" | "serving" | "stopping" {
    return this.#phase;
  }

  /** Settles when every listener is open. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Every listener is open. */
  start(): void {
    this.#phase = "serving";
    this.#started.resolve();
  }

  /** Somebody has asked the process to end. */
  stop(): void {
    this.#phase = "stopping";
  }

  /** Why the process should not be sent requests; while it serves, those that `unhealthy` gives. */
  unreadiness(unhealthy: () => readonly string[]): readonly string[] {
    if (this.#phase === "serving") return unhealthy();
    return [this.#phase === "starting" ? "it is starting" : "it is shutting down"];
  }
}
