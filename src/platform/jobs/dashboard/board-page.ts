/** Bull Board's page as ours: under our name, and without what it would load from elsewhere. */
export function ownPage(html: string): string {
  return html.replace(/<link\b[^>]*\bhref="https?:[^>]*>/g, '').replace(/https?:\/\/fonts\.[^"'\s)]+/g, '');
}
