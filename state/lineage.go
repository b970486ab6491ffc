package state

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// Lineage says whose stock a state file is about.
type Lineage struct {
	Katana string                         `json:"katana"` // the account; "" when it could not be asked
	Stores map[inventory.StoreName]string `json:"stores"` // the shop of each store; "" when it could not be asked
}

// ForeignError reports a state file that belongs to another account or shop.
type ForeignError struct {
	Path      string
	What      string // "the Katana account" or "store main"
	Has, Want string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s belongs to another account: %s was %q, the config now leads to %q; set state.path to a new file, or move this one away: the next full cycle rebuilds it", e.Path, e.What, e.Has, e.Want)
}

// Bind ties the file to an account and its shops, or refuses when it is tied
// to others. What could not be asked is neither compared nor recorded.
func (s *Store) Bind(now Lineage) error {
	var foreign *ForeignError
	err := s.update(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		var bound Lineage
		if b := meta.Get(keyLineage); b != nil {
			if err := decode("lineage", b, &bound); err != nil {
				return err
			}
		}
		if bound.Stores == nil {
			bound.Stores = map[inventory.StoreName]string{}
		}
		if bound.Katana != "" && now.Katana != "" && bound.Katana != now.Katana {
			foreign = &ForeignError{s.path, "the Katana account", bound.Katana, now.Katana}
			return nil
		}
		if now.Katana != "" {
			bound.Katana = now.Katana
		}
		for name, shop := range now.Stores {
			if has := bound.Stores[name]; has != "" && shop != "" && has != shop {
				foreign = &ForeignError{s.path, fmt.Sprintf("store %s", name), has, shop}
				return nil
			}
			if shop != "" {
				bound.Stores[name] = shop
			}
		}
		b, err := encode(bound)
		if err != nil {
			return err
		}
		return meta.Put(keyLineage, b)
	})
	if foreign != nil {
		return foreign
	}
	return err
}

// Lineage says whose stock the file is about.
func (s *Store) Lineage() (bound Lineage, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		if b := tx.Bucket(bucketMeta).Get(keyLineage); b != nil {
			return decode("lineage", b, &bound)
		}
		return nil
	})
	return bound, err
}
