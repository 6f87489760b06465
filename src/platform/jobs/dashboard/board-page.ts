/**
 * Controls of Bull Board that cannot work here: it has no switch for them but one that takes the useful ones along.
 * They are known by their icons, which are the same in every language of the page.
 */
const HIDDEN = [
  // Pause or resume a queue or all of them; obliterate one; add a job, for which there is a form of ours.
  '[role="menuitem"]:has(.lucide-pause,.lucide-play,.lucide-ban,.lucide-plus)',
  // A job keeps its data and its time; one with the same data is what the form makes.
  '[class*="jobActions-"]>li:not(:has(.lucide-refresh-cw,.lucide-trash-2,.lucide-corner-up-left))',
  // Schedules are part of the program.
  '[class*="actionsCell-"]>button',
];
const STYLE = `<style>${HIDDEN.join(',')}{display:none!important}</style>`;

/** Bull Board's page as ours: under our name, and without what it would load from elsewhere or what cannot work. */
export function ownPage(html: string): string {
  return html
    .replace(/<link\b[^>]*\bhref="https?:[^>]*>/g, '')
    .replace(/https?:\/\/fonts\.[^"'\s)]+/g, '')
    .replace('</head>', `${STYLE}</head>`);
}
