import { type Notice } from "./wire.ts";
import type { KickedOut } from "./types.ts";
export declare const PLATFORMS: readonly ["Other", "Android", "iPhone", "iPad", "Windows", "Mac", "Linux", "Web", "HarmonyOS"];
export declare const platformOf: (n: number | undefined) => string;
/** What the app is told of a notice. */
export declare function kickOf(n: Notice): KickedOut;
