package inventory

import (
	"cmp"
	"slices"
	"time"
)

// Hour is what the cycles that began within one hour add up to. It tells how
// things stood long after the reports of quiet cycles are gone.
type Hour struct {
	Start      time.Time               `json:"start"` // UTC, a full hour
	Cycles     int                     `json:"cycles"`
	Failed     int                     `json:"failed"` // of these, with an error that ended the cycle
	DurationMS int64                   `json:"duration_ms"`
	Requests   map[string]RequestCount `json:"requests"` // by API
	Stores     []StoreHour             `json:"stores"`   // sorted by name
}

// StoreHour is one store's part of an [Hour]. Each count is the sum of those of
// its reports: InStep of Levels is how much of the time the store was in step.
type StoreHour struct {
	Name     StoreName `json:"name"`
	Cycles   int       `json:"cycles"`
	Failed   int       `json:"failed"` // of these, with an error of this store
	Levels   int       `json:"levels"`
	InStep   int       `json:"in_step"`
	Drifted  int       `json:"drifted"`
	Applied  int       `json:"applied"`
	Waiting  int       `json:"waiting"`
	Held     int       `json:"held"`
	Rejected int       `json:"rejected"`
	Stale    int       `json:"stale"`
	// Contested counts the levels that something else wrote too.
	Contested int `json:"contested,omitempty"`
}

// HourOf gives the hour that a time is in.
func HourOf(at time.Time) time.Time { return at.UTC().Truncate(time.Hour) }

// Add counts a report.
func (h *Hour) Add(report *Report) {
	h.Cycles++
	if report.Error != "" {
		h.Failed++
	}
	h.DurationMS += report.DurationMS
	if h.Requests == nil {
		h.Requests = make(map[string]RequestCount, len(report.Requests))
	}
	for api, asked := range report.Requests {
		h.Requests[api] = h.Requests[api].Plus(asked)
	}
	for i := range report.Stores {
		h.store(report.Stores[i].Name).add(&report.Stores[i])
	}
}

// store gives the part of a store, and makes it if need be.
func (h *Hour) store(name StoreName) *StoreHour {
	i, found := slices.BinarySearchFunc(h.Stores, name, func(s StoreHour, name StoreName) int { return cmp.Compare(s.Name, name) })
	if !found {
		h.Stores = slices.Insert(h.Stores, i, StoreHour{Name: name})
	}
	return &h.Stores[i]
}

func (s *StoreHour) add(report *StoreReport) {
	s.Cycles++
	if report.Error != "" {
		s.Failed++
	}
	s.Levels += report.Levels
	s.InStep += report.InStep
	s.Drifted += report.Drifted
	s.Applied += report.Applied
	s.Waiting += report.Waiting
	s.Held += report.Held
	s.Rejected += report.Rejected
	s.Stale += report.Stale
	s.Contested += report.Contested
}

// Plus adds two counts.
func (c RequestCount) Plus(d RequestCount) RequestCount {
	return RequestCount{
		Count: c.Count + d.Count, Retries: c.Retries + d.Retries, Throttled: c.Throttled + d.Throttled,
		Cost: c.Cost + d.Cost, WaitedMS: c.WaitedMS + d.WaitedMS,
	}
}
