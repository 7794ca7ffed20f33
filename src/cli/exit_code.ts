/** What a command ends with: 0 fine, 1 failed while running, 2 wrong usage or configuration. */
export type ExitCode = 0 | 1 | 2;
