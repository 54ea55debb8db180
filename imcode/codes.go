package imcode

// OK is success. It is never an error.
const OK Code = 0

// The codes that Rollcall makes, by number. What each means is in the table;
// those with SDK in their name have a twin that the server makes.
const (
	InvalidConversation   Code = 6004
	RequestTimeout        Code = 6012
	NotInitialized        Code = 6013
	NotLoggedIn           Code = 6014
	InProgress            Code = 6015
	InvalidMessageElement Code = 6016
	SDKInvalidParameters  Code = 6017
	InitFailed            Code = 6018
	DatabaseFailed        Code = 6019
	IOFailed              Code = 6022
	LoggedOutBeforeLogin  Code = 6023
	SDKUserSigExpired     Code = 6206
	KickedOffByOther      Code = 6208

	InvalidUserID       Code = 7003
	CallFrequencyLimit  Code = 7008
	Interrupted         Code = 7009
	SDKInternal         Code = 7012
	FeatureNotSupported Code = 7013
	InvalidOperation    Code = 7014
	LoginInProcess      Code = 7501

	MsgBodySizeLimit Code = 8001

	AuthInvalid        Code = 9503
	Disconnected       Code = 9508
	ConnectTimeout     Code = 9510
	ConnectRefused     Code = 9511
	NetworkUnreachable Code = 9512
	HostNotFound       Code = 9516
	WaitAckTimeout     Code = 9520
	PacketSizeLimit    Code = 9522

	InvalidRecipient Code = 20003
	MessageNotFound  Code = 20022
	RevokeTimeLimit  Code = 20016

	ParseFailed     Code = 60003
	UnknownRequest  Code = 60009
	AppDisabled     Code = 60016
	TooManyRequests Code = 60018

	UserSigExpired           Code = 70001
	UserSigEmpty             Code = 70002
	UserSigCheckFailed       Code = 70003
	UserSigMismatchPublicKey Code = 70009
	UserSigMismatchID        Code = 70013
	UserSigMismatchAppID     Code = 70014
	PublicKeyNotFound        Code = 70016
	AppNotFound              Code = 70020
	AccountFreqLimit         Code = 70050
	AccountDisabled          Code = 70051
	InvalidUserSig           Code = 70052
	AccountNotFound          Code = 70107
	InvalidParameters        Code = 70402
	AdminRequired            Code = 70403
	Internal                 Code = 70500
	LoginFrequencyLimit      Code = 72010

	ServerBodySizeLimit Code = 80002
)
