/** The metrics page of one process. */
export interface ProcessPage {
  readonly slot: number;
  readonly text: string;
}

interface Family {
  readonly head: string[];
  readonly samples: string[];
}

/** Puts the pages of several processes together, in the text format of Prometheus: each sample gets its `process`. */
export function mergeMetrics(pages: readonly ProcessPage[]): string {
  const families = new Map<string, Family>();
  for (const { slot, text } of pages) {
    let family: Family | undefined;
    for (const line of text.split("\n")) {
      const [, keyword, name] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (name !== undefined) {
        const known = families.get(name);
        family = known ?? { head: [], samples: [] };
        if (known === undefined) families.set(name, family);
        if (!family.head.some((other) => other.startsWith(`# ${keyword} `))) family.head.push(line);
      } else if (line !== "" && !line.startsWith("#")) {
        family?.samples.push(labelled(line, slot));
      }
    }
  }
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples]);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function labelled(sample: string, slot: number): string {
  const end = sample.search(/[{ ]/);
  const label = `process="${slot}"`;
  const rest = sample.slice(end + 1);
  if (sample[end] === " ") return `${sample.slice(0, end)}{${label}} ${rest}`;
  return `${sample.slice(0, end)}{${label}${rest.startsWith("}") ? "" : ","}${rest}`;
}
