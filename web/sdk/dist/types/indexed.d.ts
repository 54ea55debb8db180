import type { CacheFile } from "./environment.ts";
export declare function indexedCache(owner: string): CacheFile;
