/** Of the caller's span. Ids are lower-case hex. */
export interface RemoteParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * https://www.w3.org/TR/trace-context/#traceparent-header: version 00 has four fields, later ones may have more.
 * @returns null for what is no such header
 */
export function parseTraceparent(header: string | undefined): RemoteParent | null {
  const [, version, traceId = '', spanId = '', flags = '', rest] = FORM.exec(header ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
