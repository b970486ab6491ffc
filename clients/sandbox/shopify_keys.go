package sandbox

import (
	"crypto/sha256"
	"time"
)

// keepKeys is how long a key of the idempotent directive stands for its first
// request.
const keepKeys = 24 * time.Hour

// keyUse is the first request made with a key.
type keyUse struct {
	at        time.Time
	variables [sha256.Size]byte // what must be the same to be a replay
	group     *adjustment       // what came of it; nil if it was refused
}

// adjustment is an inventory adjustment group.
type adjustment struct {
	id        string
	createdAt time.Time
	reason    string
	reference string
	changes   []levelChange
}

// levelChange is one quantity name of one level that an adjustment moved.
type levelChange struct {
	level *level
	name  string
	delta int
}
