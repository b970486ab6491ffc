package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"stocksyncd/configs"
	"stocksyncd/reconcile/inventory"
)

const (
	// planFormat is the version of the file; another one is refused.
	planFormat = 1
	// planAge is how old a plan may be: what was desired yesterday is history.
	planAge = 24 * time.Hour
	// planSize bounds what is read: a million lines fit.
	planSize = 512 << 20
)

// savedPlan is a plan on its way from `plan --out` to `apply`. The digest
// finds what was edited or cut short; it is no signature.
type savedPlan struct {
	Format  int                `json:"format"`
	Created time.Time          `json:"created"`
	Config  string             `json:"config"`  // digest of the accounts, mapping and rules that it was made with
	Lineage string             `json:"lineage"` // digest of the accounts that it was made for
	Cycle   uint64             `json:"cycle"`   // that made it
	Changes []inventory.Change `json:"changes"`
	Digest  string             `json:"sha256"` // of all of the above
}

// changesOf lists the lines of a plan that apply may write: neither those that
// wait nor those that a guard holds.
func changesOf(report *inventory.Report) []inventory.Change {
	changes := []inventory.Change{}
	for _, store := range report.Stores {
		for _, c := range store.Changes {
			if c.Outcome != inventory.Skipped || c.Reason != inventory.ReasonReport {
				continue
			}
			changes = append(changes, inventory.Change{
				Key:     inventory.Key{Store: store.Name, Item: c.Item, Location: c.LocationID},
				Variant: c.Variant, SKU: c.SKU, LocationName: c.Location, From: c.From, To: c.To, Reason: inventory.ReasonDrift, Activate: c.Activate,
			})
		}
	}
	return changes
}

// digest is the sum over everything but the digest itself.
func (p savedPlan) digest() (string, error) {
	p.Digest = ""
	data, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// writePlan writes a plan that only its owner can read, whole or not at all.
func writePlan(path string, p savedPlan) (err error) {
	if p.Digest, err = p.digest(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err
	}
	err = writeWhole(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("saving the plan: %w", err)
	}
	return nil
}

// loadPlan reads a plan and refuses one that is not whole or too old.
func loadPlan(path string, now time.Time) (*savedPlan, error) {
	file, err := os.Open(path) // #nosec G304 -- the operator names the file
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // opened for reading
	data, err := io.ReadAll(io.LimitReader(file, planSize))
	if err != nil {
		return nil, err
	}
	p, err := parsePlan(data, now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// errPlan is what every refusal of a plan's file ends with: the next step.
var errPlan = errors.New("make a new one with `stocksyncd plan --out FILE`")

func parsePlan(data []byte, now time.Time) (*savedPlan, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var p savedPlan
	err := decoder.Decode(&p)
	if p.Format != planFormat && p.Format != 0 { // it may have fields of its own
		return nil, fmt.Errorf("format %d is not the %d of this version; %w", p.Format, planFormat, errPlan)
	}
	if err != nil {
		return nil, fmt.Errorf("not a saved plan: %w; %w", err, errPlan)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the plan; %w", errPlan)
	}
	want, err := p.digest()
	if err != nil {
		return nil, err
	}
	if p.Digest != want {
		return nil, fmt.Errorf("the plan was altered after it was saved; %w", errPlan)
	}
	switch age := now.Sub(p.Created); {
	case age > planAge:
		return nil, fmt.Errorf("the plan is %s old, more than %s; %w", age.Round(time.Minute), planAge, errPlan)
	case age < -time.Minute:
		return nil, fmt.Errorf("the plan is from the future (%s); look at the clock, then %w", p.Created.UTC().Format(time.RFC3339), errPlan)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return &p, nil
}

// check refuses what no plan of ours says: without accounts it could be for any,
// and of two lines for a level nobody knows which is meant.
func (p *savedPlan) check() error {
	if p.Format != planFormat || p.Config == "" || p.Lineage == "" || p.Changes == nil {
		return fmt.Errorf("not a saved plan: it does not say of what it is; %w", errPlan)
	}
	seen := make(map[inventory.Key]struct{}, len(p.Changes))
	for _, change := range p.Changes {
		if _, twice := seen[change.Key]; twice {
			return fmt.Errorf("level %s stands twice in the plan; %w", change.Key, errPlan)
		}
		seen[change.Key] = struct{}{}
	}
	return nil
}

// of refuses a plan that was made with another config. The digest tells of
// stores that are gone as well; a line is looked at all the same, since it would
// be passed over in silence.
func (p *savedPlan) of(cfg *configs.Config) error {
	if p.Config != cfg.PlanDigest() {
		return fmt.Errorf("the accounts, the mapping or the rules of %s are no longer those that the plan was made with; %w", cfg.Path, errPlan)
	}
	for _, change := range p.Changes {
		if !slices.ContainsFunc(cfg.Stores, func(s configs.Store) bool { return inventory.StoreName(s.Name) == change.Store }) {
			return fmt.Errorf("the plan is for store %s, which is not in %s; %w", quoteCell(string(change.Store)), cfg.Path, errPlan)
		}
	}
	return nil
}
