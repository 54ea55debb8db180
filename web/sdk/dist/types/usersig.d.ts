import type { Engine } from "./engine.ts";
/** Whether it matters when a UserSig ends: the server's clock is known, and the end is not. */
export declare function mayBeOver(e: Engine, userSig: unknown): userSig is string;
/** Reads when a UserSig ends; what cannot be read the server judges. */
export declare function learnEnd(e: Engine, userSig: string): Promise<void>;
export declare function rememberEnd(e: Engine, userSig: string, ms: number): void;
