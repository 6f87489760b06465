import qrcode from 'qrcode-generator';
import { useMemo } from 'react';

/** Modules of white that scanners want around it. */
const MARGIN = 4;

/** A text as a QR code: dark on white in both schemes, as scanners want it. */
export function QrCode({ text, label, size = 200 }: QrCodeProps) {
  const { path, modules } = useMemo(() => draw(text), [text]);
  const whole = modules + 2 * MARGIN;
  return (
    <svg
      width={size}
      height={size}
      viewBox={`0 0 ${whole} ${whole}`}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
    >
      <rect width={whole} height={whole} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

function draw(text: string) {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const modules = code.getModuleCount();
  let path = '';
  for (let row = 0; row < modules; row += 1) {
    for (let column = 0; column < modules; column += 1) {
      if (code.isDark(row, column)) path += `M${column + MARGIN} ${row + MARGIN}h1v1h-1z`;
    }
  }
  return { path, modules };
}

interface QrCodeProps {
  readonly text: string;
  readonly label: string;
  readonly size?: number;
}
