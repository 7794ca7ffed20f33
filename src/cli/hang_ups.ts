/** Where SIGHUP goes, which ends a process that does not listen for it. */
export interface HangUps {
  /** Says who is told from now on. Those that came before are told as one. */
  onHangUp(listener: () => void): void;
}

/** Listens for SIGHUP from now on. */
export function listenForHangUps(): HangUps {
  let hasCome = false;
  let tell = () => {
    hasCome = true;
  };
  Deno.addSignalListener("SIGHUP", () => tell());
  return {
    onHangUp(listener) {
      tell = listener;
      if (hasCome) listener();
    },
  };
}
