/** A systemd unit, read as systemd reads it: sections, settings that may stand more than once, lines that go on. */
export class UnitFile {
  readonly #settings: readonly { readonly section: string; readonly name: string; readonly value: string }[];

  constructor(text: string) {
    let section = "";
    this.#settings = text.replaceAll("\\\n", " ").split("\n").flatMap((line) => {
      if (/^\s*(?:[#;]|$)/.test(line)) return [];
      const [, header] = /^\[(\w+)\]$/.exec(line) ?? [];
      if (header !== undefined) {
        section = header;
        return [];
      }
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`not a line of a unit: ${line}`);
      return [{ section, name, value: value.trim() }];
    });
  }

  /** Every value of a setting. */
  all(section: string, name: string): readonly string[] {
    return this.#settings.filter((setting) => setting.section === section && setting.name === name)
      .map(({ value }) => value);
  }

  /** The value of a setting that stands once. */
  one(section: string, name: string): string {
    const values = this.all(section, name);
    if (values.length !== 1) throw new Error(`${section}.${name} stands ${values.length} times`);
    return values[0]!;
  }
}

/** What stands for the specifiers of an instance. */
export interface Specifiers {
  readonly instance: string;
  readonly hostname: string;
  /** The folder of what services keep. */
  readonly state: string;
}

/** A value with its specifiers replaced. */
export function expand(value: string, { instance, hostname, state }: Specifiers): string {
  const known: Readonly<Record<string, string>> = { i: instance, H: hostname, S: state, "%": "%" };
  return value.replaceAll(/%(.)/g, (whole, letter: string) => {
    const text = known[letter];
    if (text === undefined) throw new Error(`the specifier ${whole} is not one that the test knows`);
    return text;
  });
}

/** The variables of lines such as `NAME=value`, later ones counting. */
export function variablesOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)];
  }));
}

/** A time span such as `60s`, `2min` or `1min 30s` in milliseconds. */
export function timeSpanMs(text: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };
  return text.split(" ").reduce((sum, part) => {
    const [, count, unit = "s"] = /^(\d+)(ms|s|min|h)?$/.exec(part) ?? [];
    if (count === undefined) throw new Error(`not a time span: ${text}`);
    return sum + Number(count) * units[unit]!;
  }, 0);
}
