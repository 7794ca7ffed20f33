/** Whether HTTP allows all of these names and values. */
export function canSend(headers: Readonly<Record<string, string>>): boolean {
  try {
    new Headers({ ...headers });
    return true;
  } catch {
    return false;
  }
}
