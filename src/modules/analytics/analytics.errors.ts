import { defineErrors } from '#kernel/errors.ts';

export const analyticsErrors = defineErrors({
  invalid_analysis_range: ['invalid', 'The range is empty, or longer than ten years.'],
  invalid_analysis_query: ['invalid', 'The query asks for something that cannot be computed.'],
  too_many_buckets: [
    'invalid',
    'The answer would have more than 5,000 values: take a longer interval or fewer metrics.',
  ],
  too_many_samples: ['invalid', 'The range holds more samples than can be looked at one by one.'],
});
