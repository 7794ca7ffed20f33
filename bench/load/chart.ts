/** One bar of a chart. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  /** The relay's own, which have a colour of theirs. */
  readonly isOurs: boolean;
}

/** Bars with what they are. */
export interface Chart {
  readonly title: string;
  readonly digits: number;
  readonly bars: readonly Bar[];
}

const WIDTH = 720;
const NAMES = 230;
const BAR = 22;

/** Charts below one another as SVG. Names are the program's own. */
export function drawCharts(charts: readonly Chart[], foot: string): string {
  const parts: string[] = [];
  let y = 12;
  for (const { title, digits, bars } of charts) {
    y += 22;
    parts.push(`<text x="12" y="${y}" font-weight="bold">${title}</text>`);
    y += 10;
    const most = Math.max(...bars.map(({ value }) => value));
    for (const { name, value, isOurs } of bars) {
      const width = Math.max(1, Math.round(value / most * (WIDTH - NAMES - 90)));
      const label = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
      parts.push(
        `<text x="${NAMES - 8}" y="${y + 15}" text-anchor="end">${name}</text>`,
        `<rect x="${NAMES}" y="${y}" width="${width}" height="${BAR - 4}" fill="${isOurs ? "#2f6f9f" : "#a9b4bd"}"/>`,
        `<text x="${NAMES + width + 6}" y="${y + 15}">${label}</text>`,
      );
      y += BAR;
    }
    y += 8;
  }
  y += 18;
  parts.push(`<text x="12" y="${y}" font-size="11" fill="#555">${foot}</text>`);
  const height = y + 14;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
    `font-family="sans-serif" font-size="13">\n<rect width="${WIDTH}" height="${height}" fill="#fff"/>\n` +
    `${parts.join("\n")}\n</svg>\n`;
}
