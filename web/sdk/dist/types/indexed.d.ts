import type { CacheFile } from "./environment.ts";
export declare function indexedCache(owner: string, lost?: (why?: unknown) => void): CacheFile;
