package reconcile

import (
	"errors"
	"fmt"
	"slices"

	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// ErrNothingToRelease reports an id that names neither a held plan nor a level
// in quarantine.
var ErrNothingToRelease = errors.New("nothing is held or in quarantine under that id; `stocksyncd status` lists what is")

// Release lets a held plan go, by its id, or takes a level out of quarantine,
// by its key. The next cycle writes the figure that is desired then, if it
// still goes in the same direction. It says what it did.
func (r *Reconciler) Release(id string) (string, error) {
	for _, s := range r.opts.Stores {
		kept, err := r.remembered(s.Name)
		if err != nil {
			return "", err
		}
		if i := slices.IndexFunc(kept.Holds, func(h inventory.Hold) bool {
			return h.ID == id && h.Released.IsZero() && h.Rule != guard.RuleUndone
		}); i >= 0 {
			kept.Holds[i].Released = r.opts.Now()
			return fmt.Sprintf("%s: %s released for the next cycle", id, count(len(kept.Holds[i].Levels), "level", "levels")), r.keep(s.Name, kept)
		}
		if text, found := kept.follow(id); found {
			return text, r.keep(s.Name, kept)
		}
		if i := slices.IndexFunc(kept.Quarantine, func(q inventory.Quarantined) bool { return q.Key.String() == id }); i >= 0 {
			kept.Quarantine = slices.Delete(kept.Quarantine, i, i+1)
			return id + " is out of quarantine", r.keep(s.Name, kept)
		}
	}
	return "", fmt.Errorf("%q: %w", id, ErrNothingToRelease)
}

// ReleaseAll lets everything of a store go that is held or in quarantine.
func (r *Reconciler) ReleaseAll(store inventory.StoreName) (string, error) {
	if !slices.ContainsFunc(r.opts.Stores, func(s Store) bool { return s.Name == store }) {
		return "", fmt.Errorf("no store %q in the config", store)
	}
	kept, err := r.remembered(store)
	if err != nil {
		return "", err
	}
	held := kept.followAll()
	for i := range kept.Holds {
		if kept.Holds[i].Released.IsZero() {
			kept.Holds[i].Released = r.opts.Now()
			held++
		}
	}
	resting := len(kept.Quarantine)
	kept.Quarantine = nil
	return fmt.Sprintf("%s: %s released, %s out of quarantine", store, count(held, "held plan", "held plans"), count(resting, "level", "levels")), r.keep(store, kept)
}

func (r *Reconciler) keep(name inventory.StoreName, kept *memory) error {
	if err := r.opts.Journal.Observe(name, inventory.Observation{Memory: kept.Memory}); err != nil {
		kept.doubtful = true
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

// count writes "1 level" and "2 levels".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
