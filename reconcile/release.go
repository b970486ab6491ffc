package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// ErrNothingToRelease reports an id that names neither a held plan nor a level
// that is in quarantine or has a second writer, nor an order that Katana lacks.
var ErrNothingToRelease = errors.New("nothing is held, in quarantine, written by something else or overdue under that id; `stocksyncd status` lists what is")

// Release lets a held plan go, by its id, takes a level out of quarantine or has
// it written as if nothing else did, by its key, or has an order count as sold no
// longer. The next cycle writes the figure that is desired then, if it
// still goes in the same direction. It says what it did, here and in the log.
func (r *Reconciler) Release(id string) (string, error) {
	for _, s := range r.opts.Stores {
		kept, err := r.remembered(s.Name)
		if err != nil {
			return "", err
		}
		if text := kept.release(s.Name, id, r.opts.Now()); text != "" {
			return text, r.released(s.Name, kept, text)
		}
	}
	return "", fmt.Errorf("%q: %w", id, ErrNothingToRelease)
}

// release lets go of what an id names, and says what it did; "" where the id names
// nothing of the store.
func (m *memory) release(store inventory.StoreName, id string, now time.Time) string {
	if i := slices.IndexFunc(m.Holds, func(h inventory.Hold) bool {
		return h.ID == id && h.Released.IsZero() && h.Rule != guard.RuleUndone
	}); i >= 0 {
		m.Holds[i].Released = now
		return fmt.Sprintf("%s: %s released for the next cycle", id, count(len(m.Holds[i].Levels), "level", "levels"))
	}
	if slices.ContainsFunc(m.Holds, func(h inventory.Hold) bool { return h.ID == id && h.Rule == guard.RuleUndone }) {
		return fmt.Sprintf("%s: %s Katana again from the next cycle on", id, count(m.letFollow(id), "level follows", "levels follow"))
	}
	if text := m.let(id); text != "" {
		return text
	}
	if sale, is := releaseSale(store, &m.Ledger, id, now); is {
		return fmt.Sprintf("order %s counts as sold no longer: the next cycle offers what Katana says", sale)
	}
	return ""
}

// let ends all that keeps a level from being written: that it was undone, its
// quarantine, and what speaks for a second writer of it. It says what it did, ""
// where that was nothing.
func (m *memory) let(level string) string {
	var did []string
	if m.letFollow(level) > 0 {
		did = append(did, "follows Katana again from the next cycle on")
	}
	if i := slices.IndexFunc(m.Quarantine, func(q inventory.Quarantined) bool { return q.Key.String() == level }); i >= 0 {
		m.Quarantine = slices.Delete(m.Quarantine, i, i+1)
		did = append(did, "is out of quarantine")
	}
	if i := slices.IndexFunc(m.Rivals, func(r inventory.Rival) bool { return r.Key.String() == level && !r.Since.IsZero() }); i >= 0 {
		m.Rivals = slices.Delete(m.Rivals, i, i+1)
		did = append(did, "is written again as if nothing else did")
	}
	if did == nil {
		return ""
	}
	return level + " " + strings.Join(did, ", and ")
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
	held := kept.letAllFollow()
	for i := range kept.Holds {
		if kept.Holds[i].Released.IsZero() {
			kept.Holds[i].Released = r.opts.Now()
			held++
		}
	}
	resting := 0
	for i := range kept.Quarantine {
		if kept.Quarantine[i].Rests(r.opts.Now()) {
			resting++
		}
	}
	kept.Quarantine = nil
	text := fmt.Sprintf("%s: %s released, %s out of quarantine", store, count(held, "held plan", "held plans"), count(resting, "level", "levels"))
	contested := 0
	for i := range kept.Rivals {
		if !kept.Rivals[i].Since.IsZero() {
			contested++
		}
	}
	if kept.Rivals = nil; contested > 0 {
		text += fmt.Sprintf(", %s written again as if nothing else did", count(contested, "level", "levels"))
	}
	return text, r.released(store, kept, text)
}

// released keeps a release and has the log say what went: who looks into it later
// sees that somebody let it go.
func (r *Reconciler) released(name inventory.StoreName, kept *memory, text string) error {
	if err := r.keep(name, kept); err != nil {
		return err
	}
	r.opts.Log.Info("released", "store", name, "what", text)
	return nil
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
