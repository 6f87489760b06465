/** Upper 2.5 % points of Student's t by degrees of freedom, 1 to 30: NIST/SEMATECH e-Handbook, section 1.3.6.7.2. */
const TABLE = [
  12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604, 2.1448, 2.1314,
  2.1199, 2.1098, 2.1009, 2.093, 2.086, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
];
const NORMAL = 1.959963984540054;

/**
 * The t that 95 % lie within, for any number of degrees of freedom from 1 on. Beyond the table by the expansion of
 * Abramowitz and Stegun, 26.7.5, which is right to seven digits there.
 */
export function student95(degreesOfFreedom: number): number {
  const tabled = TABLE[degreesOfFreedom - 1];
  if (tabled !== undefined) return tabled;
  const z = NORMAL;
  const v = degreesOfFreedom;
  return (
    z +
    (z ** 3 + z) / (4 * v) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * v ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * v ** 3)
  );
}
