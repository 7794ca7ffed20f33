import type { SessionDeps } from "./websocket_session.ts";

/** What sessions work with, of the configuration that is in force when they look: they outlive many. */
export function liveSessionDeps(current: () => SessionDeps): SessionDeps {
  return {
    get relay() {
      return current().relay;
    },
    get codec() {
      return current().codec;
    },
    get matcher() {
      return current().matcher;
    },
    get clock() {
      return current().clock;
    },
    get log() {
      return current().log;
    },
    get hub() {
      return current().hub;
    },
    get dialect() {
      return current().dialect;
    },
    get endings() {
      return current().endings;
    },
    head: () => current().head(),
    servesExtension: (name) => current().servesExtension(name),
  };
}
