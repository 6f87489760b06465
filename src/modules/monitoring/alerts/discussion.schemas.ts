import { type Static, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import { COMMENT_SORT_FIELDS, type SignedComment } from './alerts.ports.ts';

const text = Type.String({
  maxLength: 2_000,
  // Lines and tabs, but no other control character.
  pattern: '^(?=[^]*\\S)[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]+$',
  'x-accepts': 'text with something visible in it, of any number of lines',
  description: 'What is said, plain text of 2,000 characters at the most',
  examples: ['The fan is stuck; replaced tomorrow.'],
});

export const AssignBody = Strict('AlertChanges', {
  assigned_to: Nullable({ ...Id, description: 'User who takes care of it; null: nobody', examples: [12] }),
});

export const CommentBody = Strict('NewAlertComment', { text });

export const CommentView = Strict('AlertComment', {
  id: { ...Id, examples: [3] },
  alert_id: { ...Id, description: 'Alert that it is about', examples: [41] },
  author_id: { ...Id, description: 'User who wrote it', examples: [12] },
  author_name: Nullable(
    Type.String({
      description: 'The full name of that user; null when none is given, or the user has gone',
      examples: ['Kim Minji'],
    }),
  ),
  text,
  created_at: Instant,
});
export const CommentPage = PageOf(CommentView);
export const CommentQuery = Strict({ ...pageQuery, ...sortQuery(COMMENT_SORT_FIELDS), ...searchQuery });

export function presentComment(comment: SignedComment): Static<typeof CommentView> {
  return {
    id: comment.id,
    alert_id: comment.alertId,
    author_id: comment.authorId,
    author_name: comment.authorName,
    text: comment.text,
    created_at: toIso(comment.createdAt),
  };
}
