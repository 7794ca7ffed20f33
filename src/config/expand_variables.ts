/** A text with its variables put in, or the first thing that is wrong with it. */
export type Expanded =
  | { readonly kind: "text"; readonly text: string; readonly variables: readonly UsedVariable[] }
  | { readonly kind: "mistake"; readonly message: string };

/** A variable that a text was made with. */
export interface UsedVariable {
  readonly name: string;
  readonly value: string;
}

/** `$${`, `${NAME}`, `${NAME:-default}`, or a `${` that is none of these. */
const VARIABLE = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{/g;

/**
 * Puts environment variables in: `${NAME}` has to be set, `${NAME:-default}` takes the default where it is not set or
 * empty, and `$${` stands for the characters `${` themselves. Any other dollar sign is what it is.
 */
export function expandVariables(text: string, valueOf: (name: string) => string | undefined): Expanded {
  const variables: UsedVariable[] = [];
  let message: string | undefined;
  const expanded = text.replace(VARIABLE, (match: string, name?: string, fallback?: string) => {
    if (match === "$${") return "${";
    if (name === undefined) {
      message ??= "has a ${ that is no variable; write ${NAME}, ${NAME:-default}, or $${ for the characters themselves";
      return "";
    }
    const value = valueOf(name);
    if (fallback !== undefined && !value) return fallback;
    if (value === undefined) {
      message ??= `the environment variable ${name} is not set; set it, or write a default: \${${name}:-default}`;
      return "";
    }
    variables.push({ name, value });
    return value;
  });
  return message === undefined ? { kind: "text", text: expanded, variables } : { kind: "mistake", message };
}
