# Everything else has a script (CONTRIBUTING.md).

N ?= 1000000
FROM ?= 1

# More histories of clients against the rules than the tests play.
.PHONY: sim
sim:
	go test ./internal/sim -run TestHistories -from $(FROM) -histories $(N) -timeout 0

T ?= 10m

# Every fuzz target for T.
.PHONY: fuzz
fuzz:
	scripts/fuzz $(T)
