/**
 * Options of an `LRUCache` of at most `entries` that takes memory as it fills. With `max` it takes the memory of all of
 * them when it is made, some 44 bytes each, and most installations never fill it.
 */
export const grownTo = (entries: number) => ({ maxSize: entries, sizeCalculation: () => 1 });
