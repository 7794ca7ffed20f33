import { ConnectionError, ERROR_CODE } from "./error_code.ts";
import { DEFAULT_MAX_FRAME, DEFAULT_WINDOW, MAX_31_BITS, readUint32, SETTING } from "./frame.ts";

/** What the peer has said about itself. */
export interface PeerSettings {
  headerTableSize: number;
  maxStreams: number;
  initialWindow: number;
  maxFrame: number;
}

/** What holds before it has said anything. */
export function defaultSettings(): PeerSettings {
  return {
    headerTableSize: 4096,
    maxStreams: Infinity,
    initialWindow: DEFAULT_WINDOW,
    maxFrame: DEFAULT_MAX_FRAME,
  };
}

const BYTES_EACH = 6;

/** Takes in the payload of a SETTINGS frame. */
export function readSettings(payload: Uint8Array, into: PeerSettings, isFromServer: boolean): void {
  if (payload.length % BYTES_EACH !== 0) throw new ConnectionError(ERROR_CODE.FRAME_SIZE_ERROR, "SETTINGS are cut off");
  for (let at = 0; at < payload.length; at += BYTES_EACH) {
    const value = readUint32(payload, at + 2);
    switch (payload[at]! << 8 | payload[at + 1]!) {
      case SETTING.HEADER_TABLE_SIZE:
        into.headerTableSize = value;
        break;
      case SETTING.ENABLE_PUSH:
        if (value > (isFromServer ? 0 : 1)) throw wrong("ENABLE_PUSH");
        break;
      case SETTING.MAX_CONCURRENT_STREAMS:
        into.maxStreams = value;
        break;
      case SETTING.INITIAL_WINDOW_SIZE:
        if (value > MAX_31_BITS) throw wrong("INITIAL_WINDOW_SIZE", ERROR_CODE.FLOW_CONTROL_ERROR);
        into.initialWindow = value;
        break;
      case SETTING.MAX_FRAME_SIZE:
        if (value < DEFAULT_MAX_FRAME || value > 0xffffff) throw wrong("MAX_FRAME_SIZE");
        into.maxFrame = value;
        break;
    }
  }
}

function wrong(name: string, code: number = ERROR_CODE.PROTOCOL_ERROR): ConnectionError {
  return new ConnectionError(code, `the setting ${name} has a value that is not allowed`);
}

/** The payload of a SETTINGS frame. */
export function encodeSettings(settings: readonly (readonly [id: number, value: number])[]): Uint8Array {
  const payload = new Uint8Array(settings.length * BYTES_EACH);
  const view = new DataView(payload.buffer);
  settings.forEach(([id, value], index) => {
    view.setUint16(index * BYTES_EACH, id);
    view.setUint32(index * BYTES_EACH + 2, value);
  });
  return payload;
}
