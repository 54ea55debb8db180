/** Constants, under the vendor's names. */
export declare const TYPES: {
    readonly CONV_C2C: "C2C";
    readonly MSG_TEXT: "TIMTextElem";
    readonly MSG_CUSTOM: "TIMCustomElem";
    /** Another login of the account, by a web page, took the place. */
    readonly KICKED_OUT_MULT_ACCOUNT: "multipleAccount";
    /** Another login of the account, on another kind of device, took the place. */
    readonly KICKED_OUT_MULT_DEVICE: "multipleDevice";
    /** The UserSig has ended. */
    readonly KICKED_OUT_USERSIG_EXPIRED: "userSigExpired";
    /** Those who run the app ended it: by a kick, or by disabling or deleting the account. */
    readonly KICKED_OUT_REST_API: "REST_API_Kick";
    readonly NET_STATE_CONNECTED: "connected";
    readonly NET_STATE_CONNECTING: "connecting";
    readonly NET_STATE_DISCONNECTED: "disconnected";
};
/** Names of events, for {@link Chat.on}; {@link EventMap} says what each brings. */
export declare const EVENT: {
    readonly SDK_READY: "sdkStateReady";
    readonly SDK_NOT_READY: "sdkStateNotReady";
    readonly KICKED_OUT: "kickedOut";
    readonly NET_STATE_CHANGE: "netStateChange";
    readonly ERROR: "error";
    /** Ours: the UserSig in force ends soon. */
    readonly USERSIG_WILL_EXPIRE: "userSigWillExpire";
    readonly MESSAGE_RECEIVED: "onMessageReceived";
    readonly MESSAGE_REVOKED: "onMessageRevoked";
    readonly MESSAGE_READ_BY_PEER: "onMessageReadByPeer";
    readonly CONVERSATION_LIST_UPDATED: "onConversationListUpdated";
    readonly TOTAL_UNREAD_MESSAGE_COUNT_UPDATED: "onTotalUnreadMessageCountUpdated";
};
/** Why a session was ended. */
export type KickReason = "newer login" | "operator" | "signed out elsewhere" | "policy applied" | "same device elsewhere" | "secret used twice" | "account disabled" | "account deleted" | "UserSigs revoked" | "UserSig ended" | "unknown";
/** How a session was ended. */
export interface Kick {
    reason: KickReason;
    /** A code, if one goes with it; 0: none. */
    code: number;
    /** A sentence that the app may show. */
    message: string;
    /** When, in seconds since 1970 UTC by the server's clock; 0: it did not say. */
    time: number;
    /** Who took the place (newer login), kept it (policy applied) or asked for it (signed out elsewhere). */
    by?: {
        session: number;
        platform: string;
        deviceName: string;
    };
    /** What left no room, with a newer login or an applied policy. */
    rule?: "another platform of its group" | "over the limit";
    /** With "over the limit": so many sessions the platform may have. */
    limit?: number;
}
/** Nobody is in any more, by somebody else's act or because the UserSig has ended. */
export interface KickedOut {
    type: "multipleAccount" | "multipleDevice" | "userSigExpired" | "REST_API_Kick";
    /** True: a new UserSig is needed; get one and log in. False: log in again only when the user wants it. */
    expired: boolean;
    /** Ours: more than the type says. */
    kick: Kick;
}
/** What is known of the connection. The SDK makes a lost one again by itself. */
export interface NetState {
    /** A connection is being made; the server has answered; one try has failed and another follows. */
    state: "connecting" | "connected" | "disconnected";
    /** Of a failed try: 9508 not connected, 9510 timed out, 6012 no answer, 6022 nothing can be kept. */
    code?: number;
    message?: string;
}
export interface UserSigEnds {
    userID: string;
    /** When, in seconds since 1970 UTC by the server's clock. */
    time: number;
}
/** What a text message says. */
export interface TextPayload {
    /** Not empty. */
    text: string;
}
/** Data that only the app understands; all three are texts. */
export interface CustomPayload {
    data: string;
    description: string;
    extension: string;
}
interface MessageCommon {
    /** Drawn by its sender's SDK: the same ID to the same account is the same message, however often it is sent. */
    ID: string;
    conversationID: string;
    conversationType: "C2C";
    from: string;
    to: string;
    /** "out": the account that is in has sent it. */
    flow: "in" | "out";
    /** When the server took it, in seconds since 1970 UTC; before that, when it was made, by the device's clock. */
    time: number;
    /** Counted within the conversation, from 1, in the server's order; 0: the server has not answered yet. */
    sequence: number;
    /** "unSend": not yet answered; "fail": not sent, or nobody knows: send the same message again. */
    status: "unSend" | "success" | "fail";
    /** It was taken back, and says nothing any more. */
    isRevoked: boolean;
    /** Sent by the account that is in, and read by the other side. */
    isPeerRead: boolean;
    /** Read by the account that is in; what it has sent is read. */
    isRead: boolean;
    /** The app's own, beside the payload. */
    cloudCustomData: string;
}
/** A message of a conversation. A text, or data of the app's own. */
export type Message = MessageCommon & ({
    type: "TIMTextElem";
    payload: TextPayload;
} | {
    type: "TIMCustomElem";
    payload: CustomPayload;
});
/** What the account and another one have said to each other, as the account sees it. */
export interface Conversation {
    /** "C2C" and the other's userID. */
    conversationID: string;
    type: "C2C";
    userProfile: {
        userID: string;
    };
    /** Messages of the other side that the account has not read. */
    unreadCount: number;
    /** The latest that the account has not deleted. */
    lastMessage: Message | undefined;
    /** Of the latest message, also a deleted one. */
    lastSequence: number;
    isPinned: boolean;
    /** The other side has read up to here. */
    peerReadSequence: number;
}
export type MessageEvent = Message[];
/** The messages that the other side has read now, as far as they were shown. */
export type ReadEvent = Message[];
/** The whole list, as {@link Chat.getConversationList} gives it. */
export type ConversationUpdate = Conversation[];
/** Unread messages of all conversations. */
export type TotalUnread = number;
/** One of the places where the account is logged in. */
export interface LoginSession {
    /** Its number within the account: names it for {@link Chat.signOut}. */
    session: number;
    deviceID: string;
    /** May be empty. */
    deviceName: string;
    platform: string;
    /** When it logged in, in seconds since 1970 UTC. */
    loginTime: number;
    /** Since when it has no connection; 0: it has one. */
    awaySince: number;
    /** The network that its last connection came from; may be empty. */
    address: string;
    /** It is this one. */
    isCurrent: boolean;
}
/** What every call that succeeds brings. */
export interface Response<T> {
    code: 0;
    data: T;
}
export {};
