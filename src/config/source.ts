/** Where a value of the configuration comes from. */
export type Source =
  | { readonly kind: "flag"; readonly name: string }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "file"; readonly path: string; readonly line?: number }
  | { readonly kind: "argument" }
  | { readonly kind: "default" };

/** A source as it is printed: `flag --cache`, `env RELAYMETER_CACHE`, `relay.yml:12`, `default`. */
export function describeSource(source: Source): string {
  switch (source.kind) {
    case "flag":
      return `flag --${source.name}`;
    case "environment":
      return `env ${source.variable}`;
    case "file":
      return source.line === undefined ? source.path : `${source.path}:${source.line}`;
    default:
      return source.kind;
  }
}
