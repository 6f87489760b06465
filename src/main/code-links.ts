const LINK = /\[`([^`]+)`\]\((\.\.\/[\w./-]+\.ts)(?:#L\d+)?\)/g;

/**
 * A document whose links to code, [`text`](../src/file.ts#L1), lead to the first line that has the text in it.
 * @param read the text of a file by its path in the link
 * @throws Error when a file has no such line
 */
export function withLines(document: string, read: (path: string) => string): string {
  return document.replace(LINK, (_, text: string, path: string) => {
    const line = read(path)
      .split('\n')
      .findIndex((each) => each.includes(text));
    if (line < 0) throw new Error(`${path} has no line with ${text}`);
    return `[\`${text}\`](${path}#L${line + 1})`;
  });
}
