import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";
/**
 * Sets the alarm for the news that the UserSig in force ends soon. One that is good for
 * a short time only is told of at half of it. With a provider there is none: the app
 * need do nothing.
 */
export declare function watchEnd(e: Engine, s: Seat): void;
