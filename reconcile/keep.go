package reconcile

import (
	"fmt"
	"time"

	"stocksyncd/reconcile/inventory"
)

// reflected keeps how far the reading has come: what the feeds told of is in
// the mirror now.
func (c *cycle) reflected() error {
	m := c.mirror
	m.mark = c.heard.Mark
	for _, order := range c.orders {
		if order.Updated.After(m.ordered) {
			m.ordered = order.Updated
		}
	}
	switch {
	case c.quiet || c.open.same && c.open.err == nil:
	case c.open.err != nil || c.ask.Store != "" || c.ask.Compare != nil:
		c.r.open = openKept{}
	default:
		c.r.open = openKept{read: c.started, orders: c.open.after}
	}
	return c.keep(nil, nil, c.head())
}

// head is what is kept of Katana beside its variants.
func (c *cycle) head() *inventory.SourceHead {
	m := c.mirror
	head := &inventory.SourceHead{
		Locations: c.locations, At: m.at, Hot: m.hot, Ingredients: c.made, Mark: m.mark,
		Swept: m.swept, Owed: []float64{m.plain.owed, m.kits.owed},
	}
	if m.partly {
		head.Since = m.since
	}
	return head
}

// keep makes durable what was read of variants. What the journal refuses may
// be half there, so that the mirror is read from it again.
func (c *cycle) keep(read, gone []inventory.SourceVariantID, head *inventory.SourceHead) error {
	if c.quiet {
		return nil
	}
	part := inventory.SourceRead{Gone: gone, Head: head, Read: make(map[inventory.SourceVariantID]time.Time, len(read))}
	for _, id := range read {
		if v, rows, known := c.mirror.catalogue.Variant(id); known {
			part.Variants, part.Stock = append(part.Variants, v), append(part.Stock, rows...)
			if at := c.mirror.readAt(id); !at.IsZero() {
				part.Read[id] = at
			}
		}
	}
	if len(part.Variants)+len(gone) == 0 && head == nil {
		return nil
	}
	if err := c.r.opts.Journal.Read(part); err != nil {
		c.r.mirror, c.r.recalled = nil, false
		return fmt.Errorf("state: %w", err)
	}
	return nil
}
