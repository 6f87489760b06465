export { fieldInKorean } from './fields.ts';
export { problems } from './problems.ts';
export { alertInKorean, sentenceInKorean } from './sentences.ts';
export { values } from './values.ts';
