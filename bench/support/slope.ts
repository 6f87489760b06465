export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Of the line that lies nearest to the points: y for one of x. https://en.wikipedia.org/wiki/Simple_linear_regression */
export function slopeOf(points: readonly Point[]): number {
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread;
}
