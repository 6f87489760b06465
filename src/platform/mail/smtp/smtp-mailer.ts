import { createTransport } from 'nodemailer';
import { defined } from '#kernel/defined.ts';
import type { AppError } from '#kernel/errors.ts';
import { mailErrors } from '../mail.errors.ts';
import type { Mailer } from '../mail.port.ts';

export interface SmtpMailerOptions {
  /** `smtp://[user:password@]host[:587]`, `smtps://…[:465]` for TLS from the first byte. */
  readonly url: string;
  /** `core-api <no-reply@example.com>` */
  readonly from: string;
  /** Certificates (PEM) that the server is trusted by; default: those of the runtime. */
  readonly ca?: string;
}

const MAX_CONNECTIONS = 2;
const CONNECT_TIMEOUT_MS = 10_000;
const SILENCE_MS = 30_000;
/** A burst shares connections; in between none is held. */
const IDLE_MS = 10_000;

/**
 * `Mailer` over SMTP (RFC 5321). STARTTLS is used where the server offers it; a password is sent over TLS only.
 */
export function createSmtpMailer({ url, from, ca }: SmtpMailerOptions): Mailer {
  const { protocol, hostname, port, username, password } = new URL(url);
  const secure = protocol === 'smtps:';
  const login = username !== '';
  const transport = createTransport({
    pool: true,
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTLS: login && !secure,
    ...(login ? { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } } : {}),
    ...(ca === undefined ? {} : { tls: { ca } }),
    maxConnections: MAX_CONNECTIONS,
    // The job repeats.
    maxRequeues: 0,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    dnsTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    idleTimeout: IDLE_MS,
    // A message is what its job says, and nothing that it names.
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  return {
    name: 'mail',
    isConfigured: true,
    async send({ to, subject, text, html }) {
      try {
        await transport.sendMail({
          from,
          to: { name: '', address: to },
          subject,
          text,
          ...defined({ html }),
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
      } catch (error) {
        throw toAppError(error);
      }
    },
    async ping() {
      try {
        await transport.verify();
      } catch (error) {
        throw toAppError(error);
      }
    },
    async stop() {
      transport.close();
    },
  };
}

interface SmtpError {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
  readonly message: string;
}

/**
 * A 5xx to the envelope or to the message is about this message, and for good; every other failure is about the
 * server or the way to it.
 */
function toAppError(cause: unknown): AppError {
  const { code, responseCode, response, message } = cause as SmtpError;
  const aboutMessage = code === 'EENVELOPE' || code === 'EMESSAGE';
  const temporary = responseCode !== undefined && responseCode < 500;
  const words = (response ?? message).slice(0, 300);
  return aboutMessage && !temporary
    ? mailErrors.mail_refused({ detail: `The mail server refuses this message: ${words}`, cause })
    : mailErrors.mail_server_unavailable({ detail: `The mail server cannot be used: ${words}`, cause });
}
