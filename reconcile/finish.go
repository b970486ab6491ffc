package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// finish makes the report, and makes it durable with all that the next cycle
// must know. failed is what ended the cycle before the diff, or nil.
func (c *cycle) finish(failed error) (*inventory.Report, error) {
	now := c.r.opts.Now()
	c.r.kits, c.r.made, c.r.kitsOld = c.kits, c.made, c.kitsOld
	report := &inventory.Report{
		Cycle: c.number, Kind: c.ask.Kind, Started: c.started.UTC(), DurationMS: max(now.Sub(c.started), 0).Milliseconds(),
		Requests: c.spent(), OldestRead: c.r.mirror.oldest(), Stores: []inventory.StoreReport{},
	}
	if failed != nil {
		report.Error = failed.Error()
		c.r.notePause("", failed, now)
	}
	end := inventory.Finish{Report: report, Source: c.source, Stores: map[inventory.StoreName]inventory.Memory{}}
	for _, s := range c.stores {
		c.r.notePause(string(s.Name), s.err, now)
		s.putBackDone()
		if failed != nil && s.err == nil && s.toldSales { // it answers again, though nothing came of it
			s.kept.failing = time.Time{}
		}
		if !s.listens {
			report.Stores = append(report.Stores, s.report())
		}
		// Of a store whose diff was not reached, nothing new is known.
		if s.plan.Skipped != nil && !s.kept.doubtful {
			end.Stores[s.Name] = s.remembered()
			s.pass, s.freed, s.plan.Changes, s.plan.Waiting = nil, nil, nil, nil // what explains needs is kept
			s.items, s.listed, s.levels, s.figured, s.holding = nil, nil, nil, nil, nil
			c.r.views[s.Name] = s
		}
	}
	err := c.r.opts.Journal.Finish(end)
	i := 0
	for _, s := range c.stores {
		if !s.listens {
			report.Stores[i].Compared = s.compares // an answer to a question, no history
			i++
		}
	}
	if err != nil {
		for _, s := range c.stores {
			s.kept.doubtful = true
		}
		return report, errors.Join(failed, fmt.Errorf("state: %w", err))
	}
	return report, failed
}

// remembered is the store's memory as the next cycle shall find it.
func (s *cycleStore) remembered() inventory.Memory {
	var written []inventory.Key
	for _, o := range s.outcomes {
		if o.Result == inventory.Applied {
			written = append(written, o.Key)
		}
	}
	s.kept.Holds = guard.Done(s.kept.Holds, written)
	s.taken(written)
	look := &s.kept.Look
	if s.whole {
		look.Whole = s.began
	}
	t := &s.kept.tour
	look.Mark, look.Swept, look.Oldest, look.Since, look.Owed = t.mark, t.swept, t.oldest(), t.since, t.owed
	return s.kept.Memory
}

// spent is what the cycle added to the running totals of requests.
func (c *cycle) spent() map[string]inventory.RequestCount {
	spent := map[string]inventory.RequestCount{}
	for api, total := range c.r.opts.Requests() {
		before := c.requests[api]
		spent[api] = inventory.RequestCount{
			Count: total.Count - before.Count, Retries: total.Retries - before.Retries,
			Throttled: total.Throttled - before.Throttled, Cost: total.Cost - before.Cost,
			WaitedMS: total.WaitedMS - before.WaitedMS,
		}
	}
	return spent
}

func (s *cycleStore) report() inventory.StoreReport {
	r := inventory.StoreReport{
		Name: s.Name, Mode: s.mode, Levels: s.plan.Managed(), InStep: s.plan.InStep, Drifted: s.plan.Drifted,
		Skipped: s.plan.Skipped, Negative: s.plan.Negative, Notes: s.notes, Changes: []inventory.ChangeReport{},
		DuplicateStock: s.found.stock, DuplicateSKUs: s.found.skus, NearMisses: s.found.near,
	}
	if s.err != nil {
		r.Error = s.err.Error()
	} else if t := &s.kept.tour; s.mode != inventory.ModeOff && s.plan.Skipped != nil {
		r.Quarantine = s.resting()
		r.Look = &inventory.LookReport{Whole: s.whole, Oldest: t.oldest().UTC(), Told: t.told, Missed: t.missed, Trusted: t.trusted}
	}
	s.contested(&r)
	if r.Skipped == nil {
		r.Skipped = map[inventory.Reason]int{}
	}
	slices.SortStableFunc(s.outcomes, func(a, b inventory.Outcome) int { return a.Compare(b.Key) })
	for _, o := range s.outcomes {
		r.Changes = append(r.Changes, inventory.ReportChange(o))
		tally(&r, o.Result)
	}
	for _, h := range s.kept.Holds {
		if h.Released.IsZero() {
			r.Holds = append(r.Holds, inventory.HoldReport{
				ID: h.ID, Rule: h.Rule, Have: h.Have, Limit: h.Limit, Levels: len(h.Levels),
				Text: guard.Sentence(h), Release: "stocksyncd release " + h.ID, News: s.told[h.ID],
			})
		}
	}
	return r
}

func tally(r *inventory.StoreReport, result inventory.Result) {
	switch result {
	case inventory.Applied:
		r.Applied++
	case inventory.Waiting:
		r.Waiting++
	case inventory.Held:
		r.Held++
	case inventory.Rejected:
		r.Rejected++
	case inventory.Stale:
		r.Stale++
	case inventory.Skipped, inventory.Unsent:
	}
}
