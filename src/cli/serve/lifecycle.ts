/** How far a process is. */
export type Phase = "starting" | "serving" | "stopping";

/** What the parts of a process know of each other's beginning and end. */
export class Lifecycle {
  /** `serving` from when every listener is open until somebody asks it to stop. */
  phase: Phase = "starting";

  /** Why the process should not be sent requests, `unhealthy` among it: endpoints that can't be expected to answer. */
  unreadiness(unhealthy: () => readonly string[]): readonly string[] {
    if (this.phase === "serving") return unhealthy();
    return [this.phase === "starting" ? "it is starting" : "it is shutting down"];
  }
}
