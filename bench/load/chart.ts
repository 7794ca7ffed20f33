/** One bar of a chart. */
export interface Bar {
  readonly name: string;
  readonly value: number;
}

/** A chart of bars as SVG, the unit in its title. Names are the program's own. */
export function drawChart(bars: readonly Bar[], title: string): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(({ name, value }, index) => {
    const y = 40 + index * 28;
    const width = Math.round(value / most * 380);
    return `<text x="10" y="${
      y + 14
    }">${name}</text><rect x="190" y="${y}" width="${width}" height="20" fill="#4878a8"/>` +
      `<text x="${196 + width}" y="${y + 14}">${value.toFixed(1)}</text>`;
  });
  const height = 50 + bars.length * 28;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="${height}" font-family="sans-serif" font-size="13">
<rect width="640" height="${height}" fill="#fff"/><text x="10" y="22" font-weight="bold">${title}</text>
${rows.join("\n")}
</svg>
`;
}
