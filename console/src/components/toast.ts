import { notifications } from '@mantine/notifications';
import { problemText } from '#console/api/problem.ts';

/** Says what has happened. */
export function succeeded(message: string): void {
  notifications.show({ message, color: 'teal', withBorder: true, role: 'status' });
}

/** Says why it has not. */
export function failed(error: unknown): void {
  notifications.show({ message: problemText(error), color: 'red', withBorder: true, autoClose: 10_000, role: 'alert' });
}
