/** Most segments of a path that parameters of several segments are tried on. */
const MAX_SEGMENTS = 128;

/**
 * A tree of path templates: `/a/{b}/c`, in which `{b}` stands for any one segment, and `{b=**}` for one or more.
 */
export class PathTree<Value> {
  readonly #root = new TreeNode<Value>();
  #depth = 0;

  /** Adds a template; false when one of the same shape is there already, which stays. */
  add(template: string, value: Value): boolean {
    const segments = segmentsOf(template);
    let node = this.#root;
    for (const segment of segments) {
      if (isParameter(segment) && segment.endsWith("=**}")) {
        node.several ??= new TreeNode();
        node = node.several;
        this.#depth = MAX_SEGMENTS;
      } else if (isParameter(segment)) {
        node.parameter ??= new TreeNode();
        node = node.parameter;
      } else {
        let next = node.literals.get(segment);
        if (next === undefined) node.literals.set(segment, next = new TreeNode());
        node = next;
      }
    }
    if (node.value !== undefined) return false;
    node.value = value;
    this.#depth = Math.max(this.#depth, segments.length);
    return true;
  }

  /**
   * What the most specific template of a path stands for: of two that fit, the one that has a literal where the other
   * has a parameter first. Without parameters of several segments, each node of the tree is looked at once at the most.
   */
  find(path: string): Value | undefined {
    const segments: string[] = [];
    // One more than the deepest template: enough to know that none fits.
    let at = path.startsWith("/") ? 1 : 0;
    while (at < path.length && segments.length <= this.#depth) {
      const slash = path.indexOf("/", at);
      const end = slash < 0 ? path.length : slash;
      segments.push(decodeSegment(path.slice(at, end)));
      at = end + 1;
    }
    return at < path.length ? undefined : search(this.#root, segments, 0);
  }
}

class TreeNode<Value> {
  readonly literals = new Map<string, TreeNode<Value>>();
  parameter: TreeNode<Value> | undefined;
  several: TreeNode<Value> | undefined;
  value: Value | undefined;
}

function search<Value>(node: TreeNode<Value>, segments: readonly string[], at: number): Value | undefined {
  if (at === segments.length) return node.value;
  const segment = segments[at]!;
  const literal = node.literals.get(segment);
  if (literal !== undefined) {
    const found = search(literal, segments, at + 1);
    if (found !== undefined) return found;
  }
  if (segment === "") return undefined;
  const found = node.parameter && search(node.parameter, segments, at + 1);
  if (found !== undefined || node.several === undefined) return found;
  for (let end = segments.length; end > at; end--) {
    const behind = search(node.several, segments, end);
    if (behind !== undefined) return behind;
  }
  return undefined;
}

/** The values that a path has for the parameters of its template, decoded. */
export function pathParameters(template: string, path: string): Record<string, string> {
  const values = segmentsOf(path);
  const segments = segmentsOf(template);
  const parameters: Record<string, string> = Object.create(null);
  let at = 0;
  for (const segment of segments) {
    const length = segment.endsWith("=**}") ? values.length - segments.length + 1 : 1;
    const [name] = segment.slice(1, -1).split("=");
    if (isParameter(segment)) parameters[name!] = values.slice(at, at + length).map(decodeSegment).join("/");
    at += length;
  }
  return parameters;
}

/** The segments of a path; a slash at the end makes no difference. */
function segmentsOf(path: string): string[] {
  const inner = path.replace(/^\//, "").replace(/\/$/, "");
  return inner === "" ? [] : inner.split("/");
}

function isParameter(segment: string): boolean {
  return segment.startsWith("{") && segment.endsWith("}");
}

/** A segment without its percent-encoding; as it stands where that is broken. */
function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
