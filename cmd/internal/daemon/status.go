package daemon

import (
	"fmt"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Status is how things stand: the last cycle and what is kept of each store.
// A running daemon adds what only it knows.
type Status struct {
	Running *Running          `json:"running,omitempty"` // nil: read from the state file, no daemon runs
	Path    string            `json:"config_path"`       // absolute
	Config  string            `json:"config"`            // digest
	Lineage string            `json:"lineage"`           // digest of the accounts
	Last    *inventory.Report `json:"last,omitempty"`
	Stores  []StoreStatus     `json:"stores"`
}

// Running is what a running daemon says of itself.
type Running struct {
	PID      int            `json:"pid"`
	Since    time.Time      `json:"since"`
	Busy     inventory.Kind `json:"busy,omitempty"` // of the cycle under way
	Next     time.Time      `json:"next"`
	NextFull time.Time      `json:"next_full"`
}

// StoreStatus is one store between cycles.
type StoreStatus struct {
	Name       inventory.StoreName      `json:"name"`
	Mode       inventory.Mode           `json:"mode"`
	InFlight   inventory.Units          `json:"in_flight"` // units sold in Shopify that Katana does not commit yet
	Overdue    []inventory.OverdueSale  `json:"overdue"`   // orders that Katana should have had long since
	Waiting    []inventory.ChangeReport `json:"waiting"`   // in the last cycle
	Holds      []inventory.Hold         `json:"holds"`
	Quarantine []inventory.Quarantined  `json:"quarantine"`
	Rivals     []inventory.Rival        `json:"second_writers"` // suspected ones too: those were not reported yet
}

// Describe reads the status of a setup from its state file.
func Describe(s *Setup) (*Status, error) {
	last, err := s.Memory.Last()
	if err != nil {
		return nil, err
	}
	lineage, err := s.Memory.Lineage()
	if err != nil {
		return nil, err
	}
	status := &Status{Path: s.Path, Config: s.Config, Lineage: lineage, Last: last, Stores: []StoreStatus{}}
	for _, store := range s.Memory.Stores() {
		memory, err := s.Memory.Memory(store.Name)
		if err != nil {
			return nil, fmt.Errorf("store %s: %w", store.Name, err)
		}
		one := StoreStatus{
			Name: store.Name, Mode: store.Mode,
			Waiting: waiting(last, store.Name), Holds: memory.Holds, Quarantine: memory.Quarantine, Rivals: memory.Rivals,
		}
		one.InFlight, one.Overdue = s.Memory.Sold(store.Name, &memory.Ledger)
		status.Stores = append(status.Stores, one)
	}
	return status, nil
}

// waiting lists what waited in a store at the end of the last cycle.
func waiting(last *inventory.Report, store inventory.StoreName) (changes []inventory.ChangeReport) {
	if last == nil {
		return nil
	}
	for _, s := range last.Stores {
		for _, change := range s.Changes {
			if s.Name == store && change.Outcome == inventory.Waiting {
				changes = append(changes, change)
			}
		}
	}
	return changes
}
