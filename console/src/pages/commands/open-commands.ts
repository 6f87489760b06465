const OPEN = ['QUEUED', 'SENT', 'DELIVERED', 'IN_PROGRESS'] as const;
type OpenStatus = (typeof OPEN)[number];

/** Whether the device may still answer. */
export const isOpen = (status: string): status is OpenStatus => (OPEN as readonly string[]).includes(status);
