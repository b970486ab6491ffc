package state

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// Lineage says whose stock a state file is about.
type Lineage struct {
	Katana string                         `json:"katana"` // the account; "" when it could not be asked
	Stores map[inventory.StoreName]string `json:"stores"` // the shop of each store; "" when it could not be asked
}

// Bind ties the file to an account and its shops, or refuses with
// [*ForeignError] when it is tied to others. A store that is new is added; one
// that the config no longer has stays. What could not be asked is neither
// compared nor recorded. A file that is open for reading only is compared, and
// stays as it is.
func (s *Store) Bind(now Lineage) error {
	if s.opts.ReadOnly {
		bound, err := s.Lineage()
		if err != nil {
			return err
		}
		return s.join(&bound, now)
	}
	err := s.update(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		var bound Lineage
		if _, err := get(meta, placeMeta, keyLineage, &bound); err != nil {
			return err
		}
		if err := s.join(&bound, now); err != nil {
			return err
		}
		return put(meta, placeMeta, keyLineage, s.opts.Now(), bound)
	})
	if other := (*ForeignError)(nil); errors.As(err, &other) {
		return other // it names the file itself
	}
	return err
}

// join adds what is new to the lineage.
func (s *Store) join(bound *Lineage, now Lineage) error {
	if foreign(bound.Katana, now.Katana) {
		return &ForeignError{s.path, "the Katana account", bound.Katana, now.Katana}
	}
	if now.Katana != "" {
		bound.Katana = now.Katana
	}
	if bound.Stores == nil {
		bound.Stores = map[inventory.StoreName]string{}
	}
	for _, name := range slices.Sorted(maps.Keys(now.Stores)) {
		shop := now.Stores[name]
		if foreign(bound.Stores[name], shop) {
			return &ForeignError{s.path, fmt.Sprintf("store %s", name), bound.Stores[name], shop}
		}
		if shop != "" {
			bound.Stores[name] = shop
		}
	}
	return nil
}

func foreign(has, want string) bool { return has != "" && want != "" && has != want }

// Lineage says whose stock the file is about.
func (s *Store) Lineage() (bound Lineage, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		_, err := get(tx.Bucket(bucketMeta), placeMeta, keyLineage, &bound)
		return err
	})
	return bound, err
}
