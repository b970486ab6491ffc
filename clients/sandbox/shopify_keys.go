package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// keepKeys is how long a key of the idempotent directive stands for its first
// request.
const keepKeys = 24 * time.Hour

// keyUse is the first request made with a key.
type keyUse struct {
	at      time.Time
	request [sha256.Size]byte // what must be the same to be a replay
	done    bool
	failed  bool        // it was refused with user errors
	group   *adjustment // what inventorySetQuantities changed
	level   *level      // what inventoryActivate activated
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

// key reads the idempotent directive, which must be there.
func (x *execution) key(f *ast.Field) (string, error) {
	directive := f.Directives.ForName("idempotent")
	if directive == nil {
		return "", fieldErrorf("BAD_REQUEST", "The @idempotent directive is required for this mutation but was not provided.")
	}
	key, _ := directive.ArgumentMap(x.vars)["key"].(string)
	if strings.TrimSpace(key) == "" {
		return "", fieldErrorf("BAD_REQUEST", "The idempotency key cannot be empty or blank.")
	}
	return key, nil
}

// use finds the first request with a key, or makes this one the first. A
// request is the same when its variables are, byte for byte but for spaces
// between them: Shopify asks to keep the order of fields and entries stable.
func (x *execution) use(key, mutation string) (*keyUse, []userError) {
	s := x.s
	var compact bytes.Buffer
	if err := json.Compact(&compact, x.raw); err != nil {
		compact.Reset()
	}
	request := sha256.Sum256(append([]byte(mutation+"\n"), compact.Bytes()...))
	use := s.keys[key]
	if use == nil || x.now.Sub(use.at) >= keepKeys {
		use = &keyUse{at: x.now, request: request}
		s.keys[key] = use
		return use, nil
	}
	switch {
	case use.request != request:
		return nil, []userError{{nil, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "The same idempotency key cannot be used with different operation parameters."}}
	case use.failed:
		return nil, []userError{{nil, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "A previous request with this idempotency key failed. Retry with a new idempotency key."}}
	case x.now.Sub(use.at) < s.keyBusy:
		return nil, []userError{{nil, "IDEMPOTENCY_CONCURRENT_REQUEST", "This request is currently in progress, please try again."}}
	}
	return use, nil
}
